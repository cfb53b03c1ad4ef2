"""`aggregator inspect` on the real directory of a real service: beside it, after it, and damaged.

Each test says which promise of the command it protects.
"""

import json
import re
import subprocess
import threading

import pytest

from apiserver import DEFAULT_TOKEN, APIServer
from conftest import binary, wait_until, write_kubeconfig


def inspect(directory, *options):
    """Runs the command; returns its status, output and errors."""
    done = subprocess.run(
        [binary("aggregator"), "inspect", directory, *options],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def inspect_json(directory, *options):
    status, output, errors = inspect(directory, "--json", *options)
    assert errors == ""
    return status, json.loads(output)


def report(node, second):
    return {
        "timestamp": f"2026-03-04T10:{second // 60:02d}:{second % 60:02d}Z",
        "node_name": node,
        "hostname": node,
        "pods": [
            {"pod_id": f"{node}-{i}", "namespace": "team", "name": f"p{i}"} for i in range(20)
        ],
    }


def fingerprint(directory):
    """Everything about a directory's files that a reader must leave as it is."""
    return {
        path.name: (path.stat().st_size, path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(directory.iterdir())
    }


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


@pytest.fixture
def killed(start_aggregator):
    """The directory of a service that took 40 reports and was killed."""
    service = start_aggregator()
    for second in range(40):
        assert service.post(report("node-a", second)).status == 200
    service.kill()
    return service.data_dir


class TestBesideAService:
    def test_it_disturbs_nothing_while_reports_arrive(self, start_aggregator):
        """No error, no damage, no lock: reports go on being taken, and a start is not refused."""
        service = start_aggregator()
        refused = []
        stop = threading.Event()

        def post(node):
            second = 0
            while not stop.is_set() and second < 3_600:
                reply = service.post(report(node, second))
                if reply.status != 200:
                    refused.append(reply.text)
                second += 1

        assert service.post(report("first", 0)).status == 200
        threads = [threading.Thread(target=post, args=(f"node-{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        try:
            seen = []
            for round_number in range(25):
                options = ["--check"] if round_number % 2 else []
                status, shown = inspect_json(service.data_dir, *options)
                assert status == 0, shown["damage"]
                assert shown["service"] == {"state": "running", "pid": service.pid}
                (segment,) = shown["segments"]
                assert segment["state"] == "open"
                seen.append(segment["log"]["reports"])
                assert inspect(service.data_dir, "--frames", str(segment["segment"]))[0] == 0
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)
        assert refused == []
        assert seen == sorted(seen) and seen[-1] > seen[0]

    def test_starts_are_not_refused_meanwhile(self, start_aggregator, disk_dir):
        stop = threading.Event()
        (disk_dir / "data").mkdir()

        def look():
            while not stop.is_set():
                inspect(disk_dir / "data")

        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for second in range(5):
                service = start_aggregator()
                assert service.post(report("node-a", second)).status == 200
                service.kill()
        finally:
            stop.set()
            for thread in threads:
                thread.join(30)


class TestAfterAService:
    def test_a_killed_service_leaves_a_sound_directory(self, killed):
        before = fingerprint(killed)
        status, shown = inspect_json(killed, "--check")
        assert status == 0 and shown["sound"] and shown["checked"]
        assert shown["service"] == {"state": "none_seen", "pid": None}
        (segment,) = shown["segments"]
        assert segment["state"] == "log" and segment["log"]["reports"] == 40
        assert re.fullmatch(r"[0-9a-f-]{36}", shown["writer"])
        assert fingerprint(killed) == before

    def test_frames_show_each_report(self, killed):
        status, output, _ = inspect(killed, "--json", "--frames", "1")
        assert status == 0
        frames = [json.loads(line) for line in output.splitlines()]
        reports = [frame for frame in frames if not frame["witness"]]
        assert [f["timestamp"] for f in reports] == [
            report("node-a", second)["timestamp"] for second in range(40)
        ]
        assert all(f["node_name"] == "node-a" and f["good"] for f in reports)
        assert [f["sequence"] for f in frames] == list(range(1, len(frames) + 1))
        offset = 64
        for frame in frames:
            assert frame["offset"] == offset and frame["synced_to"] <= offset
            offset += frame["bytes"]

    def test_a_flipped_byte_in_the_middle_is_found(self, killed):
        (log,) = killed.glob("*.log")
        _, output, _ = inspect(killed, "--json", "--frames", "1")
        frame = json.loads(output.splitlines()[17])
        flip(log, frame["offset"] + 64 + 30)  # in the report
        before = fingerprint(killed)
        assert inspect(killed)[0] == 0  # headers alone do not show it
        status, shown = inspect_json(killed, "--check")
        assert status == 1 and not shown["sound"]
        (damage,) = shown["damage"]
        assert damage["kind"] == "log_payload" and damage["file"] == log.name
        assert (damage["offset"], damage["bytes"]) == (frame["offset"], frame["bytes"])
        status, output, _ = inspect(killed, "--json", "--frames", "1")
        assert status == 1
        assert [json.loads(line)["good"] for line in output.splitlines()].count(False) == 1
        flip(log, frame["offset"] + 8)  # in the frame's header
        status, text, _ = inspect(killed)
        assert status == 1
        assert re.search(
            rf"^{log.name} +{frame['offset']} +{frame['bytes']} +log_frames ", text, re.M
        )
        assert fingerprint(killed).keys() == before.keys()

    def test_a_torn_end_is_what_a_crash_leaves(self, killed):
        (log,) = killed.glob("*.log")
        _, output, _ = inspect(killed, "--json", "--frames", "1")
        last = [json.loads(line) for line in output.splitlines() if '"witness": false' in line][-1]
        with open(log, "r+b") as file:
            file.truncate(last["offset"] + 70)
        status, shown = inspect_json(killed, "--check")
        assert status == 0
        assert shown["segments"][0]["log"]["torn_bytes"] == 70
        status, text, _ = inspect(killed)
        assert status == 0 and "torn end" in text

    def test_objects_that_wait_are_compared_with_their_seal(self, start_aggregator, disk_dir):
        """The store cannot be reached, so the object stays, committed."""
        store = disk_dir / "no-store"
        store.write_text("not a directory")
        with APIServer(disk_dir / "api") as api:
            kubeconfig = write_kubeconfig(
                disk_dir / "api.kubeconfig", api.url, ca=api.ca, token=DEFAULT_TOKEN
            )
            service = start_aggregator(
                KUBECONFIG=kubeconfig,
                STORAGE_URL=f"file://{store}",
                FLUSH_INTERVAL_SECONDS=1,
            )
            assert service.post(report("node-a", 1)).status == 200
            wait_until(lambda: list(service.data_dir.glob("*.seal")), 30, "a seal")
            service.kill()
        status, shown = inspect_json(service.data_dir, "--check")
        assert status == 0, shown["damage"]
        sealed = next(s for s in shown["segments"] if s["state"] == "sealed")
        assert sealed["seal"]["rows"] == 20 and sealed["seal"]["retry_ids"] == 1
        (found,) = sealed["objects"]
        assert found["state"] == "waiting" and found["good"] and found["rows"] == 20
        assert found["key"].startswith("k8s-metrics/cluster_name=test/dt=2026-03-04/")
        flip(service.data_dir / found["file"], found["bytes"] // 2)
        status, shown = inspect_json(service.data_dir, "--check")
        assert status == 1 and [d["kind"] for d in shown["damage"]] == ["object_hash"]
        assert documented(shown)


def documented(shown):
    """Every member of the document is explained by --help."""
    text = subprocess.run(
        [binary("aggregator"), "inspect", "--help"], capture_output=True, text=True, timeout=20
    ).stdout
    known = set(re.findall(r"^  (\w[\w.\[\]]*)$", text, re.M))
    found = set()

    def walk(value, path):
        if isinstance(value, dict):
            for name, member in value.items():
                walk(member, f"{path}.{name}" if path else name)
        elif isinstance(value, list):
            for element in value:
                walk(element, f"{path}[]")
        else:
            found.add(path)

    walk(shown, "")
    containers = {k.rsplit(".", 1)[0] for k in known if "." in k}
    missing = found - known - containers
    assert not missing, missing
    return True


class TestWhatIsNotThere:
    def test_a_missing_directory_is_not_made(self, disk_dir):
        status, output, errors = inspect(disk_dir / "none")
        assert status == 64 and output == ""
        assert "No such file or directory" in errors and "Usage" not in errors
        assert not (disk_dir / "none").exists()

    def test_an_empty_directory_stays_empty(self, disk_dir):
        empty = disk_dir / "empty"
        empty.mkdir()
        status, output, errors = inspect(empty)
        assert status == 64 and output == ""
        assert "does not look like a data directory" in errors
        assert list(empty.iterdir()) == []

    def test_a_log_that_is_gone_is_said_to_be(self, killed):
        status, output, errors = inspect(killed, "--frames", "7")
        assert status == 64 and output == ""
        assert "segment 7 has no log here" in errors and "Usage" not in errors

    def test_files_set_aside_are_named_at_the_end(self, killed):
        (killed / "00000000000000000001-64.quarantine").write_bytes(b"x")
        status, text, _ = inspect(killed)
        assert status == 0
        assert text.splitlines()[-1].startswith("1 file set aside earlier: ")

    @pytest.mark.parametrize("options", [["--frames", "7"], ["--frames", "x"], ["--bogus"]])
    def test_wrong_arguments_are_usage(self, killed, options):
        assert inspect(killed, *options)[0] == 64
