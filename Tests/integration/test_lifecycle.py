"""Start and stop of the service: signals, a rolling restart, a restart in place, one process each.

Each test says which promise it protects.
"""

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

import duckdb

from conftest import ROOT, binary, free_port, request, wait_until
from service_flow import ready, report, rows, wait_rows
from store_flow import BUCKET, keys_for
from traffic_switch import TrafficSwitch

sys.path.append(str(ROOT / "perf" / "crash"))

from collectors import Collectors  # noqa: E402
from verdict import judge  # noqa: E402

pytest_plugins = ("service_flow", "store_flow")


class TestLife:
    def test_sigterm_takes_reports_a_little_longer_then_stores_all(
        self, start_aggregator, kubeconfig
    ):
        service = ready(start_aggregator(KUBECONFIG=kubeconfig))
        port = service.port
        accepted, closing, stopping = [], [], threading.Event()

        def post():
            minute = 0
            while not stopping.is_set():
                try:
                    reply = request(
                        port, "POST", "/metrics", json.dumps(report(minute=minute)).encode()
                    )
                except (OSError, http.client.HTTPException):
                    return
                if reply.status == 200:
                    accepted.append(minute)
                    closing.append(reply.headers.get("Connection") == "close")
                elif reply.status != 503:
                    accepted.append(None)
                minute += 1
                time.sleep(0.02)

        poster = threading.Thread(target=post)
        poster.start()
        wait_until(lambda: len(accepted) > 20, 10, "reports")
        service.signal(signal.SIGTERM)
        wait_until(lambda: request(port, "GET", "/readyz").status == 503, 1, "unreadiness")
        wait_until(lambda: closing[-1], 2, "Connection: close")
        before = len(accepted)
        wait_until(lambda: len(accepted) > before, 2, "a report while stopping")
        assert service.wait() == 0
        stopping.set()
        poster.join()
        assert None not in accepted
        assert len(rows(service)) == len(set(accepted))

    def test_sigterm_without_traffic_is_quick(self, start_aggregator, kubeconfig):
        service = ready(start_aggregator(KUBECONFIG=kubeconfig))
        assert service.post(report()).status == 200
        start = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - start < 5
        assert len(rows(service)) == 1

    def test_sigterm_twice_loses_nothing(self, start_aggregator, kubeconfig, api):
        api.set_down(True)
        service = start_aggregator(KUBECONFIG=kubeconfig)
        assert service.post(report()).status == 200
        service.signal(signal.SIGTERM)
        time.sleep(0.2)
        service.signal(signal.SIGINT)
        start = time.monotonic()
        assert service.wait() == 0
        assert time.monotonic() - start < 5
        api.set_down(False)
        service = start_aggregator(KUBECONFIG=kubeconfig, FLUSH_INTERVAL_SECONDS=1)
        wait_rows(service, 1, 45)

    def test_sigterm_says_what_waits_for_the_api_server(self, start_aggregator):
        service = start_aggregator()
        assert service.post(report()).status == 200
        assert service.stop() == 0
        said = service.log()
        assert "is stored after the next start" in said and "waiting_reports=1" in said
        assert "nothing waits" not in said

    def test_one_process_a_directory(self, start_aggregator):
        first = start_aggregator()
        assert first.get("/livez").status == 200
        second = start_aggregator()
        assert second.wait() == 1
        said = second.log()
        assert f"DATA_DIR={first.data_dir}" in said and f"pid {first.pid} " in said

    def test_the_port_answers_while_data_dir_is_recovered(self, start_aggregator, disk_dir):
        # Reading a pipe waits for its writer, so recovery takes as long as the test likes.
        pipe = disk_dir / "data" / f"{1:020}.seal"
        pipe.parent.mkdir()
        os.mkfifo(pipe)
        service = start_aggregator()
        assert "until DATA_DIR is recovered" in service.wait_for("listening.*").group(0)
        assert service.get("/livez").status == 200
        assert service.get("/health").status == 503
        assert service.get("/metrics").status == 200
        assert service.get("/readyz").status == 503
        refused = service.post(report())
        assert refused.status == 503 and int(refused.headers["Retry-After"]) > 0
        assert "starting" in refused.json()["error"]

        def recovered():
            with suppress(OSError):  # nobody reads it now
                os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            return "reports are taken" in service.log()

        wait_until(recovered, 20, "the recovery's end")
        assert service.get("/readyz").status == 200
        assert service.post(report()).status == 200
        assert service.log().count("listening on") == 1
        assert "damaged seal" in service.log()

    def test_sigterm_during_recovery_ends_at_once(self, start_aggregator, disk_dir):
        (disk_dir / "data").mkdir()
        os.mkfifo(disk_dir / "data" / f"{1:020}.seal")
        service = start_aggregator()
        service.wait_for("until DATA_DIR is recovered")
        start = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - start < 3

    def test_a_taken_port_is_named(self, start_aggregator, disk_dir):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            service = start_aggregator(PORT=s.getsockname()[1])
            assert service.wait() == 1
            assert f"PORT={s.getsockname()[1]}" in service.log()
            assert "choose another PORT, or 0 for a free one" in service.log()

    def test_an_address_of_version_6(self, start_aggregator):
        service = start_aggregator(HOST="::1")
        assert "listening on [::1]:" in service.wait_for(r"listening.*").group(0)


class TestRollingRestart:
    ROLLOUTS = int(os.environ.get("ROLLOUTS", "2"))
    POSTS_A_SECOND = 1000
    # As a preStop sleep: time in which new connections go elsewhere already.
    PRE_STOP_SECONDS = 1.0

    def test_no_request_fails(self, start_aggregator, start, disk_dir):
        """Two replicas behind a switch, each restarted in turn under load: every report gets 200 at
        its first try, and every row is stored once."""
        switch = TrafficSwitch()
        kubeconfig, ledger = disk_dir / "fleet.kubeconfig", disk_dir / "ledger"
        target, summary = disk_dir / "target", disk_dir / "summary"
        fleet = start(
            [binary("fleet"), "--nodes", "200", "--pods", "2000", "--rate", self.POSTS_A_SECOND]
            + ["--kubeconfig-out", kubeconfig, "--target-file", target, "--ledger", ledger]
            + ["--summary", summary, "--expect-all"]
        )
        wait_until(kubeconfig.exists, 20, "the cluster's API")

        def replica(name):
            return ready(
                start_aggregator(
                    KUBECONFIG=kubeconfig, DATA_DIR=disk_dir / name, FLUSH_INTERVAL_SECONDS=2
                )
            )

        names = ["data-a", "data-b"]
        replicas = [replica(name) for name in names]
        switch.targets = [service.port for service in replicas]
        target.with_suffix(".tmp").write_text(f"http://127.0.0.1:{switch.port}/metrics")
        target.with_suffix(".tmp").rename(target)
        time.sleep(1)
        for _ in range(self.ROLLOUTS):
            for number, name in enumerate(names):
                switch.targets = [replicas[1 - number].port]
                time.sleep(self.PRE_STOP_SECONDS)
                assert replicas[number].stop() == 0
                replicas[number] = replica(name)
                switch.targets = [service.port for service in replicas]
                time.sleep(0.5)
        status = fleet.stop()
        figures = json.loads(summary.read_text())
        print(
            f"{2 * self.ROLLOUTS} restarts, {figures['reports_acknowledged']} reports, "
            f"{figures['reports_lost']} failed, p99 {figures['latency_ms']['p99']} ms"
        )
        assert status == 0 and figures["reports_lost"] == 0, fleet.tail()
        assert figures["attempts"]["total"] == figures["attempts"]["by_status"]["200"], figures
        assert switch.failures == 0
        assert figures["reports_acknowledged"] > 1000
        for service in replicas:
            assert service.stop() == 0
        switch.close()
        difference = (
            "WITH sent AS (SELECT column0 AS node, column1 AS moment, column2 AS rows FROM "
            f"read_csv('{ledger}', header = false, all_varchar = true)), "
            "stored AS (SELECT node_name AS node, timestamp AS moment, count(*)::VARCHAR AS rows, "
            "count(DISTINCT pod_id)::VARCHAR AS pods "
            f"FROM read_parquet('{disk_dir}/store/**/*.parquet') GROUP BY ALL) "
            "SELECT * FROM sent FULL JOIN stored USING (node, moment) "
            "WHERE sent.rows IS DISTINCT FROM stored.rows OR stored.pods <> stored.rows LIMIT 5"
        )
        assert duckdb.sql(difference).fetchall() == []


class TestRestartInPlace:
    GAPS = int(os.environ.get("GAPS", "1"))
    # What one replica's Deployment is promised, with an empty backlog and a store that answers.
    LONGEST_GAP = 8.0

    def test_the_gap(self, start_aggregator, kubeconfig, rclone, disk_dir):
        """One replica that is replaced on its volume: from SIGTERM to the next 200."""
        port = free_port()
        settings = keys_for(
            f"http://127.0.0.1:{rclone}",
            KUBECONFIG=kubeconfig,
            STORAGE_URL=None,
            S3_BUCKET=BUCKET,
            PORT=port,
        )
        service = ready(start_aggregator(**settings))
        collectors = Collectors(0, nodes=40, rate=200)
        collectors.port = port
        collectors.start()
        gaps = []
        try:
            for _ in range(self.GAPS):
                time.sleep(2)
                begun = time.monotonic()
                service.signal(signal.SIGTERM)
                assert service.wait() == 0
                ended = time.monotonic()
                service = start_aggregator(**settings)
                taken = collectors.acknowledged()
                wait_until(
                    lambda taken=taken: collectors.acknowledged() > taken, 20, "a 200", 0.005
                )
                now = time.monotonic()
                gaps.append(now - begun)
                print(
                    f"from SIGTERM to the next 200: {now - begun:.2f} s, of it {ended - begun:.2f} "
                    f"until the end, {now - ended:.2f} for the start"
                )
        finally:
            collectors.stop()
        assert ready(service).stop() == 0
        assert not collectors.wrong
        verdict = judge(disk_dir / "rclone" / BUCKET, collectors.reports())
        assert verdict.is_good and verdict.acknowledged > 100, verdict
        assert max(gaps) <= self.LONGEST_GAP, gaps
