"""Runs the suites one after the other and sums up: test.py [quick].

A line for each suite as it ends, with its time; what failed is repeated at the end; the last line
is `N passed, N failed`. Each suite's whole output is in .build/logs/. Every suite has a time limit;
one that passes it is ended, with the processes it started, and counts as failed.

quick: the unit tests and one end-to-end run, for the time between two edits.
"""

import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import live_run
from live_run import clock

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / ".build" / "logs"
PYTHON = ROOT / ".build" / "venv" / "bin" / "python"
INTEGRATION = ROOT / "Tests" / "integration"
END_TO_END = "test_demo.py::test_rows_sent_are_rows_stored"
BEGUN = time.monotonic()


@dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    # What to repeat at the end: a title and a few lines each.
    failures: list = field(default_factory=list)


def run(name, command, limit):
    """Runs a suite into its log; its status (None: over its limit) and output."""
    log = LOGS / f"{name.replace('/', '-').replace(' ', '-')}.log"
    return live_run.run(command, log, limit, lambda: f"{name}: {last_line(log)}", ROOT)


def last_line(log):
    with open(log, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 400))
        lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip()[:80] for line in reversed(lines) if line.strip()), "")


def tail(text, lines=20):
    return "\n".join(text.splitlines()[-lines:])


def command_outcome(name, status, output, limit):
    """A suite that passes or fails as a whole."""
    if status == 0:
        return Outcome(passed=1)
    why = f"ended with {status}" if status is not None else f"not done after {clock(limit)}"
    return Outcome(failed=1, failures=[(f"{name} {why}", tail(output))])


def lint_outcome(name, status, output, limit):
    passed = len(re.findall(r"^lint \S+ passed$", output, re.M))
    failed = re.findall(r"^lint (\S+) failed$", output, re.M)
    if status != 0 and not failed:
        return command_outcome(name, status, output, limit)
    failures = [("lint: " + ", ".join(failed), tail(output))] if failed else []
    return Outcome(passed=passed, failed=len(failed), failures=failures)


def swift_outcome(name, status, output, limit):
    """Counts Swift Testing's lines; the summary line must be there, or the run did not end."""
    passed = re.findall(r"^✔ Test (?!run with)(.+?) passed after", output, re.M)
    failed = re.findall(r"^✘ Test (?!run with)(.+?) failed after", output, re.M)
    skipped = re.findall(r"^➜ Test .+ skipped", output, re.M)
    ended = re.search(r"^[✔✘] Test run with \d+ tests?", output, re.M)
    failures = []
    for test in failed:
        bare = re.sub(r" with \d+ test cases?$", "", test)
        issue = rf"^✘ Test {re.escape(bare)} recorded an issue.*(?:\n↳.*)*"
        issues = re.findall(issue, output, re.M)
        more = [f"and {len(issues) - 5} more"] if len(issues) > 5 else []
        failures.append((f"{name}: {bare}", "\n".join(issues[:5] + more)))
    if not ended or (status != 0 and not failed):
        why = f"ended with {status}" if status is not None else f"not done after {clock(limit)}"
        failures.append((f"{name} {why}", tail(output)))
    return Outcome(len(passed), max(len(failed), len(failures)), len(skipped), failures)


def pytest_outcome(name, status, output, limit, report):
    if status not in (0, 1) or not report.exists():
        return command_outcome(name, status, output, limit)
    outcome = Outcome()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        broken = [e for e in case if e.tag in ("failure", "error")]
        if broken:
            outcome.failed += 1
            title = f"{case.get('classname')}::{case.get('name')}"
            lines = [x for x in (broken[0].text or "").splitlines() if x.startswith(("E ", ">"))]
            text = "\n".join(lines[:15]) or tail(broken[0].text or "", 15)
            outcome.failures.append((title, text))
        elif any(e.tag == "skipped" for e in case):
            outcome.skipped += 1
        else:
            outcome.passed += 1
    return outcome


def integration_suite(path, selection=None):
    report = LOGS / f"{path.stem}.xml"
    report.unlink(missing_ok=True)
    command = [PYTHON, "-m", "pytest", selection or path, "-q", f"--junitxml={report}"]

    def outcome(name, status, output, limit):
        return pytest_outcome(name, status, output, limit, report)

    return (f"integration/{path.stem.removeprefix('test_')}", command, 1200, outcome)


# Suites that run while the Python environment is being made.
NEED_NO_PYTHON = ("build", "unit", "simulation", "fuzz")


def suites(quick):
    build_debug = ["swift", "build", "--build-tests"]
    build_release = ["swift", "build", "-c", "release"]
    unit = ["swift", "test", "--skip-build"]
    build = [
        ("build/tests", build_debug, 2400, command_outcome),
        ("unit", unit, 1200, swift_outcome),
        ("build/release", build_release, 2400, command_outcome),
    ]
    if quick:
        return [*build, integration_suite(INTEGRATION / "test_demo.py", INTEGRATION / END_TO_END)]
    simulate = ".build/release/simulate"
    # The same seeds each time, so that a failure belongs to a change; new ones: `make simulate`.
    seeds = [simulate, "--past", "--seeds", "5000", "--first", "1"]
    simulation = [
        ("simulation/seeds", seeds, 900, command_outcome),
        ("simulation/calls", [simulate, "--sweep"], 300, command_outcome),
        ("simulation/bits", [simulate, "--bits"], 300, command_outcome),
    ]
    lint = ("lint", ["scripts/lint.sh"], 600, lint_outcome)
    files = sorted(INTEGRATION.glob("test_*.py"))
    # The same cases each time, as above; new ones: `make fuzz`.
    fuzz = ("fuzz", [".build/release/fuzz", "--seed", "1", "--seconds", "9"], 60, command_outcome)
    return [lint, *build, *simulation, fuzz, *(integration_suite(path) for path in files)]


def main():
    quick = sys.argv[1:] == ["quick"]
    if sys.argv[1:] not in ([], ["quick"]):
        sys.exit("usage: test.py [quick]")
    total = Outcome()
    # Fetching Python packages leaves the processor idle: it runs beside the first build.
    environment = subprocess.Popen(
        ["scripts/venv.sh", "test"], cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True
    )
    planned = suites(quick)
    # Those that need no Python environment go first, so that it has time to arrive.
    planned.sort(key=lambda suite: not suite[0].startswith(NEED_NO_PYTHON))
    try:
        for name, command, limit, outcome_of in planned:
            if environment is not None and not name.startswith(NEED_NO_PYTHON):
                if environment.wait(1200) != 0:
                    sys.exit("scripts/venv.sh test failed; its output is above")
                environment = None
            started = time.monotonic()
            status, output = run(name, command, limit)
            outcome = outcome_of(name, status, output, limit)
            total.passed += outcome.passed
            total.failed += outcome.failed
            total.skipped += outcome.skipped
            total.failures += outcome.failures
            mark = "FAILED" if outcome.failed else "ok"
            skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
            print(
                f"{clock(time.monotonic() - BEGUN):>6}  {name:<28} {mark:<7}"
                f"{outcome.passed:>4} passed, {outcome.failed} failed{skipped}"
                f"  ({clock(time.monotonic() - started)})",
                flush=True,
            )
            if name.startswith("build") and outcome.failed:
                break  # nothing after it means anything
    finally:
        if environment is not None and environment.poll() is None:
            os.killpg(environment.pid, signal.SIGTERM)
    if total.failures:
        print("\nFailures")
        for title, text in total.failures:
            print(f"\n- {title}")
            print("\n".join("    " + line for line in text.splitlines()))
        print(f"\nWhole outputs: {LOGS.relative_to(ROOT)}/")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"\n{total.passed} passed, {total.failed} failed{skipped}")
    sys.exit(1 if total.failed else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
