"""The simulated cluster's reports are the stock collector's bytes, and a seed's are always the
same."""

import json
from collections import Counter
from datetime import datetime

import pytest

from fleet_support import run_fleet

MEMBERS = [
    "pod_id",
    "namespace",
    "name",
    "cpu_usage_cores",
    "memory_usage_bytes",
    "net_tx_bytes",
    "net_rx_bytes",
    "pod_start_time",
]


def test_reports_are_the_bytes_that_python_writes():
    status, out, err = run_fleet(
        "bodies", "--nodes", 30, "--pods", 900, "--hours", 4, "--interval", 300, "--churn", "10%"
    )
    assert status == 0, err
    seen, restarts, previous, nulls = set(), 0, {}, Counter()
    rows = 0
    for line in out.splitlines():
        report = json.loads(line)
        assert json.dumps(report) == line, err
        assert list(report)[:4] == ["timestamp", "node_name", "hostname", "pods"]
        key = report["node_name"], report["timestamp"]
        assert key not in seen, err
        seen.add(key)
        nulls["instance"] += report.get("ec2_instance_id") is None
        for pod in report["pods"]:
            rows += 1
            assert list(pod) == MEMBERS
            for time in filter(None, [report["timestamp"], pod["pod_start_time"]]):
                assert datetime.fromisoformat(time).isoformat() == time
            for name in MEMBERS[3:]:
                nulls[name] += pod[name] is None
            before = previous.get(pod["pod_id"])
            if before is None:
                restarts += pod["net_tx_bytes"] == 0
            else:
                walked(before, pod)
            previous[pod["pod_id"]] = pod
    assert rows == 900 * 48 and len(seen) == 30 * 48
    assert restarts > 900, err
    assert all(nulls[name] > 0 for name in ["instance", *MEMBERS[3:]]), (nulls, err)


def walked(before, after):
    """Memory by at most 64 pages, counters by 0 to 4 MiB, one interval later."""

    def both(name):
        return before[name] is not None and after[name] is not None

    if both("memory_usage_bytes"):
        step = after["memory_usage_bytes"] - before["memory_usage_bytes"]
        assert abs(step) <= 64 * 4096 and step % 4096 == 0
    for name in ["net_tx_bytes", "net_rx_bytes"]:
        if both(name):
            assert 0 <= after[name] - before[name] < 4 << 20
    assert before["pod_start_time"] == after["pod_start_time"]


def test_a_seed_gives_the_same_reports():
    args = ["bodies", "--nodes", 3, "--pods", 60, "--start", "2026-11-20", "--hours", 1]
    first = run_fleet(*args, "--seed", 7)[1]
    assert first == run_fleet(*args, "--seed", 7)[1]
    assert first != run_fleet(*args, "--seed", 8)[1]


@pytest.mark.parametrize(
    "args, message",
    [
        (["--target", "https://x:1"], "want http://host:port"),
        (["--no-api", "--no-post"], "nothing to do"),
        ([], "--target"),
        (["--target", "http://127.0.0.1:1", "--pods", "3"], "--pods"),
        (["--target", "http://127.0.0.1:1", "--hours", "0"], "--hours"),
        (["--target", "http://127.0.0.1:1", "--start", "yesterday"], "yesterday"),
        (["--target", "http://127.0.0.1:1", "--rate", "-1"], "--rate"),
    ],
)
def test_a_wrong_option_is_named(args, message):
    status, _, err = run_fleet(*args)
    assert status != 0 and message in err
