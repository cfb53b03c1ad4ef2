"""Breaks the product on purpose, one breakage at a time, and sees that the tests notice.

mutate.py [--only NAME,...] [--kinds KIND,...] [--all] [--list]

Tests/mutations/NAME.mutation says what is broken, which checks should catch it, and the exact text
that is replaced. The sources are copied to .build/mutate/tree and changed there, never in place;
what is built there is kept, so that each breakage costs an incremental build. First everything has
to pass unbroken. The run fails when a breakage is not caught or its text is not there any more.

--all runs every check of a breakage; without it the first that catches it is enough.
"""

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import live_run

ROOT = Path(__file__).resolve().parents[1]
MUTATIONS = ROOT / "Tests" / "mutations"
PLACE = ROOT / ".build" / "mutate"
TREE = PLACE / "tree"
BUILD_LIMIT = 2400
# A broken program may also never end.
CHECK_LIMIT = 600
# Seeds of the simulation that one process runs: a broken one mostly fails in the first few.
SEEDS_AT_ONCE = 5


class Unfit(Exception):
    """A mutation that does not fit the sources, or says nothing that can be run."""


@dataclass(frozen=True)
class Check:
    """core FILTER, service FILTER: unit tests without and with the service; simulate SEEDS."""

    kind: str
    argument: str

    def __str__(self):
        return f"{self.kind} {self.argument}"


@dataclass
class Mutation:
    name: str
    what: str
    checks: list = field(default_factory=list)
    # (file, old text, new text), in order.
    edits: list = field(default_factory=list)

    def edited(self, root):
        """The changed files, by path; Unfit when a text is not there exactly once."""
        files = {}
        for path, old, new in self.edits:
            if path not in files:
                if not (root / path).is_file():
                    raise Unfit(f"{self.name}: {path} does not exist")
                files[path] = (root / path).read_text()
            count = files[path].count(old)
            if count != 1:
                raise Unfit(f"{self.name}: its text is {count} times in {path}, not once:\n{old}")
            files[path] = files[path].replace(old, new)
        return files


def parse(path):
    """Reads one .mutation file: `what:`, `caught-by:`, `file:`, and blocks of old and new text."""
    mutation = Mutation(path.stem, "")
    file, old, new = None, None, None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if old is None:
            key, _, value = line.partition(":")
            if key == "what":
                mutation.what = value.strip()
            elif key == "caught-by":
                kind, _, argument = value.strip().partition(" ")
                if kind not in ("core", "service", "simulate") or not argument:
                    raise Unfit(f"{path.name}:{number}: no such check: {value}")
                mutation.checks.append(Check(kind, argument))
            elif key == "file":
                file = value.strip()
            elif line == "<<<<<<<":
                old = []
            elif line.strip():
                raise Unfit(f"{path.name}:{number}: not understood: {line}")
        elif line == "=======" and new is None:
            new = []
        elif line == ">>>>>>>" and new is not None:
            mutation.edits.append((file, *("".join(x + "\n" for x in part) for part in (old, new))))
            old, new = None, None
        else:
            (old if new is None else new).append(line)
    if not (mutation.what and mutation.checks and mutation.edits) or old is not None:
        raise Unfit(f"{path.name}: needs what, caught-by, file and a whole block")
    return mutation


def load():
    return [parse(path) for path in sorted(MUTATIONS.glob("*.mutation"))]


def mirror():
    """Makes the tree equal to the working files; equal ones keep their time, for short builds."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    wanted = {name for name in names.split("\0") if name and (ROOT / name).is_file()}
    for old in [
        p for p in TREE.rglob("*") if p.is_file() and ".build" not in p.parts[len(TREE.parts) :]
    ]:
        if str(old.relative_to(TREE)) not in wanted:
            old.unlink()
    for name in wanted:
        put(TREE / name, (ROOT / name).read_bytes())


def put(path, content):
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def run(command, limit, environment=None, title=""):
    """Runs in the tree; returns the status (None: over the limit) and the output."""
    return live_run.run(command, PLACE / "output.log", limit, lambda: title, TREE, environment)


def swift(check):
    """The swift options and environment of a check: the core alone builds without the service."""
    directory = "core" if check.kind == "core" else "full"
    environment = {"CORE_ONLY": "1"} if check.kind == "core" else {}
    return ["--scratch-path", str(PLACE / directory)], environment


def build(check, title):
    """Builds what a check runs; the output when that fails, else None."""
    options, environment = swift(check)
    target = ["--product", "simulate"] if check.kind == "simulate" else ["--build-tests"]
    command = ["swift", "build", *options, *target]
    status, output = run(command, BUILD_LIMIT, environment, f"{title}: build")
    return None if status == 0 else output


def perform(check, title):
    """Runs a built check. Returns what failed, or None when all passed."""
    if check.kind == "simulate":
        return simulate(int(check.argument), title)
    options, environment = swift(check)
    command = ["swift", "test", *options, "--skip-build", "--filter", check.argument]
    status, output = run(command, CHECK_LIMIT, environment, f"{title}: {check}")
    if status == 0:
        ended = re.search(r"Test run with (\d+) tests?.* passed", output)
        if not ended or int(ended.group(1)) == 0:
            raise Unfit(f"{check} runs no test")
        return None
    # The first line may be of the test's end or, while others still run, of what it found.
    name = r"^✘ Test (?!run with)(.+?)(?: with \d+ test cases?)? (?:failed after|recorded an issue)"
    failed = re.search(name, output, re.M)
    if failed:
        return f"{check.argument.split('.')[0]} {failed.group(1)}"
    signal_number = re.search(r"unexpected signal code (\d+)", output)
    how = f"signal {signal_number.group(1)}" if signal_number else f"status {status}"
    return f"{check.argument}: " + ("no end" if status is None else f"ended with {how}")


def simulate(seeds, title):
    (program,) = [p for p in (PLACE / "full").glob("debug/simulate")]
    for first in range(1, seeds + 1, SEEDS_AT_ONCE):
        count = min(SEEDS_AT_ONCE, seeds + 1 - first)
        command = [str(program), "--seeds", str(count), "--first", str(first)]
        status, output = run(command, CHECK_LIMIT, None, f"{title}: seeds from {first} of {seeds}")
        if status != 0:
            failed = re.search(r"^seed (\d+) failed", output, re.M)
            return f"simulate, seed {failed.group(1)}" if failed else f"simulate, seeds {first}-"
    return None


def check_unbroken(mutations):
    """Everything that is going to catch a breakage has to pass without one."""
    largest = {}
    for check in [check for mutation in mutations for check in mutation.checks]:
        key = check.kind if check.kind == "simulate" else str(check)
        if key not in largest or check.kind == "simulate":
            old = largest.get(key)
            if old is None or int(old.argument) < int(check.argument):
                largest[key] = check
    for check in sorted(largest.values(), key=str):
        failure = build(check, "unbroken")
        if failure is not None:
            sys.exit(f"the sources do not build:\n{failure[-3000:]}")
        failure = perform(check, "unbroken")
        if failure is not None:
            sys.exit(f"fails without any breakage: {failure}")


def attempt(mutation, run_all):
    """Breaks, builds, checks, mends. Returns what caught it, one line a check."""
    caught = []
    files = mutation.edited(TREE)
    originals = {path: (TREE / path).read_bytes() for path in files}
    try:
        for path, text in files.items():
            put(TREE / path, text.encode())
        for check in mutation.checks:
            failure = build(check, mutation.name)
            if failure is not None:
                raise Unfit(f"{mutation.name} does not build:\n{failure[-3000:]}")
            failure = perform(check, mutation.name)
            if failure is not None:
                caught.append(failure)
                if not run_all:
                    break
    finally:
        for path, content in originals.items():
            put(TREE / path, content)
    return caught


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--only", help="names of mutations, with commas between them")
    parser.add_argument("--kinds", help="only checks of these kinds: core, service, simulate")
    parser.add_argument("--all", action="store_true", help="run every check of each")
    parser.add_argument("--list", action="store_true", help="list them and end")
    arguments = parser.parse_args()
    mutations = load()
    if arguments.only:
        wanted = arguments.only.split(",")
        unknown = set(wanted) - {mutation.name for mutation in mutations}
        if unknown:
            sys.exit(f"no such mutation: {', '.join(sorted(unknown))}")
        mutations = [mutation for mutation in mutations if mutation.name in wanted]
    if arguments.kinds:
        kinds = set(arguments.kinds.split(","))
        for mutation in mutations:
            mutation.checks = [check for check in mutation.checks if check.kind in kinds]
        mutations = [mutation for mutation in mutations if mutation.checks]
    if not mutations:
        sys.exit("nothing to run")
    width = max(len(mutation.name) for mutation in mutations)
    if arguments.list:
        for mutation in mutations:
            print(f"{mutation.name:<{width}}  {mutation.what}")
        return
    begun = time.monotonic()
    mirror()
    for mutation in mutations:
        mutation.edited(TREE)  # all of them, before anything takes time
    check_unbroken(mutations)
    print(f"unbroken: every check passes ({time.monotonic() - begun:.0f} s)", flush=True)
    survivors = []
    for mutation in mutations:
        started = time.monotonic()
        caught = attempt(mutation, arguments.all)
        text = "; ".join(caught) or "SURVIVED"
        seconds = time.monotonic() - started
        print(f"{mutation.name:<{width}}  {seconds:4.0f} s  {text}", flush=True)
        if not caught:
            survivors.append(mutation)
    print(f"{len(mutations) - len(survivors)} of {len(mutations)} caught")
    for mutation in survivors:
        print(f"not caught: {mutation.what} ({mutation.name})")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    try:
        main()
    except Unfit as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
