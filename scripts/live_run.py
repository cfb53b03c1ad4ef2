"""Runs a long command into a log, and says on a terminal how far it is."""

import os
import signal
import subprocess
import sys
import time

LIVE = sys.stdout.isatty()


def clock(seconds):
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def run(command, log, limit, status, cwd, environment=None):
    """Returns the command's status (None: it took longer than `limit` seconds and was ended, with
    the processes it started) and its output. `status` gives the words beside the time."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with open(log, "wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                elapsed = time.monotonic() - started
                if elapsed > limit:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    return None, log.read_text(errors="replace")
                if LIVE:
                    print(f"\r\x1b[K  {clock(elapsed)} {status()}"[:110], end="", flush=True)
                time.sleep(0.2)
        except BaseException:
            # Ctrl-C goes to us alone, since the command has a session of its own.
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
        finally:
            if LIVE:
                print("\r\x1b[K", end="", flush=True)
    return process.returncode, log.read_text(errors="replace")
