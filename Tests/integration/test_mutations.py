"""The deliberate breakages of `make mutate` still fit the sources, and the tests they name exist.

Running them takes too long for every build; that they have not rotted is seen here.
"""

import re
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import mutate  # noqa: E402

MUTATIONS = mutate.load()


def test_there_are_enough():
    assert len(MUTATIONS) >= 14


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_it_applies_and_changes_something(mutation):
    for path, text in mutation.edited(ROOT).items():
        assert path.startswith("Sources/")
        assert text != (ROOT / path).read_text()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_its_checks_exist(mutation):
    for check in mutation.checks:
        if check.kind == "simulate":
            assert 0 < int(check.argument) <= 1_000
            continue
        module, _, rest = check.argument.partition(".")
        sources = "".join(p.read_text() for p in (ROOT / "Tests" / module).rglob("*.swift"))
        suites, _, test = rest.partition("/")
        for suite in re.findall(r"\w+", suites):
            assert re.search(rf"(struct|class|enum) {suite}\b", sources), suite
        assert not test or f"func {test}(" in sources, test


def test_a_text_that_is_gone_is_an_error(tmp_path):
    path = tmp_path / "stale.mutation"
    block = "<<<<<<<\nno such line\n=======\n>>>>>>>\n"
    path.write_text(f"what: w\ncaught-by: core IngestTests\nfile: Makefile\n{block}")
    with pytest.raises(mutate.Unfit, match="0 times"):
        mutate.parse(path).edited(ROOT)
