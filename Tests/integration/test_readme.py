"""What the README says is so: its tables against the code, its commands run as they stand."""

import os
import re
import signal
import subprocess

import pytest

from conftest import ROOT, binary, free_port
from usage_table import SCHEMA

README = (ROOT / "README.md").read_text()


def table(heading):
    """The rows of the first table below a heading, without its head."""
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_every_column_is_explained_in_order():
    rows = table("What a row means")
    assert [row[0].strip("`") for row in rows] == SCHEMA.names
    types = {"string": "string", "double": "double", "int64": "long", "int32": "int"}
    for row, field in zip(rows, SCHEMA, strict=True):
        expected = types.get(str(field.type))
        if expected is None:
            expected = "array[string]" if str(field.type).startswith("list") else "timestamp"
        assert row[1] == expected, row[0]
        assert row[3] in ("instant", "constant", "gauge", "counter"), row[0]
        assert row[4], row[0]


def test_every_setting_is_listed_and_no_other():
    """The README's settings are those of --help, with the same defaults where it gives one."""
    names = {name for row in table("Settings") for name in re.findall(r"`([A-Z0-9_]+)`", row[0])}
    text = subprocess.run(
        [binary("aggregator"), "--help"], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    listed = set(re.findall(r"^ +([A-Z][A-Z0-9_]+)\b", text, re.M))
    assert names <= listed, names - listed


def test_alerting_metrics_exist(start_aggregator):
    service = start_aggregator()
    text = service.get("/metrics").text
    for row in table("HTTP"):
        for name in re.findall(r"`(aggregator_\w+)", row[0]):
            assert f"# TYPE {name} " in text, name
    for name in set(re.findall(r"\baggregator_[a-z_]+", README)):
        assert f"# TYPE {name} " in text, name


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def blocks(heading):
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```bash\n(.*?)```", section, re.S)


@pytest.mark.timeout(180)
def test_a_report_by_hand_becomes_a_row(disk_dir):
    """The README's commands, pasted into one shell: only the port, which may be taken, differs."""
    post, query = blocks("One report, by hand")
    port = str(free_port())
    post = post.replace("8888", port).replace(
        ".build/release/aggregator", f"PORT={port} {binary('aggregator')}"
    )
    post = post.replace(".build/release/fleet", str(binary("fleet")))
    query = query.replace("scripts/sql.sh", str(ROOT / "scripts" / "sql.sh"))
    query = query.replace("-t .build", f"-t {disk_dir}/.build")
    script = (
        "set -u\n"
        + post
        + "\necho\n"
        + f"""
for i in $(seq 100); do
  if [ -n "$(find .build/try/store -name '*.parquet')" ]; then break; fi
  sleep 0.3
done
{query}
kill %1 %2
wait
"""
    )
    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=disk_dir,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=90)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail("the commands did not end:\n" + process.communicate()[0])
    assert '{"status":"ok"}' in output, output
    assert re.search(r"hello\s+│\s+0\.25", output), output
