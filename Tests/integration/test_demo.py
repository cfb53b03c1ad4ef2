"""`make demo`, small: it ends with the rows that were sent, and stops cleanly when it is told."""

import os
import re
import signal
import socket
import subprocess
import time

import pytest

from conftest import ROOT, wait_until

SMALL = {"DEMO_NODES": "6", "DEMO_PODS": "120", "DEMO_HOURS": "24", "DEMO_SECONDS": "6"}
ROWS = 120 * 24 * 12
# Loopback is up in a new network namespace only when someone says so.
OFFLINE = [
    "unshare",
    "-n",
    "python3",
    "-c",
    "import fcntl, os, socket, struct, sys\n"
    "s = socket.socket()\n"
    "fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 0x41))\n"  # SIOCSIFFLAGS, UP | RUNNING
    "s.close()\n"
    "os.execvp(sys.argv[1], sys.argv[1:])",
]


@pytest.fixture
def demo(disk_dir):
    """demo(prefix=[], **environment): the demo in a session of its own, as a terminal starts it."""
    started = []

    def launch(prefix=(), **environment):
        process = subprocess.Popen(
            [*prefix, "scripts/demo.sh"],
            cwd=ROOT,
            env={**os.environ, **SMALL, "DEMO_DIR": str(disk_dir / "demo"), **environment},
            stdin=subprocess.DEVNULL,
            stdout=open(disk_dir / "out", "wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
        for pid in of_the_demo(disk_dir):
            os.kill(pid, signal.SIGKILL)


def output(disk_dir):
    return (disk_dir / "out").read_text(errors="replace")


def of_the_demo(disk_dir):
    """Processes whose arguments or settings name the demo's directory."""
    mark = str(disk_dir / "demo").encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with (
                open(f"/proc/{entry}/cmdline", "rb") as f,
                open(f"/proc/{entry}/environ", "rb") as g,
            ):
                if mark in f.read() or mark in g.read():
                    found.append(int(entry))
        except OSError:
            continue
    return found


def finish(process, disk_dir, timeout=240):
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        pytest.fail(f"the demo did not end within {timeout} s:\n{output(disk_dir)}")


def assert_complete(disk_dir):
    text = output(disk_dir)
    assert f"Rows sent {ROWS:,}, rows stored {ROWS:,} (2 dates): all there." in text, text
    return text


def test_rows_sent_are_rows_stored(demo, disk_dir):
    assert finish(demo(), disk_dir) == 0, output(disk_dir)
    text = assert_complete(disk_dir)
    for title in ("Core-hours and memory", "Requested and used", "Biggest idle", "Claimed storage"):
        assert title in text
    # Paths are as long as the directory that the test gave.
    lines = [line for line in text.splitlines() if disk_dir.name not in line]
    assert max(map(len, lines)) <= 100
    assert not of_the_demo(disk_dir)
    # Steps tell their time; the running line has rows, rate, objects and bytes a row.
    assert len(re.findall(r"\(\d+:\d\d\)", text)) >= 5
    assert re.search(r"[\d,]+ rows +[\d,]+ rows/s +\d+ objects +[\d.]+ bytes a row", text)
    # The three commands work when they are pasted.
    commands = text.split("paste them:\n")[1].strip().splitlines()
    assert len(commands) == 3
    for command in commands:
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert result.returncode == 0, command + result.stderr
    assert "kubectl apply -k k8s/base" in result.stdout


@pytest.mark.parametrize(
    "sign",
    [
        r"Check of the machine",
        r"A simulated cluster and the service",
        r"[1-9][\d,]* rows  ",
    ],
)
def test_ctrl_c_ends_its_own_processes_and_keeps_the_data(demo, disk_dir, sign):
    process = demo(DEMO_SECONDS="60")
    wait_until(lambda: re.search(sign, output(disk_dir)), 120, sign)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does
    assert finish(process, disk_dir, 60) == 130, output(disk_dir)
    text = output(disk_dir)
    assert "Traceback" not in text
    wait_until(lambda: not of_the_demo(disk_dir), 5, "the demo's processes to be gone")
    if "rows  " in sign:
        where = re.search(r"kept in (\S+?)\.$", text, re.M)
        assert where, text
        assert list((ROOT / where.group(1)).rglob("*.parquet"))
    else:
        assert "othing was stored" in text


def test_a_taken_port_does_not_matter(demo, disk_dir):
    with socket.socket() as taken:
        try:
            taken.bind(("0.0.0.0", 8888))
            taken.listen()
        except OSError:
            pass  # taken by someone else, which is as good
        assert finish(demo(), disk_dir) == 0, output(disk_dir)
    assert_complete(disk_dir)


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_a_second_run_works_without_network(demo, disk_dir):
    assert finish(demo(prefix=OFFLINE), disk_dir) == 0, output(disk_dir)
    assert_complete(disk_dir)


def test_a_failure_shows_the_log_and_its_place(demo, disk_dir):
    started = time.monotonic()
    # Fewer pods than nodes: the simulated cluster refuses.
    assert finish(demo(DEMO_PODS="3"), disk_dir) == 1
    assert time.monotonic() - started < 120
    text = output(disk_dir)
    assert "The demo failed: fleet ended with 64" in text, text
    assert re.search(r"The last lines of \S+fleet\.log:", text), text
    assert "--pods" in text
    assert not of_the_demo(disk_dir)


def test_a_bad_size_is_refused_at_once(demo, disk_dir):
    assert finish(demo(DEMO_HOURS="-1"), disk_dir) == 1
    assert "DEMO_HOURS=-1" in output(disk_dir)
