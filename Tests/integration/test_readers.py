"""Seven engines read what the writer writes: the same rows and values, whatever is in them."""

import json
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

import parquet_pages
import reader_cases as cases
from conftest import ROOT, binary
from reader_engines import (
    ENGINES,
    SPARK,
    WITHOUT_BYTE_STREAM_SPLIT,
    WITHOUT_NULL_LISTS,
    canonical,
)
from usage_table import SCHEMA

OLD_COLUMN_COUNT = 21
EVOLUTION = "old and new version"
BOTH = "both encodings"
RESULTS = {}


class Samples:
    """Writes each case's files once."""

    def __init__(self, directory):
        self.directory = directory
        self.known = {}

    def case(self, name, encodings="default"):
        """The case's paths and its rows as a table."""
        if (name, encodings) not in self.known:
            batches = cases.CASES[name]()
            directory = self.directory / encodings / name.replace(" ", "-")
            self.write(directory, cases.description(batches, encodings=encodings))
            expected = cases.table(cases.joined(batches, "c-1"))
            self.known[name, encodings] = sorted(directory.rglob("*.parquet")), expected
        return self.known[name, encodings]

    def rows(self, name, row_groups, column_count):
        """A file of plain rows in the first columns of the schema."""
        directory = self.directory / name
        self.write(directory, {"row_groups": row_groups, "column_count": column_count})
        return directory / "rows.parquet"

    def write(self, directory, description):
        directory.mkdir(parents=True)
        subprocess.run(
            [binary("write-sample"), directory],
            input=json.dumps(description).encode(),
            check=True,
            timeout=120,
        )


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    return Samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="session", autouse=True)
def reader_table(request):
    """Prints which engine read which case, and stops Spark."""
    yield
    SPARK.stop()
    names = [*cases.CASES, EVOLUTION, *map(modern, cases.CASES), BOTH]
    lines = [f"{'':28}" + "".join(f"{engine:>13}" for engine in ENGINES)]
    for name in names:
        marks = [RESULTS.get((engine, name), "-") for engine in ENGINES]
        lines.append(f"{name:28}" + "".join(f"{mark:>13}" for mark in marks))
    if not RESULTS:
        return
    path = ROOT / ".build" / "reader-table.txt"
    path.write_text("\n".join(lines) + "\n")
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("", *lines, sep="\n")


def check(engine, name, paths, expected):
    RESULTS[engine, name] = "FAIL"
    without_null_lists = engine in WITHOUT_NULL_LISTS
    found = canonical(ENGINES[engine](paths), without_null_lists)
    wanted = canonical(expected, without_null_lists)
    assert found.num_rows == wanted.num_rows
    for column in SCHEMA.names:
        assert found.column(column).equals(wanted.column(column)), column
    RESULTS[engine, name] = "pass"


@pytest.mark.parametrize("name", cases.CASES)
@pytest.mark.parametrize("engine", ENGINES)
def test_rows_are_the_same(samples, engine, name):
    paths, expected = samples.case(name)
    check(engine, name, paths, expected)


def modern(name):
    return name + ", modern"


def is_split(path):
    """Whether a file has a BYTE_STREAM_SPLIT page."""
    chunks = parquet_pages.File(path).chunks()
    return any(parquet_pages.BYTE_STREAM_SPLIT in chunk[3][2] for _, chunk, _ in chunks)


def refuses(engine, name, paths):
    """Whether the engine cannot read the files; then that it says so is checked here."""
    if engine not in WITHOUT_BYTE_STREAM_SPLIT or not any(map(is_split, paths)):
        return False
    kind, text = WITHOUT_BYTE_STREAM_SPLIT[engine]
    with pytest.raises(kind, match=text):
        ENGINES[engine](paths)
    RESULTS[engine, name] = "refused"
    return True


@pytest.mark.parametrize("name", cases.CASES)
@pytest.mark.parametrize("engine", ENGINES)
def test_rows_are_the_same_in_modern_encodings(samples, engine, name):
    paths, expected = samples.case(name, "modern")
    if refuses(engine, modern(name), paths):
        return
    check(engine, modern(name), paths, expected)
    without_null_lists = engine in WITHOUT_NULL_LISTS
    default, found = (
        canonical(ENGINES[engine](p), without_null_lists) for p in (samples.case(name)[0], paths)
    )
    assert found.equals(default)


@pytest.mark.parametrize("engine", ENGINES)
def test_files_of_both_encodings_read_as_one_table(samples, engine):
    paths, expected = samples.case("counters", "modern")
    default_paths, _ = samples.case("counters")
    paths = [*default_paths, *paths]
    if not refuses(engine, BOTH, paths):
        check(engine, BOTH, paths, pa.concat_tables([expected, expected]))


@pytest.mark.parametrize("engine", ENGINES)
def test_files_of_an_older_version_read_as_one_table(samples, engine):
    """Later versions append nullable columns: where a file lacks them, they are null."""
    batches = cases.CASES["typical"]()
    rows = cases.joined(batches, "c-1")
    for row in rows:
        row["timestamp"] += "-old"
    kept = SCHEMA.names[:OLD_COLUMN_COUNT]
    plain = [{k: r[k] for k in kept if r.get(k) is not None} for r in rows]
    old = samples.directory / "old" / "rows.parquet"
    if not old.exists():
        samples.rows("old", [plain[:500], plain[500:]], OLD_COLUMN_COUNT)
    old_rows = [r | dict.fromkeys(SCHEMA.names[OLD_COLUMN_COUNT:]) for r in rows]
    new_paths, _ = samples.case("typical")
    expected = cases.table(old_rows + cases.joined(batches, "c-1"))
    # pod_name is among the appended columns: rows are told apart by what remains.
    check(engine, EVOLUTION, [old, *new_paths], expected)


def test_a_report_without_pods_leaves_no_file(samples):
    directory = samples.directory / "nothing"
    batches = [cases.batch([cases.report(cases.at(0), [])])]
    samples.write(directory, cases.description(batches))
    assert list(Path(directory).rglob("*")) == []


def test_each_date_has_its_own_file(samples):
    paths, expected = samples.case("two dates")
    dates = [p.parent.name for p in paths]
    assert dates == ["dt=2026-11-23", "dt=2026-11-24"]
    assert all(p.parent.parent.name == "cluster_name=c-1" for p in paths)
    assert expected.num_rows == 48
