"""The service end to end: the real binary, a scripted API server over TLS, a directory as store.

Each test says which promise it protects; rows are read back by pyarrow.
"""

import datetime as dt
import gzip
import json
import re
import signal
import socket
import subprocess
import time
import zlib

import pytest

import parquet_pages
from apiserver import DEFAULT_TOKEN
from conftest import base_environment, binary, free_port, wait_until, write_kubeconfig
from service_flow import ready, report, rows, wait_rows

pytest_plugins = ("service_flow",)

CANARY = "canary-5f0e7d1c"


def is_record(line):
    return re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \w+ \S", line) is not None


class TestRows:
    def test_a_report_becomes_a_row_with_its_metadata(self, start_aggregator, kubeconfig, api):
        pod = next(
            o
            for o in api.cluster.objects["pods"].values()
            if o["metadata"].get("ownerReferences") and o["metadata"].get("labels")
        )
        metadata = pod["metadata"]
        service = ready(start_aggregator(KUBECONFIG=kubeconfig, FLUSH_INTERVAL_SECONDS=1))
        sent = report(
            node=pod["spec"]["nodeName"],
            pods=[
                (metadata["uid"], metadata["namespace"], metadata["name"]),
                ("unknown-uid", "n", "p"),
            ],
        )
        reply = service.post(sent)
        assert reply.status == 200 and reply.json() == {"status": "ok"}
        by_pod = {row["pod_id"]: row for row in wait_rows(service, 2)}
        row = by_pod[metadata["uid"]]
        assert row["timestamp"] == sent["timestamp"]
        assert row["collected_at"] == dt.datetime.fromisoformat(sent["timestamp"])
        assert row["cluster_id"] == "test"
        assert row["node_name"] == pod["spec"]["nodeName"]
        assert row["cpu_usage_cores"] == 0.123456789
        assert row["net_rx_bytes"] is None
        assert row["labels"] == sorted(f"{k}={v}" for k, v in metadata["labels"].items())
        assert row["owner"] == metadata["ownerReferences"][0]["name"]
        assert row["requests_cpu_millicores"] is not None
        unknown = by_pod["unknown-uid"]
        assert unknown["labels"] is None and unknown["requests_cpu_millicores"] is None
        assert unknown["pod_name"] == "p"
        (path,) = service.objects()
        assert path.relative_to(service.storage).match(
            "k8s-metrics/cluster_name=test/dt=2026-03-04/*.parquet"
        )
        assert service.metric("aggregator_oldest_unsent_row_age_seconds") == 0

    @pytest.mark.parametrize("encodings", [None, "modern"])
    def test_the_encodings_are_those_of_the_setting(self, start_aggregator, kubeconfig, encodings):
        setting = {"PARQUET_ENCODINGS": encodings} if encodings else {}
        service = ready(
            start_aggregator(KUBECONFIG=kubeconfig, FLUSH_INTERVAL_SECONDS=1, **setting)
        )
        body = report(pods=[(f"uid-{n:03d}", "default", f"app-{n}") for n in range(300)])
        for n, pod in enumerate(body["pods"]):
            pod.update(cpu_usage_cores=(n + 0.5) ** 0.5, net_rx_bytes=n * 1500)
        assert service.post(body).status == 200
        found = sorted(wait_rows(service, 300), key=lambda row: row["pod_id"])
        assert [row["cpu_usage_cores"] for row in found] == [(n + 0.5) ** 0.5 for n in range(300)]
        assert [row["net_rx_bytes"] for row in found] == [n * 1500 for n in range(300)]
        (path,) = service.objects()
        chunks = {name: chunk for _, chunk, name in parquet_pages.File(path).chunks()}
        used = [set(chunks[name][3][2]) for name in ("cpu_usage_cores", "net_rx_bytes")]
        wanted = [parquet_pages.PLAIN] * 2
        if encodings:
            wanted = [parquet_pages.BYTE_STREAM_SPLIT, parquet_pages.DELTA_BINARY_PACKED]
        assert used == [{parquet_pages.RLE, encoding} for encoding in wanted]

    def test_a_retry_adds_no_rows(self, start_aggregator, kubeconfig):
        service = ready(start_aggregator(KUBECONFIG=kubeconfig, FLUSH_INTERVAL_SECONDS=1))
        for _ in range(3):
            assert service.post(report()).status == 200
        assert service.metric("aggregator_reports_total") == 3
        wait_rows(service, 1)
        assert service.post(report()).status == 200
        assert service.stop() == 0
        assert len(rows(service)) == 1

    def test_reports_wait_in_the_log_for_the_index_and_survive_kill(
        self, start_aggregator, kubeconfig, api
    ):
        api.set_down(True)
        service = start_aggregator(KUBECONFIG=kubeconfig, FLUSH_INTERVAL_SECONDS=1)
        for minute in range(5):
            assert service.post(report(minute=minute)).status == 200
        health = service.get("/health")
        assert health.status == 503
        assert health.json() == {
            "status": "unhealthy",
            "debug_k8s_api": False,
            "watchers_initialized": {"nodes": False, "pods": False, "pvcs": False, "pvs": False},
            "all_watchers_ready": False,
        }
        assert service.get("/readyz").status == 200
        wait_until(
            lambda: service.metric("aggregator_reports_waiting_for_index") == 5, 10, "the gauge"
        )
        service.kill()
        assert rows(service) == []
        service = start_aggregator(KUBECONFIG=kubeconfig, FLUSH_INTERVAL_SECONDS=1)
        assert service.post(report(minute=2)).status == 200  # known across the kill
        api.set_down(False)
        ready(service, 45)
        found = wait_rows(service, 5)
        assert len({row["timestamp"] for row in found}) == 5
        assert service.get("/health").json()["status"] == "healthy"
        assert service.stop() == 0
        assert len(rows(service)) == 5

    def test_gzip_bodies(self, start_aggregator):
        service = start_aggregator(MAX_BODY_BYTES=100_000)
        headers = {"Content-Encoding": "gzip"}
        good = gzip.compress(json.dumps(report()).encode())
        bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = bomb.compress(bytes(50_000_000)) + bomb.flush()
        assert len(bomb) < 100_000
        for body, expected in [
            (good, 200),
            (good + b"x", 400),
            (good + good, 400),
            (good[:-1], 400),
            (gzip.compress(good), 400),
            (b"", 400),
            (bomb, 413),
            (bomb + b"\0" * 8, 413),
        ]:
            assert service.post(body, headers=headers).status == expected


class TestAnswers:
    def test_refusals_name_the_member(self, start_aggregator):
        service = start_aggregator()
        bad = report()
        bad["pods"][0]["memory_usage_bytes"] = -1
        reply = service.post(bad)
        assert reply.status == 400
        assert reply.json()["status"] == "error"
        assert reply.json()["path"] == "/pods/0/memory_usage_bytes"
        reply = service.post(b'{"timestamp": nope}')
        assert reply.status == 400 and reply.json()["path"] == ""
        assert re.search(r"\d", reply.json()["error"])
        assert service.metric("aggregator_reports_total") == 2
        schema = service.get("/schema")
        assert schema.json()["$schema"] == "https://json-schema.org/draft/2020-12/schema"

    def test_large_bodies_are_refused_unread(self, start_aggregator):
        service = start_aggregator(MAX_BODY_BYTES=2000)
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as s:
            s.sendall(
                b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n"
                b"Content-Type: text/plain\r\n\r\n"
            )
            assert s.recv(65536).startswith(b"HTTP/1.1 413 ")

    def test_metrics_are_prometheus_text(self, start_aggregator, kubeconfig):
        service = ready(start_aggregator(KUBECONFIG=kubeconfig))
        service.post(report())
        page = service.get("/metrics")
        assert page.headers["Content-Type"] == "text/plain; version=0.0.4"
        kinds, helps, samples = {}, {}, {}
        for line in page.text.splitlines():
            if line.startswith("# HELP "):
                name, text = line[7:].split(" ", 1)
                assert name not in helps and len(text) > 10
                helps[name] = text
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name in helps and kind in ("counter", "gauge", "histogram")
                kinds[name] = kind
            else:
                match = re.fullmatch(r"([a-z_]+)((?:\{[^{}]*\})?) (\S+)", line)
                assert match, line
                float(match[3])
                base = re.sub(r"_(bucket|sum|count)$", "", match[1])
                family = match[1] if match[1] in kinds else base
                assert family in kinds, line
                assert (match[1], match[2]) not in samples
                samples[match[1], match[2]] = float(match[3])
        for name, kind in kinds.items():
            assert name.startswith("aggregator_")
            assert (kind == "counter") == name.endswith("_total"), name
        assert samples["aggregator_reports_total", '{outcome="accepted"}'] == 1
        assert samples["aggregator_index_objects", '{kind="pods"}'] > 0
        assert samples["aggregator_watcher_ready", '{kind="persistentvolumes"}'] == 1
        assert "uid-1" not in page.text and "worker-1" not in page.text

    def test_idle_connections_cost_little(self, start_aggregator):
        service = start_aggregator()
        count = 3000  # the test's own descriptors are limited too
        before = service.metric("aggregator_process_resident_memory_bytes")
        body = json.dumps(report()).encode()
        head = f"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        sockets = []
        try:
            import resource

            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 1000), hard))
            for _ in range(count):
                s = socket.create_connection(("127.0.0.1", service.port), timeout=10)
                s.sendall(head + body)
                sockets.append(s)
            for s in sockets:
                assert s.recv(4096).startswith(b"HTTP/1.1 200")
            start = time.monotonic()
            assert service.get("/livez").status == 200
            assert time.monotonic() - start < 0.5
            grown = service.metric("aggregator_process_resident_memory_bytes") - before
            assert grown / count < 15 * 1024 + 8_000_000 / count
        finally:
            for s in sockets:
                s.close()


def run(*arguments, **settings):
    env = base_environment()
    env.update({k: str(v) for k, v in settings.items()})
    return subprocess.run(
        [str(binary("aggregator")), *arguments], env=env, capture_output=True, text=True, timeout=20
    )


class TestSettings:
    def test_every_bad_value_is_told_at_once(self):
        done = run(
            PORT="http",
            LOG_FORMAT="xml",
            PARQUET_ENCODINGS="v2",
            S3_PREFIX="{node_name}/",
            DEBUG_K8S_API="maybe",
            STORAGE_URL="s3://b",
            AWS_SECRET_ACCESS_KEY=CANARY,
            FLUSH_INTERVAL_SECONDS="0",
            KUBECONFIG="/nonexistent/config",
        )
        assert done.returncode == 64
        lines = done.stderr.splitlines()
        named = {re.match(r"aggregator: (\w+)", line)[1] for line in lines}
        assert named == {
            "PORT",
            "LOG_FORMAT",
            "PARQUET_ENCODINGS",
            "S3_PREFIX",
            "DEBUG_K8S_API",
            "STORAGE_URL",
            "AWS_ACCESS_KEY_ID",
            "FLUSH_INTERVAL_SECONDS",
            "KUBECONFIG",
        }
        assert len(lines) == len(named)
        assert any("PORT=http" in line and "0 to 65535" in line for line in lines)
        assert any("many nodes" in line for line in lines)
        assert CANARY not in done.stderr + done.stdout

    def test_a_host_that_is_not_ours(self):
        """Told in one line with the other settings, before the log says that the service starts."""
        # RFC 2606 and RFC 5737: names and addresses that nobody has.
        for host, fault in (
            ("nohost.invalid", "does not resolve ("),
            ("192.0.2.1", "is not an address of this machine (192.0.2.1)"),
            ("[::1]", "does not resolve ("),
        ):
            # A resolver that does not answer is given up soon.
            resolver = {"RES_OPTIONS": "timeout:1 attempts:1", "LOCALDOMAIN": ""}
            done = run(HOST=host, PORT="0", KUBECONFIG="/nonexistent/config", **resolver)
            assert done.returncode == 64
            (line,) = [line for line in done.stderr.splitlines() if " HOST=" in line]
            assert line.startswith(f"aggregator: HOST={host}: {fault}")
            assert "accepted are an IP address of this machine, 0.0.0.0 or ::" in line
            assert "starts" not in done.stderr

    def test_arguments(self):
        assert run("--version").stdout.strip()
        help_text = run("--help")
        assert help_text.returncode == 0
        for name in ("S3_BUCKET", "PORT", "DATA_DIR", "DEBUG_K8S_API", "AWS_CA_BUNDLE"):
            assert name in help_text.stdout
        assert run("--serve").returncode == 64
        assert run("serve").returncode == 64

    def test_no_way_to_kubernetes(self, disk_dir):
        done = run(HOME=disk_dir, STORAGE_URL=f"file://{disk_dir}", DATA_DIR=disk_dir / "d")
        assert done.returncode == 1
        assert "serviceaccount" in done.stderr and f"{disk_dir}/.kube/config" in done.stderr
        bad = disk_dir / "config"
        bad.write_text("a: [")
        done = run(KUBECONFIG=bad, STORAGE_URL=f"file://{disk_dir}", DATA_DIR=disk_dir / "d")
        assert done.returncode == 64 and "KUBECONFIG" in done.stderr

    def test_a_directory_that_cannot_be_used(self, disk_dir, start_aggregator):
        (disk_dir / "file").write_text("")
        service = start_aggregator(DATA_DIR=disk_dir / "file")
        assert service.wait() == 1
        assert f"DATA_DIR={disk_dir / 'file'}" in service.log()

    def test_warnings(self, start_aggregator):
        service = start_aggregator(CLUSTER_NAME=None, S3_PREFIX="raw")
        service.wait_for("listening")
        log = service.log()
        assert re.search(r"warning CLUSTER_NAME is not set", log)
        assert re.search(r"warning S3_PREFIX does not end with /", log)


class TestLogs:
    def test_debug_mode(self, start_aggregator, kubeconfig, api):
        service = ready(
            start_aggregator(
                KUBECONFIG=kubeconfig,
                DEBUG_K8S_API="true",
                AWS_ACCESS_KEY_ID=CANARY,
                AWS_SECRET_ACCESS_KEY=CANARY,
                AWS_SESSION_TOKEN=CANARY,
            )
        )
        assert service.get("/health").json()["debug_k8s_api"] is True
        api.cluster.apply(
            "pods",
            {
                "metadata": {"name": "fresh", "namespace": "default", "labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c"}]},
                "status": {},
            },
        )
        service.wait_for(r"K8S API event: pods ADDED object=\{.*\"name\": ?\"fresh\"")
        service.wait_for(r"K8S API cache update: pods ADDED .*hits=\d+ misses=\d+")
        log = service.log()
        assert re.search(r"K8S API request: \w+ nodes GET https://127.0.0.1:\d+/api/v1/nodes", log)
        assert re.search(r"K8S API response: \w+ pods status=200 milliseconds=\d+", log)
        for line in log.splitlines():
            assert is_record(line), line
        assert DEFAULT_TOKEN not in log and CANARY not in log
        assert DEFAULT_TOKEN not in service.get("/metrics").text

    def test_no_secret_in_any_log(self, start_aggregator, disk_dir, api):
        config = write_kubeconfig(disk_dir / "k", api.url, ca=api.ca, token=CANARY)
        api.tokens = [CANARY]
        # Our own pod as the API server knows it when the keys are literal values in its manifest.
        env = [{"name": "AWS_SECRET_ACCESS_KEY", "value": CANARY}]
        applied = json.dumps({"spec": {"containers": [{"env": env}]}})
        api.cluster.apply(
            "pods",
            {
                "metadata": {
                    "name": "aggregator-0",
                    "namespace": "kube-system",
                    "annotations": {"kubectl.kubernetes.io/last-applied-configuration": applied},
                },
                "spec": {"containers": [{"name": "aggregator", "env": env}]},
            },
        )
        service = ready(
            start_aggregator(
                KUBECONFIG=config,
                LOG_LEVEL="trace",
                DEBUG_K8S_API="1",
                STORAGE_URL=None,
                AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}",
                AWS_ACCESS_KEY_ID=CANARY,
                AWS_SECRET_ACCESS_KEY=CANARY,
                AWS_SESSION_TOKEN=CANARY,
            )
        )
        assert service.post(report()).status == 200
        service.wait_for(r"S3.*bucket=k8s-usage-data")
        assert re.search(r"warning AWS_ENDPOINT_URL is http://", service.log())
        api.tokens = ["another"]
        api.cut_connections()
        service.wait_for("401")
        page = service.get("/metrics").text
        service.signal(signal.SIGTERM)
        time.sleep(0.5)
        service.signal(signal.SIGTERM)
        assert service.wait() == 0
        assert CANARY not in service.log() and CANARY not in page
        assert re.search(r"K8S API event: pods \S+ object=.*aggregator-0.*\*\*\*", service.log())

    def test_json_lines(self, start_aggregator, kubeconfig):
        service = ready(
            start_aggregator(
                KUBECONFIG=kubeconfig,
                LOG_FORMAT="json",
                LOG_LEVEL="trace",
                FLUSH_INTERVAL_SECONDS=1,
            )
        )
        evil = 'x\n{"level":"critical"}\x1b[31m\u2028"'
        for _ in range(2):
            service.post(report(node=evil))
        wait_rows(service, 1)
        assert service.stop() == 0
        for line in service.log().splitlines():
            event = json.loads(line)
            assert {"time", "level", "message"} <= event.keys()
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
            assert event["level"] != "critical"
        assert "\x1b" not in service.log()

    def test_uploads_are_found_by_grep(self, start_aggregator, kubeconfig):
        service = ready(start_aggregator(KUBECONFIG=kubeconfig, FLUSH_INTERVAL_SECONDS=1))
        service.post(report())
        wait_rows(service, 1)
        service.wait_for(r"upload.*key=k8s-metrics/cluster_name=test/dt=2026-03-04/.*rows=1 bytes=")
        service.wait_for(r"S3")

    def test_a_waiting_watcher_is_named(self, start_aggregator, kubeconfig, api):
        api.fault("persistentvolumes", "any", times=10_000, status=403)
        service = start_aggregator(KUBECONFIG=kubeconfig)
        service.post(report())
        service.wait_for(r"403: cannot list persistentvolumes")
        service.wait_for(
            r"the watcher of persistentvolumes is not ready reason=.*403.*waiting_reports=1", 70
        )
        health = service.get("/health").json()
        assert health["watchers_initialized"] == {
            "nodes": True,
            "pods": True,
            "pvcs": True,
            "pvs": False,
        }
