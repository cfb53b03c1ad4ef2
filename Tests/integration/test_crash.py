"""The release binary under kill -9, faulty disks and a faulty store: nothing lost, nothing twice.

`perf/crash.sh --kills N` is the same for as long as one likes; here each fault is met once or so.
"""

import json
import random
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ROOT, wait_until

CRASH = ROOT / "perf" / "crash"
sys.path.append(str(CRASH))

from collectors import ACKNOWLEDGED, SENT  # noqa: E402
from service import build_library  # noqa: E402
from verdict import judge  # noqa: E402

# Enough for each fault in turn.
KILLS = 45


def test_kills_lose_nothing_and_double_nothing(disk_dir):
    """Kill points in log, seal, encoding, upload, removal, recovery and drain, errors of the disk,
    a store that fails: every acknowledged row is in the bucket once, no upload or file is left."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    done = subprocess.run(
        [sys.executable, CRASH / "run.py", "--kills", str(KILLS), "--seed", str(seed)]
        + ["--dir", disk_dir / "crash"],
        capture_output=True,
        text=True,
        timeout=280,
    )
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-3000:]}"
    result = json.loads((disk_dir / "crash" / "result.json").read_text())
    totals = result["totals"]
    assert totals["kills"] >= KILLS
    assert totals["lost"] == totals["twice"] == totals["refused_starts"] == 0
    # It has to have met what it is for.
    assert totals["reports_acknowledged"] > 1000 and totals["rows_stored"] > 10_000
    assert totals["completes"] > 0 and sum(result["store_faults"].values()) > 10
    met = [name for name, line in result["faults"].items() if line["met"]]
    for group in ("log", "encode", "seal", "committed", "upload", "stored", "recovery", "disk"):
        assert any(name.startswith(f"{group}:") for name in met), (group, met)


def write(path, rows):
    columns = {"node_name": [], "timestamp": [], "pod_id": []}
    for node, timestamp, pod in rows:
        columns["node_name"].append(node)
        columns["timestamp"].append(timestamp)
        columns["pod_id"].append(pod)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize(
    "change, expected",
    [
        ("nothing", (0, 0, 0)),
        ("a row is missing", (1, 0, 0)),
        ("an object is missing", (2, 0, 0)),
        ("an object is there twice", (0, 2, 0)),
        ("a row is there twice", (0, 1, 0)),
        ("half of an unacknowledged report", (1, 0, 0)),
        ("a whole unacknowledged report", (0, 0, 0)),
        ("a file that is no table", (0, 0, 2)),
        ("a report that nobody sent", (0, 0, 1)),
    ],
)
def test_the_verdict(disk_dir, change, expected):
    """The verdict sees what is missing, what is double and what cannot be read."""
    rows = [(n, t, f"{n}-{p}") for n in ("a", "b") for t in ("t0", "t1") for p in range(3)]
    first, second = rows[:6], rows[6:]
    if change == "a row is missing":
        first = first[1:]
    if change == "a row is there twice":
        first = [*first, first[0]]
    if change == "half of an unacknowledged report":
        second = [*second, ("b", "t2", "b-0")]
    if change == "a whole unacknowledged report":
        second = [*second, *(("b", "t2", f"b-{p}") for p in range(3))]
    if change == "a report that nobody sent":
        second = [*second, ("c", "t0", "c-0")]
    store = disk_dir / "store"
    write(store / "dt=1" / "one.parquet", first)
    if change != "an object is missing":
        write(store / "dt=2" / "two.parquet", second)
    if change == "an object is there twice":
        write(store / "dt=3" / "three.parquet", second)
    if change == "a file that is no table":
        (store / "dt=2" / "bad.parquet").write_bytes(b"PAR1 and no more")
    reports = [
        *((n, i, f"t{i}", 3, ACKNOWLEDGED, 1) for n in ("a", "b") for i in range(2)),
        ("b", 2, "t2", 3, SENT, 2),
    ]
    verdict = judge(store, reports)
    wrong = len(verdict.wrong)
    if change == "a file that is no table":
        assert wrong == 2 and any("DuckDB" in text for text in verdict.wrong)
    else:
        found = (sum(verdict.lost.values()), sum(verdict.twice.values()), wrong)
        assert found == expected
    assert verdict.is_good == (expected == (0, 0, 0))


def test_the_library_meets_its_call(disk_dir, start_aggregator):
    """The preloaded library kills at the call that its rule names, and at no other."""
    log = disk_dir / "faults"
    service = start_aggregator(
        LD_PRELOAD=build_library(disk_dir),
        DISKFAULT="do=kill call=fdatasync name=*.log when=after at=2",
        DISKFAULT_DIR=disk_dir / "data",
        DISKFAULT_LOG=log,
    )
    report = {"timestamp": "2026-03-04T10:00:00Z", "node_name": "n", "hostname": "n", "pods": []}
    assert service.post(report).status == 200
    wait_until(lambda: service.process.poll() is not None, 10, "the end")  # at the witness
    assert service.process.returncode == -9
    assert log.read_text().split() == ["0", "fdatasync", "00000000000000000001.log"]
