"""The API client end to end: real TLS sockets, recorded answers of a real server, and every fault.

`kube-check` runs the reflectors and dumps the index; the oracle says what it should hold.
"""

import json
import random
import subprocess
import threading
import time

import pytest

from apiserver import DEFAULT_TOKEN, APIServer
from apiserver_model import KINDS, recorded_body
from conftest import binary, wait_until
from kube_oracle import expected, found


class KubeCheck:
    """One run of `kube-check`, its events in a list."""

    def __init__(self, server, *arguments, token=DEFAULT_TOKEN, ca=True, url=None):
        command = [binary("kube-check"), "--server", url or server.url]
        if ca is True:
            command += ["--ca", server.ca]
        elif ca:
            command += ["--ca", ca]
        if token is not None:
            command += ["--token", token]
        self.process = subprocess.Popen(
            [str(c) for c in [*command, *arguments]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.events = []
        self.reader = threading.Thread(target=self.read_events, daemon=True)
        self.reader.start()

    def read_events(self):
        for line in self.process.stderr:
            self.events.append(line.decode().rstrip("\n"))

    def ask(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def watcher(self, kind="pods"):
        return self.ask("status")["watchers"][kind]

    def wait_ready(self, timeout=15):
        wait_until(lambda: self.ask("status")["ready"], timeout, f"readiness; {self.events[-5:]}")
        return self

    def wait_for_event(self, text, timeout=10):
        wait_until(lambda: any(text in e for e in self.events), timeout, f"the event {text!r}")

    def wait_equal(self, cluster, kinds=KINDS, timeout=10):
        """Until the index holds exactly what the cluster does."""

        def is_equal():
            dump = self.ask("dump")
            return all(found(k, dump) == expected(k, cluster.listed(k)[1]) for k in kinds)

        wait_until(is_equal, timeout, f"the index to equal the cluster; {self.events[-5:]}", 0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            assert self.process.wait(10) == 0
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.reader.join(5)
            self.process.stdout.close()
            self.process.stderr.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("apiserver")


@pytest.fixture
def server(certificates):
    with APIServer(certificates) as server:
        yield server


def pod(name, namespace="shop", cpu="100m"):
    """A small pod."""
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]},
        "status": {"qosClass": "Burstable"},
    }


def change(cluster, number):
    """One change of each kind of event."""
    cluster.apply("pods", pod(f"added-{number}"))
    cluster.apply("pods", pod("changing", cpu=f"{number}m"))
    cluster.apply("pods", pod(f"short-{number}"))
    cluster.delete("pods", f"short-{number}", "shop")


def hit(server, how, kind="pods"):
    """Lets an open stream misbehave, and waits until the client has asked again."""
    count = len(server.requests(kind))
    wait_until(lambda: server.hit_streams(kind, how) == 1, 5, "one open stream")
    wait_until(lambda: len(server.requests(kind)) > count, 10, "the next request")


# Good behaviour


@pytest.mark.parametrize("streaming", [True, False])
def test_lists_then_watches(certificates, streaming):
    with APIServer(certificates, streaming=streaming) as server, KubeCheck(server) as check:
        check.wait_ready().wait_equal(server.cluster)
        change(server.cluster, 1)
        check.wait_equal(server.cluster)
        assert check.ask("status")["tombstones"] == 1
        for kind in KINDS:
            counters = check.watcher(kind)
            assert counters["relists"] == 0 and counters["malformed"] == 0


def test_asks_for_nothing_but_the_four_kinds(server):
    with KubeCheck(server) as check:
        check.wait_ready()
        change(server.cluster, 1)
        check.wait_equal(server.cluster)
    paths = [r["path"].split("?")[0] for r in server.requests()]
    assert set(paths) == {f"/api/v1/{kind}" for kind in KINDS}


def test_recorded_streams(server):
    """A real server's streaming lists and its watches behind them, byte for byte."""
    for kind in KINDS:
        server.replay(kind, "stream", f"watchlist/watchlist-{kind}-json")
    with KubeCheck(server) as check:
        check.wait_ready()
        for kind in KINDS:
            server.replay(kind, "watch", f"watch/watch-{kind}-json")
        server.end_of_replay.set()
        server.end_of_replay = threading.Event()
        state = {}
        for kind in KINDS:
            lines = recorded_body(f"watchlist/watchlist-{kind}-json").splitlines()
            lines += recorded_body(f"watch/watch-{kind}-json").splitlines()
            objects = {}
            for event in map(json.loads, lines):
                metadata = event["object"]["metadata"]
                key = (metadata.get("namespace"), metadata.get("name"))
                if event["type"] in ("ADDED", "MODIFIED"):
                    objects[key] = event["object"]
                elif event["type"] == "DELETED":
                    objects.pop(key, None)
            state[kind] = list(objects.values())

        def is_equal():
            dump = check.ask("dump")
            return all(found(kind, dump) == expected(kind, state[kind]) for kind in KINDS)

        wait_until(is_equal, 10, "the recorded state")


def test_recorded_pages(server):
    server.streaming = False
    for number in range(1, 10):
        server.fault("pods", "list", replay=f"paginated/pods-json-page0{number}")
    with KubeCheck(server) as check:
        check.wait_ready().wait_equal(server.cluster)
    asked = [r["path"] for r in server.requests("pods", "list")]
    assert len(asked) == 9 and asked[0].endswith("?limit=500") and "continue=" in asked[8]


def test_resumes_from_the_last_version(server):
    with KubeCheck(server) as check:
        check.wait_ready()
        change(server.cluster, 1)
        check.wait_equal(server.cluster)
        hit(server, "end")
        change(server.cluster, 2)
        check.wait_equal(server.cluster)
        assert len(server.requests("pods", "stream")) == 1
        assert check.watcher()["restarts"] == 1


def test_static_pod_by_its_mirror(server):
    mirror = next(
        p
        for p in server.cluster.listed("pods")[1]
        if "kubernetes.io/config.mirror" in p["metadata"].get("annotations", {})
    )
    uid = mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"]
    with KubeCheck(server) as check:
        check.wait_ready()
        assert check.ask(f"lookup {uid}")["pod"] == mirror["metadata"]["uid"]
        assert check.ask("lookup nobody")["pod"] is None


def test_deleted_pod_is_found_for_ten_minutes(server):
    with KubeCheck(server) as check:
        uid = server.cluster.apply("pods", pod("leaving"))["metadata"]["uid"]
        check.wait_ready().wait_equal(server.cluster)
        server.cluster.delete("pods", "leaving", "shop")
        check.wait_equal(server.cluster)
        assert check.ask(f"lookup {uid}")["pod"] == uid
        check.ask("advance 590")
        assert check.ask(f"lookup {uid}")["pod"] == uid
        check.ask("advance 20")
        assert check.ask(f"lookup {uid}")["pod"] is None


# Faults of a stream


@pytest.mark.parametrize(
    "how, relists, malformed",
    [
        ("midline", False, 0),
        ("end", False, 0),
        ("malformed", True, 1),
        ("unknown", True, 1),
        ("nameless", True, 1),
        ("huge", True, 0),
        ("error-410", True, 0),
        ("error-504", False, 0),
        ("error-500", False, 0),
    ],
)
def test_broken_stream(server, how, relists, malformed):
    with KubeCheck(server) as check:
        check.wait_ready()
        hit(server, how)
        change(server.cluster, 1)
        check.wait_equal(server.cluster)
        counters = check.watcher()
        assert counters["relists"] == (1 if relists else 0)
        assert counters["malformed"] == malformed
        assert counters["ready"]
        change(server.cluster, 2)
        check.wait_equal(server.cluster)


@pytest.mark.parametrize("how", ["midline", "malformed", "error-410", "error-500"])
def test_broken_initial_events(server, how):
    server.fault("pods", "stream", times=2, stream=how)
    with KubeCheck(server) as check:
        check.wait_ready().wait_equal(server.cluster)


def test_gone_as_status(server):
    with KubeCheck(server) as check:
        check.wait_ready()
        server.fault("pods", "watch", replay="gone410/list-pods-exact-old-rv-json")
        hit(server, "end")
        change(server.cluster, 1)
        wait_until(lambda: check.watcher()["relists"] == 1, 10, "the relist")
        check.wait_equal(server.cluster)


def test_compacted_version_is_listed_again_without_an_empty_moment(server):
    """What vanished while nobody watched becomes a tombstone; nothing else is ever missing."""
    with KubeCheck(server) as check:
        check.wait_ready().wait_equal(server.cluster)
        count = len(check.ask("dump")["pods"])
        gone = server.cluster.forget_silently("pods", "standalone", "default")
        server.cluster.compact()
        server.hit_streams("pods", "end")

        def is_equal():
            dump = check.ask("dump")
            assert len(dump["pods"]) >= count - 1
            return found("pods", dump) == expected("pods", server.cluster.listed("pods")[1])

        wait_until(is_equal, 10, "the relist", 0.002)
        assert check.ask(f"lookup {gone['metadata']['uid']}")["pod"] == gone["metadata"]["uid"]


def test_expired_continue_token(server):
    server.streaming = False
    server.fault("pods", "list", replay="paginated/pods-json-page01")
    server.fault("pods", "list", replay="gone410/list-pods-expired-continue-json")
    with KubeCheck(server) as check:
        check.wait_ready().wait_equal(server.cluster)
    assert "limit=1000" in server.requests("pods", "list")[2]["path"]


def test_server_that_lags(server):
    """A list must not be older than what is known, until the server says it cannot."""
    with KubeCheck(server) as check:
        check.wait_ready().wait_equal(server.cluster)
        server.fault("pods", "stream", replay="errors/504-too-large-rv-list")
        hit(server, "malformed")
        change(server.cluster, 1)
        check.wait_equal(server.cluster)
    paths = [r["path"] for r in server.requests("pods", "stream")]
    assert "&resourceVersion=" not in paths[0]
    assert "&resourceVersion=" in paths[1]
    assert "&resourceVersion=" not in paths[2]


def test_old_server_that_ignores_send_initial_events(server):
    """Its answer is an ordinary watch, whose bookmark ends nothing."""
    server.replay("pods", "stream", "watch/watch-pods-json")
    with KubeCheck(server) as check:
        check.wait_ready().wait_equal(server.cluster)
        assert len(server.requests("pods", "list")) == 1


# Refusals


def test_too_many_requests(server):
    server.fault("pods", "stream", replay="errors/429-list-pods-json")
    server.fault("pods", "stream", status=429, headers={"Retry-After": "3"}, body="later")
    with KubeCheck(server) as check:
        check.wait_ready()
    seconds = [r["seconds"] for r in server.requests("pods", "stream")]
    assert 0.95 <= seconds[1] - seconds[0] < 2.5
    assert seconds[2] - seconds[1] >= 2.95


def test_forbidden_names_the_kind(server):
    name = "errors/403-serviceaccount-list-persistentvolumeclaims-json"
    server.fault("persistentvolumeclaims", "any", times=-1, replay=name)
    with KubeCheck(server) as check:
        wait_until(lambda: check.watcher()["ready"], 10, "the other watchers")
        check.wait_for_event("failed list persistentvolumeclaims")
        watcher = check.watcher("persistentvolumeclaims")
        assert not watcher["ready"]
        assert watcher["reason"] == ("403: cannot list persistentvolumeclaims (the verb is watch)")
        assert not check.ask("status")["ready"]
        server.clear_faults()
        check.wait_ready().wait_equal(server.cluster)
        assert check.watcher("persistentvolumeclaims")["reason"] == ""


def test_rotated_token_costs_one_request(server, tmp_path):
    token = tmp_path / "token"
    token.write_text(DEFAULT_TOKEN + "\n")
    with KubeCheck(server, "--token-file", token, token=None) as check:
        check.wait_ready()
        token.write_text("rotated")
        server.tokens = ["rotated"]
        failures = check.watcher()["failures"]
        hit(server, "end")
        change(server.cluster, 1)
        check.wait_equal(server.cluster)
        assert check.watcher()["failures"] == failures + 1


def test_wrong_token(server):
    with KubeCheck(server, token="wrong") as check:
        check.wait_for_event("401: cannot list pods")
        assert not check.ask("status")["ready"]
    assert not any("wrong" in event for event in check.events)


def test_client_certificate(server):
    server.tokens = ["only-this"]
    arguments = ["--client-certificate", server.client_certificate]
    arguments += ["--client-key", server.client_key]
    with KubeCheck(server, *arguments, token=None) as check:
        check.wait_ready().wait_equal(server.cluster)


def test_certificate_is_verified(server, tmp_path):
    with APIServer(tmp_path / "other") as other, KubeCheck(server, ca=other.ca) as check:
        check.wait_for_event("failed list pods")
        assert not check.ask("status")["ready"]
    with KubeCheck(server, ca=False) as check:
        check.wait_for_event("failed list pods")
        assert not check.ask("status")["ready"]
    wrong_name = server.url.replace("127.0.0.1", "127.0.0.2")
    with KubeCheck(server, url=wrong_name) as check:
        check.wait_for_event("failed list pods")
    assert not server.requests()


def test_server_down_at_the_start_and_later(server):
    server.set_down(True)
    with KubeCheck(server) as check:
        check.wait_for_event("failed list nodes")
        server.set_down(False)
        check.wait_ready().wait_equal(server.cluster)
        server.set_down(True)
        change(server.cluster, 1)
        check.wait_for_event("failed watch pods")
        server.set_down(False)
        check.wait_equal(server.cluster, timeout=20)
        assert check.watcher()["relists"] == 0


def test_half_open_stream_is_found(server):
    """The client ends what the server should have ended; here the list's answer never comes."""
    server.fault("pods", "stream", stream="hang")
    with KubeCheck(server) as check:
        wait_until(lambda: check.watcher("nodes")["ready"], 10, "the other watchers")
        check.wait_for_event("the initial events have stopped", 45)
        check.wait_ready().wait_equal(server.cluster)


# Debug mode


def test_debug_events_are_whole_and_hold_no_credential(server):
    with KubeCheck(server, "--debug") as check:
        check.wait_ready()
        server.cluster.apply("pods", pod("seen"))
        check.wait_for_event('"name":"seen"')
        check.wait_for_event("updated pods ADDED shop/seen hits=")
    assert any(e.startswith("requested list pods https://") for e in check.events)
    assert any(e.startswith("responded list pods 200") for e in check.events)
    received = [e for e in check.events if e.startswith("received pods ADDED")]
    assert len(received) == 61
    assert not any(DEFAULT_TOKEN in e for e in check.events)


# Everything at once


def test_random_faults_end_in_the_cluster_s_state(server):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    names = ["a", "b", "c", "d", "e", "f"]
    hows = ["midline", "end", "malformed", "unknown", "error-410", "error-500"]
    with KubeCheck(server) as check:
        check.wait_ready()
        end = time.monotonic() + 12
        while time.monotonic() < end:
            choice = rng.random()
            if choice < 0.5:
                server.cluster.apply("pods", pod(rng.choice(names), cpu=f"{rng.randrange(1000)}m"))
            elif choice < 0.75:
                name = rng.choice(names)
                if ("shop", name) in server.cluster.objects["pods"]:
                    server.cluster.delete("pods", name, "shop")
            elif choice < 0.8:
                server.cluster.compact()
            elif choice < 0.9:
                server.hit_streams("pods", rng.choice(hows))
            else:
                server.fault("pods", "any", status=rng.choice([429, 500, 503, 504, 410]))
            time.sleep(rng.random() * 0.05)
        server.clear_faults()
        check.wait_equal(server.cluster, timeout=60)
