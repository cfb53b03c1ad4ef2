"""What the simulated cluster counts as acknowledged was acknowledged, at the rate asked for."""

import gzip
import json
import signal
import threading
from collections import Counter

import pytest

from conftest import binary, wait_until
from fleet_support import API, Scripted, run_fleet


@pytest.fixture
def sink(start):
    """A server that answers every POST with 200; its URL."""
    process = start([binary("fleet"), "sink"], name="sink")
    return process.wait_for(r"^(http://\S+)$").group(1)


@pytest.fixture
def scripted():
    servers = []

    def launch(answer):
        servers.append(Scripted(answer))
        return servers[-1]

    yield launch
    for server in servers:
        server.close()


def test_every_report_is_counted_and_in_the_ledger(sink, disk_dir):
    ledger, summary = disk_dir / "ledger", disk_dir / "summary.json"
    status, _, err = run_fleet(
        *["--no-api", "--nodes", 20, "--pods", 600, "--hours", 2, "--interval", 60],
        *["--target", sink, "--ledger", ledger, "--summary", summary, "--expect-all"],
        *["--expect-rows", 600 * 120],
    )
    assert status == 0, err
    done = json.loads(summary.read_text())
    lines = [line.split(",") for line in ledger.read_text().splitlines()]
    assert done["reports_acknowledged"] == len(lines) == 20 * 120
    assert sum(int(line[2]) for line in lines) == done["rows_acknowledged"] == 600 * 120
    assert len({(line[0], line[1]) for line in lines}) == len(lines)
    assert done["attempts"]["by_status"] == {"200": 2400}
    assert done["latency_ms"]["count"] == 2400


def test_a_rate_is_kept(sink):
    status, out, err = run_fleet(
        "--no-api", "--quiet", "--rate", 400, "--duration", 3, "--target", sink
    )
    assert status == 0, err
    done = json.loads(out)
    assert 0.9 * 1200 <= done["reports_acknowledged"] <= 1.02 * 1200


def test_waiting_for_a_slow_target_costs_nothing(scripted):
    def answer(number, body):
        threading.Event().wait(0.3)
        return 200, {}

    status, out, err = run_fleet(
        *["--no-api", "--nodes", 5, "--pods", 50, "--rate", 1000, "--duration", 3],
        *["--connections", 2, "--target", scripted(answer).url],
    )
    assert status == 0, err
    done = json.loads(out)
    assert 10 <= done["reports_acknowledged"] <= 30
    assert done["fleet_cpu_seconds"] < 0.5
    # What was due and could not be sent counts: latencies are from then on.
    assert done["latency_ms"]["max"] > 1500


def test_retries_send_the_same_bytes_until_taken(scripted):
    refused = set()

    def answer(number, body):
        if body in refused:
            return 200, {}
        refused.add(body)
        # A refusal, and a connection that ends without an answer, in turn.
        return (503, {"Retry-After": "0"}) if number % 2 else (None, {})

    server = scripted(answer)
    status, out, err = run_fleet(
        *["--no-api", "--nodes", 5, "--pods", 50, "--hours", 1, "--interval", 600],
        *["--connections", 4, "--retry", "--expect-all", "--target", server.url],
    )
    assert status == 0, err
    done = json.loads(out)
    assert done["reports_acknowledged"] == 30
    assert Counter(Counter(server.bodies).values()) == {2: 30}
    assert done["attempts"]["retries"] == 30
    assert done["attempts"]["closed_early"] + done["attempts"]["by_status"]["503"] == 30


def test_without_retries_what_fails_is_lost_and_counted(scripted):
    server = scripted(lambda number, body: (400 if number % 3 == 0 else 200, {}))
    status, out, err = run_fleet(
        *["--no-api", "--nodes", 5, "--pods", 50, "--hours", 1, "--interval", 600],
        *["--connections", 1, "--expect-all", "--target", server.url],
    )
    assert status == 1 and "10 reports were not acknowledged" in err
    done = json.loads(out)
    assert done["reports_lost"] == 10 and done["reports_acknowledged"] == 20
    assert done["first_refusal"].startswith("400 ")


def test_compressed_bodies_are_gzip(scripted):
    server = scripted(lambda number, body: (200, {}))
    status, _, err = run_fleet(
        *["--no-api", "--nodes", 4, "--pods", 40, "--hours", 0.5, "--interval", 600, "--gzip"],
        *["--target", server.url],
    )
    assert status == 0, err
    reports = [json.loads(gzip.decompress(body)) for body in server.bodies]
    assert len(reports) == 12 and all(len(report["pods"]) == 10 for report in reports)


def test_an_interrupt_ends_with_the_summary(sink, start, disk_dir):
    summary = disk_dir / "summary.json"
    fleet = start(
        [binary("fleet"), "--no-api", "--rate", 50, "--target", sink, "--summary", summary]
    )
    fleet.wait_for("seed")
    threading.Event().wait(1.0)
    fleet.signal(signal.SIGINT)
    assert fleet.wait(10) == 0
    done = json.loads(summary.read_text())
    assert done["interrupted"] is True and done["reports_acknowledged"] > 20
    assert done["reports_lost"] == 0


def test_reports_name_the_pods_of_the_api(start, scripted, disk_dir):
    server = scripted(lambda number, body: (200, {}))
    kubeconfig = disk_dir / "kubeconfig"
    start(
        [binary("fleet"), "--nodes", "6", "--pods", "180", "--interval", "1", "--churn", "0"]
        + ["--kubeconfig-out", kubeconfig, "--target", server.url, "--duration", "30"]
    )
    wait_until(lambda: len(server.bodies) >= 12, 20, "two rounds of reports")
    client = API(kubeconfig.read_text())
    known = {}
    for pod in client.get("/api/v1/pods")["items"]:
        metadata = pod["metadata"]
        mirror = metadata["annotations"].get("kubernetes.io/config.mirror")
        known[mirror or metadata["uid"]] = (
            metadata["namespace"],
            metadata["name"],
            pod["spec"]["nodeName"],
        )
    seen = set()
    for body in list(server.bodies):
        report = json.loads(body)
        for pod in report["pods"]:
            assert known[pod["pod_id"]] == (pod["namespace"], pod["name"], report["node_name"])
            seen.add(pod["pod_id"])
    assert seen == set(known)
