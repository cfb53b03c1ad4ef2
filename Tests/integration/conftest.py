"""What the integration tests share: built programs, processes, ports, waits and places on disk.

Every helper is bounded in time and ends what it started, by process id. Temporary directories lie
under .build/test-tmp, on the disk that the checkout is on: a tmpfs would make fsync mean nothing.
"""

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytest.register_assert_rewrite("store_flow", "service_flow")

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 20.0
STOP_TIMEOUT = 40.0


def binary(name):
    """The built program `name`: $<NAME>_BINARY, else .build/release, else .build/debug."""
    override = os.environ.get(f"{name.upper()}_BINARY")
    if override:
        return Path(override)
    for configuration in ("release", "debug"):
        candidate = ROOT / ".build" / configuration / name
        if candidate.exists():
            return candidate
    pytest.fail(f"{name} is not built: run `make build`")


def free_port():
    """A loopback TCP port that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, timeout=10.0, what="condition", interval=0.02):
    """Calls `condition` until it returns something true and returns that; fails after `timeout`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:g} s in vain for {what}")
        time.sleep(interval)


class Running:
    """A child process in a session of its own, its output in a file, ended by its own pid."""

    def __init__(self, args, env=None, cwd=None, log=None):
        self.args = [str(a) for a in args]
        self.log_path = Path(log)
        self._log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            self.args,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def tail(self, lines=20):
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_for(self, pattern, timeout=START_TIMEOUT):
        """The first match of the regular expression in the output so far or to come."""
        compiled = re.compile(pattern, re.MULTILINE)

        def look():
            match = compiled.search(self.log())
            if match is None and self.process.poll() is not None:
                match = compiled.search(self.log())
                if match is None:
                    pytest.fail(
                        f"{self.args[0]} ended with {self.process.returncode} before "
                        f"/{pattern}/ was seen:\n{self.tail()}"
                    )
            return match

        return wait_until(look, timeout, f"/{pattern}/ in the output; it is:\n{self.tail()}")

    def signal(self, number):
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def wait(self, timeout=STOP_TIMEOUT):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self.args[0]} did not end within {timeout:g} s:\n{self.tail()}")

    def stop(self, timeout=STOP_TIMEOUT):
        """SIGTERM, then the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        """SIGKILL, as the kernel's out-of-memory killer would."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def close(self):
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self._log.close()


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


def request(port, method, path, body=None, headers=None, timeout=10.0):
    """One HTTP request to 127.0.0.1 on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    finally:
        connection.close()


class Aggregator(Running):
    """The service under test, started with PORT=0; `port` is what its start line names."""

    # The line that ends the start, as in: listening on 127.0.0.1:40123
    START_LINE = r"(?i)listening[^\n]*?(?:port\"?[=: ]+\"?|:)(\d{2,5})\b"

    def __init__(self, env, log, data_dir, storage):
        super().__init__([binary("aggregator")], env=env, log=log)
        self.data_dir, self.storage = data_dir, storage
        self._port = None

    @property
    def port(self):
        if self._port is None:
            self._port = int(self.wait_for(self.START_LINE).group(1))
        return self._port

    def get(self, path, **keywords):
        return request(self.port, "GET", path, **keywords)

    def post(self, report, headers=None, **keywords):
        """POSTs a report: a dict, or bytes as they are."""
        body = report if isinstance(report, bytes) else json.dumps(report).encode()
        headers = {"Content-Type": "application/json"} if headers is None else headers
        return request(self.port, "POST", "/metrics", body=body, headers=headers, **keywords)

    def metric(self, name):
        """The sum of a metric's samples on GET /metrics, whatever their labels."""
        values = re.findall(
            rf"^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$", self.get("/metrics").text, re.MULTILINE
        )
        return sum(float(v) for v in values)

    def objects(self):
        """The finished objects of a file:// store, by name."""
        return sorted(self.storage.rglob("*.parquet"))


def write_kubeconfig(path, server, ca=None, token="test-token"):
    """A kubeconfig with a bearer token; `ca` is a path to a PEM file."""
    cluster = {"server": server}
    if ca is not None:
        cluster["certificate-authority-data"] = base64.b64encode(Path(ca).read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "users": [{"name": "test", "user": {"token": token}}],
    }
    path = Path(path)
    path.write_text(json.dumps(config))  # JSON is YAML
    return path


@pytest.fixture
def disk_dir(request):
    """A fresh directory on disk, removed if the test passed."""
    parent = ROOT / ".build" / "test-tmp"
    parent.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "_", request.node.name)[:60]
    path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
    yield path
    report = getattr(request.node, "call_report", None)
    if report is None or not report.failed:
        shutil.rmtree(path, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.call_report = outcome.get_result()


@pytest.fixture
def start(disk_dir):
    """start(args, env=None, name=None): a `Running` that ends with the test."""
    running = []

    def launch(args, env=None, name=None, cwd=None):
        log = disk_dir / f"{name or Path(str(args[0])).name}-{len(running)}.log"
        process = Running(args, env=env, cwd=cwd, log=log)
        running.append(process)
        return process

    yield launch
    for process in reversed(running):
        process.close()


def base_environment():
    """The environment without any setting of ours or of AWS, so that a test names all it uses."""
    ours = re.compile(
        r"^(AWS_|S3_|CLUSTER_NAME|DEBUG_K8S_API|STORAGE_URL|HOST$|PORT$|DATA_DIR|SPOOL_|FLUSH_"
        r"|MAX_BODY_BYTES|KUBECONFIG|KUBERNETES_|LOG_(LEVEL|FORMAT))"
    )
    return {k: v for k, v in os.environ.items() if not ours.match(k)}


def build_preload(name, directory):
    """A library that a program is started with (LD_PRELOAD), compiled from preload/NAME.c."""
    library = directory / f"{name}.so"
    source = ROOT / "Tests" / "integration" / "preload" / f"{name}.c"
    command = ["clang", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source, "-ldl"]
    subprocess.run(command, check=True)
    return library


@pytest.fixture
def start_aggregator(disk_dir):
    """start_aggregator(**settings): the service on a free port, by default on file:// and with an
    API server that refuses connections (reports then wait in the log). A setting of None is unset;
    the same DATA_DIR is used by every start within a test."""
    running = []

    def launch(**settings):
        data_dir, storage = disk_dir / "data", disk_dir / "store"
        storage.mkdir(exist_ok=True)
        data_dir.mkdir(exist_ok=True)
        env = base_environment()
        env.update(
            HOST="127.0.0.1",
            PORT="0",
            DATA_DIR=str(data_dir),
            STORAGE_URL=f"file://{storage}",
            CLUSTER_NAME="test",
        )
        if "KUBECONFIG" not in settings:
            kubeconfig = write_kubeconfig(
                disk_dir / "kubeconfig", f"https://127.0.0.1:{free_port()}"
            )
            env["KUBECONFIG"] = str(kubeconfig)
        for key, value in settings.items():
            if value is None:
                env.pop(key, None)
            else:
                env[key] = str(value)
        service = Aggregator(
            env,
            disk_dir / f"aggregator-{len(running)}.log",
            Path(env.get("DATA_DIR", data_dir)),
            storage,
        )
        running.append(service)
        return service

    yield launch
    for service in reversed(running):
        service.close()
