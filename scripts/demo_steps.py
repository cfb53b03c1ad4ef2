"""What the demo's steps need: child processes that end with it, and one redrawn line."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class Failed(Exception):
    """A step did not work; the log, if there is one, says why."""

    def __init__(self, message, log=None):
        super().__init__(message)
        self.log = log


def clock(seconds):
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def tail(log, lines=20):
    return Path(log).read_text(errors="replace").splitlines()[-lines:]


class Line:
    """One line that is redrawn on a terminal; elsewhere a plain line now and then."""

    PLAIN_INTERVAL = 5.0
    REDRAW_INTERVAL = 0.2

    def __init__(self):
        self.terminal = sys.stdout.isatty()
        self.shown = 0.0
        self.drawn = False

    def show(self, text, always=False):
        now = time.monotonic()
        interval = self.REDRAW_INTERVAL if self.terminal else self.PLAIN_INTERVAL
        if not always and now - self.shown < interval:
            return
        self.shown = now
        if self.terminal:
            width = min(100, shutil.get_terminal_size().columns - 1)
            print(f"\r\x1b[K{text[:width]}", end="", flush=True)
            self.drawn = True
        else:
            print(text[:100], flush=True)

    def end(self, text=None):
        """Ends the redrawn line, with a last state of it if given."""
        if text is not None:
            self.show(text, always=True)
        if self.drawn:
            print(flush=True)
            self.drawn = False

    def clear(self):
        if self.drawn:
            print("\r\x1b[K", end="", flush=True)
            self.drawn = False


@contextmanager
def deferred_interrupts():
    """Lets Ctrl-C wait until the block is done, so that no child is started and not known."""
    arrived = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    earlier = [signal.signal(n, lambda number, frame: arrived.append(number)) for n in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, earlier, strict=True):
            signal.signal(number, handler)
    if arrived:
        raise KeyboardInterrupt


class Child:
    """A process in a session of its own, so that Ctrl-C reaches it only through us."""

    def __init__(self, name, command, log, env=None):
        self.name, self.log = name, Path(log)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as sink:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def running(self):
        return self.process.poll() is None

    def text(self):
        return self.log.read_text(errors="replace")

    def signal_group(self, number):
        """To the process and what it started. Its group's number is its own pid."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self, patience):
        """SIGTERM, SIGKILL after `patience` seconds; the exit status."""
        if self.running():
            self.signal_group(signal.SIGTERM)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.signal_group(signal.SIGKILL)
                self.process.wait()
        return self.process.returncode

    def expect_running(self):
        if not self.running():
            raise Failed(f"{self.name} ended with {self.process.returncode}", self.log)


class Steps:
    """Prints each step with its elapsed time, and knows which children run."""

    def __init__(self, count, done=0):
        self.count, self.number = count, done
        self.children = []
        self.line = Line()

    def start(self, name, command, log, env=None):
        with deferred_interrupts():
            child = Child(name, command, log, env)
            self.children.append(child)
        return child

    def begin(self, title):
        self.number += 1
        self.started = time.monotonic()
        print(f"[{self.number}/{self.count}] {title}", flush=True)

    def done(self, text="done"):
        print(f"      {text} ({clock(time.monotonic() - self.started)})", flush=True)

    def command(self, title, command, log, env=None):
        """A step that is one command."""
        self.begin(title)
        Path(log).unlink(missing_ok=True)
        child = self.start(command[0], command, log, env)
        while child.running():
            last = next((x for x in reversed(tail(log, 5)) if x.strip()), "")
            if self.line.terminal:
                self.line.show(f"      {clock(time.monotonic() - self.started)} {last.strip()}")
            time.sleep(0.1)
        self.line.clear()
        if child.process.returncode != 0:
            raise Failed(f"{' '.join(str(c) for c in command)} failed", child.log)
        self.children.remove(child)
        self.done()

    def stop_children(self, patience):
        """The last started first: who posts before who stores."""
        for child in reversed(self.children):
            child.stop(patience)
        self.children.clear()
