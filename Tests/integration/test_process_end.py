"""How processes end: soon, in every state, and with no thread at work while exit handlers run.

OpenSSL and others free what they share in exit handlers; a thread that handshakes meanwhile crashes
the process, seldom and only under load. A preloaded library counts the threads there instead.
"""

import re
import socket
import subprocess
import time

import pytest

from apiserver import APIServer
from conftest import base_environment, binary, build_preload, write_kubeconfig


@pytest.fixture(scope="module")
def exit_watch(tmp_path_factory):
    return build_preload("exit_watch", tmp_path_factory.mktemp("preload"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with APIServer(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


class Check:
    """`kube-check` with the library loaded, its events in a file."""

    def __init__(self, library, log, url, **environment):
        self.log = log
        with open(log, "wb") as sink:
            self.process = subprocess.Popen(
                [binary("kube-check"), "--server", url],
                env={**base_environment(), "LD_PRELOAD": str(library), **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=sink,
            )

    def end(self, limit=2.0):
        """Ends it by the end of its input; the number of threads at the end."""
        begun = time.monotonic()
        self.process.stdin.close()
        try:
            assert self.process.wait(20) == 0
        finally:
            if self.process.poll() is None:
                self.process.kill()
        seconds = time.monotonic() - begun
        assert seconds < limit, f"it took {seconds:.1f} s to end"
        return threads_at_exit(self.log)


def threads_at_exit(log):
    """What the library said; None: no exit handler ran."""
    found = re.search(r"threads at exit: (\d+)", log.read_text(errors="replace"))
    return int(found[1]) if found else None


# Each moment is one that a start, a handshake or a wait for the next try may be in.
@pytest.mark.parametrize("seconds", [0, 0.02, 0.05, 0.3])
def test_client_ends_in_the_midst_of_handshakes(exit_watch, server, disk_dir, seconds):
    check = Check(exit_watch, disk_dir / "log", server.url)
    time.sleep(seconds)
    assert check.end() == 1


def test_client_ends_while_a_handshake_gets_no_answer(exit_watch, disk_dir):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        check = Check(exit_watch, disk_dir / "log", f"https://127.0.0.1:{silent.getsockname()[1]}")
        accepted = silent.accept()[0]
        with accepted:
            assert accepted.recv(1) == b"\x16"
            assert check.end() == 1


def test_client_ends_while_a_name_is_looked_up(exit_watch, disk_dir):
    """The thread that libcurl looks up a name on cannot be called off; nobody waits for it."""
    check = Check(exit_watch, disk_dir / "log", "https://localhost:1", SLOW_LOOKUP="15")
    time.sleep(0.5)
    assert check.end() is not None


def settings(disk_dir, library, **more):
    (disk_dir / "store").mkdir(exist_ok=True)
    kubeconfig = write_kubeconfig(disk_dir / "kubeconfig", "https://localhost:1")
    return {
        **base_environment(),
        "HOST": "127.0.0.1",
        "PORT": "0",
        "DATA_DIR": str(disk_dir),
        "STORAGE_URL": f"file://{disk_dir / 'store'}",
        "KUBECONFIG": str(kubeconfig),
        "LD_PRELOAD": str(library),
        **{name: str(value) for name, value in more.items()},
    }


def test_service_that_cannot_listen_leaves_no_thread_at_work(exit_watch, disk_dir, start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        service = start([binary("aggregator")], settings(disk_dir, exit_watch, PORT=port))
        assert service.wait() == 1
    assert f"PORT={port}" in service.log()
    assert threads_at_exit(service.log_path) in (None, 1)


def test_service_ends_while_a_name_is_looked_up(exit_watch, disk_dir, start):
    """SIGTERM is not kept waiting by a DNS server that does not answer."""
    service = start([binary("aggregator")], settings(disk_dir, exit_watch, SLOW_LOOKUP=60))
    service.wait_for("listening")
    begun = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - begun < 8
    assert "stopping took too long" not in service.log()
    assert threads_at_exit(service.log_path) in (None, 1)
