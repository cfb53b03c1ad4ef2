"""The simulated cluster is what it says: its reports are the stock collector's bytes, its API does
what a real one does, and what it counts as acknowledged was acknowledged."""

import base64
import json
import re
import signal
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from collections import Counter
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import binary, wait_until

KINDS = ["nodes", "pods", "persistentvolumeclaims", "persistentvolumes"]
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


def run_fleet(*args, timeout=60):
    """`fleet` to its end: status, stdout, stderr."""
    command = [str(binary("fleet")), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


class API:
    """A client of the simulated API server, by its kubeconfig."""

    def __init__(self, kubeconfig):
        def field(name):
            return re.search(rf"^\s*{name}: (\S+)$", kubeconfig, re.MULTILINE).group(1)

        self.server, self.token = field("server"), field("token")
        authority = base64.b64decode(field("certificate-authority-data")).decode()
        self.context = ssl.create_default_context(cadata=authority)

    def open(self, path, token=None, method="GET"):
        request = urllib.request.Request(
            self.server + path,
            method=method,
            headers={"Authorization": f"Bearer {token or self.token}"},
        )
        return urllib.request.urlopen(request, context=self.context, timeout=30)

    def get(self, path):
        with self.open(path) as response:
            return json.load(response)

    def status(self, path, **keywords):
        try:
            with self.open(path, **keywords) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def pages(self, kind, limit):
        token, pages = "", []
        while True:
            page = self.get(f"/api/v1/{kind}?limit={limit}&continue={token}")
            pages.append(page)
            token = page["metadata"].get("continue")
            if not token:
                return pages

    def watch(self, kind, seconds, **options):
        query = "&".join(f"{name}={value}" for name, value in options.items())
        path = f"/api/v1/{kind}?watch=true&timeoutSeconds={seconds}&{query}"
        with self.open(path) as response:
            return [json.loads(line) for line in response]


@pytest.fixture
def api(start, disk_dir):
    """api(*options): a `fleet` that only serves the API, and a client of it."""

    def launch(*options):
        kubeconfig = disk_dir / "kubeconfig"
        fleet = start(
            [binary("fleet"), "--no-post", "--kubeconfig-out", kubeconfig, *map(str, options)]
        )
        wait_until(kubeconfig.exists, 20, f"the kubeconfig:\n{fleet.tail()}")
        return API(kubeconfig.read_text())

    return launch


@pytest.fixture
def sink(start):
    """A server that answers every POST with 200; its URL."""
    process = start([binary("fleet"), "sink"], name="sink")
    return process.wait_for(r"^(http://\S+)$").group(1)


class Scripted:
    """A server whose answers come from a function of the request's number and body."""

    def __init__(self, answer):
        self.bodies, lock = [], threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    number = len(outer.bodies)
                    outer.bodies.append(body)
                status, headers = answer(number, body)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def scripted():
    servers = []

    def launch(answer):
        servers.append(Scripted(answer))
        return servers[-1]

    yield launch
    for server in servers:
        server.close()


# Reports


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
    import gzip

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


# The API


def test_lists_and_pages_agree(api):
    client = api("--nodes", 15, "--pods", 600, "--interval", 3600)
    for kind in KINDS:
        whole = client.get(f"/api/v1/{kind}")
        pages = client.pages(kind, 50)
        items = [item for page in pages for item in page["items"]]
        assert [i["metadata"]["uid"] for i in items] == [
            i["metadata"]["uid"] for i in whole["items"]
        ]
        left = len(items)
        for page in pages:
            assert page["metadata"]["resourceVersion"] == whole["metadata"]["resourceVersion"]
            left -= len(page["items"])
            assert page["metadata"].get("remainingItemCount", 0) == left
    assert len(client.get("/api/v1/pods")["items"]) == 600


def test_metadata_is_believable(api):
    client = api("--nodes", 30, "--pods", 1500, "--interval", 3600)
    pods = client.get("/api/v1/pods")["items"]
    claims = {
        (c["metadata"]["namespace"], c["metadata"]["name"]): c
        for c in client.get("/api/v1/persistentvolumeclaims")["items"]
    }
    volumes = {v["metadata"]["name"]: v for v in client.get("/api/v1/persistentvolumes")["items"]}
    nodes = {n["metadata"]["name"]: n for n in client.get("/api/v1/nodes")["items"]}
    claiming, kinds, long_annotations = 0, Counter(), set()
    for pod in pods:
        metadata = pod["metadata"]
        labels, annotations = metadata["labels"], metadata["annotations"]
        assert 6 <= len(labels) <= 10 and list(labels) == sorted(labels)
        assert 2 <= len(annotations) <= 5 and list(annotations) == sorted(annotations)
        assert pod["spec"]["nodeName"] in nodes
        kinds[metadata.get("ownerReferences", [{"kind": None}])[0]["kind"]] += 1
        long_annotations.update(a for a in annotations.values() if len(a) >= 400)
        mounted = [v for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v]
        ephemeral = [v for v in pod["spec"]["volumes"] if "ephemeral" in v]
        claiming += bool(mounted or ephemeral)
        names = [v["persistentVolumeClaim"]["claimName"] for v in mounted]
        names += [f"{metadata['name']}-{v['name']}" for v in ephemeral]
        for name in names:
            claim = claims[metadata["namespace"], name]
            assert volumes[claim["spec"]["volumeName"]]["spec"]["claimRef"]["name"] == name
    assert 0.08 <= claiming / len(pods) <= 0.12
    assert set(kinds) >= {"ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Node", None}
    assert len(long_annotations) > 100
    handles = [json.dumps(v["spec"]) for v in volumes.values()]
    assert all(re.search(r"vol-[0-9a-f]{17}", h) for h in handles)


def test_a_watch_continues_a_list(api):
    client = api("--nodes", 10, "--pods", 400, "--interval", 0.2, "--churn", 20)
    first = client.pages("pods", 30)
    state = {i["metadata"]["uid"]: i for page in first for i in page["items"]}
    assert len(state) == 400
    version = first[0]["metadata"]["resourceVersion"]
    events = client.watch("pods", 4, resourceVersion=version, allowWatchBookmarks="true")
    counts = Counter(event["type"] for event in events)
    assert counts["ADDED"] >= 100 and counts["DELETED"] >= 100
    for event in events:
        if event["type"] == "BOOKMARK":
            continue
        uid = event["object"]["metadata"]["uid"]
        assert (uid in state) == (event["type"] != "ADDED")
        if event["type"] == "DELETED":
            del state[uid]
        else:
            state[uid] = event["object"]
    # Events come in the order of their versions, without a gap or a repetition.
    versions = [
        int(e["object"]["metadata"]["resourceVersion"]) for e in events if e["type"] != "BOOKMARK"
    ]
    assert versions == sorted(set(versions))
    exact = client.get(f"/api/v1/pods?resourceVersion={versions[-1]}&resourceVersionMatch=Exact")
    assert {i["metadata"]["uid"] for i in exact["items"]} == set(state)


def test_a_streaming_list_ends_with_its_bookmark(api):
    client = api("--nodes", 10, "--pods", 300, "--interval", 3600)
    for kind in KINDS:
        events = client.watch(
            kind,
            1,
            sendInitialEvents="true",
            resourceVersionMatch="NotOlderThan",
            allowWatchBookmarks="true",
        )
        listed = client.get(f"/api/v1/{kind}")
        assert [e["type"] for e in events] == ["ADDED"] * len(listed["items"]) + ["BOOKMARK"]
        end = events[-1]["object"]["metadata"]
        assert end["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert end["resourceVersion"] == listed["metadata"]["resourceVersion"]
        for event, item in zip(events, listed["items"], strict=False):
            assert event["object"] == {"kind": event["object"]["kind"], "apiVersion": "v1", **item}
    status, body = client.status("/api/v1/pods?watch=true&sendInitialEvents=true")
    assert status == 422 and body["reason"] == "Invalid"


def test_bookmarks_come_before_the_end(api):
    client = api("--nodes", 5, "--pods", 100, "--interval", 3600)
    version = client.get("/api/v1/pods?limit=1")["metadata"]["resourceVersion"]
    events = client.watch("pods", 3, resourceVersion=version, allowWatchBookmarks="true")
    assert [e["type"] for e in events] == ["BOOKMARK"]
    assert events[0]["object"]["metadata"] == {"resourceVersion": version}
    assert client.watch("pods", 3, resourceVersion=version) == []


def test_old_versions_are_gone(api):
    client = api("--nodes", 10, "--pods", 400, "--interval", 0.1, "--churn", 40, "--history", 256)
    page = client.get("/api/v1/pods?limit=10")
    version, token = page["metadata"]["resourceVersion"], page["metadata"]["continue"]

    def expired():
        return client.status(f"/api/v1/pods?limit=10&continue={token}")[0] == 410

    wait_until(expired, 20, "the continue token to expire", interval=0.2)
    status, body = client.status(f"/api/v1/pods?limit=10&continue={token}")
    assert (status, body["reason"]) == (410, "Expired")
    rest = client.status(f"/api/v1/pods?limit=10&continue={body['metadata']['continue']}")
    assert rest[0] == 200 and len(rest[1]["items"]) == 10
    events = client.watch("pods", 5, resourceVersion=version)
    assert [(e["type"], e["object"]["code"]) for e in events] == [("ERROR", 410)]
    status, body = client.status(
        f"/api/v1/pods?resourceVersion={version}&resourceVersionMatch=Exact"
    )
    assert (status, body["reason"]) == (410, "Expired")


def test_refusals_are_those_of_an_api_server(api):
    client = api("--nodes", 3, "--pods", 60, "--interval", 3600)
    for path, code, options in [
        ("/api/v1/pods", 401, {"token": "wrong"}),
        ("/api/v1/secrets", 404, {}),
        ("/api/v1/pods?limit=7&continue=abc", 400, {}),
        ("/api/v1/pods?resourceVersion=999999999", 504, {}),
        ("/api/v1/pods", 405, {"method": "DELETE"}),
        ("/api/v1/pods?watch=true&resourceVersion=abc", 500, {}),
    ]:
        status, body = client.status(path, **options)
        assert (status, body["kind"], body["code"]) == (code, "Status", code)
    pod = client.get("/api/v1/pods?limit=1")["items"][0]["metadata"]
    one = client.get(f"/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}")
    assert one["metadata"] == pod
    own = client.get(f"/api/v1/namespaces/{pod['namespace']}/pods")["items"]
    assert own and all(p["metadata"]["namespace"] == pod["namespace"] for p in own)


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
