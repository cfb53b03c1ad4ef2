#!/usr/bin/env python3
"""Gates that do not depend on the machine's speed: gates.py [--update]

Instructions by callgrind, and allocations by a preloaded counter, of each stage of a small workload
that never changes (perf/pipeline-bench/Gates.swift), against Benchmarks/gates.json. Fails when one
needs more than the file allows; says so, without failing, when one needs less. The decoder's
instruction set is pinned by the file, and so is how glibc copies. Time is never a gate.

--update writes what was counted: say in the commit why it grew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DIRECTORY = ROOT / ".build/gates"
BENCH = ROOT / ".build/release/pipeline-bench"
GATES = ROOT / "Benchmarks/gates.json"
SECONDS = 600


def run(command: list[Any], **environment: str) -> str:
    try:
        done = subprocess.run(
            [str(part) for part in command],
            check=False,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=os.environ | environment,
        )
    except FileNotFoundError:
        sys.exit(f"{command[0]} is not installed: apt-get install valgrind binutils clang")
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def allocations(arguments: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Calls of malloc and its kin by stage, the warm run; and the workload's numbers."""
    library = DIRECTORY / "count.so"
    source = ROOT / "perf/allocations/count.c"
    run(["clang", "-O2", "-shared", "-fPIC", "-fno-builtin", "-o", library, source])
    stages, numbers = {}, {}
    for line in run([BENCH, *arguments], LD_PRELOAD=str(library)).splitlines():
        name, turn, count = line.split()
        if turn == "warm":
            stages[name] = int(count)
        elif turn == "-":
            numbers[name] = int(count)
    return stages, numbers


def instructions(arguments: list[str], stages: list[str]) -> dict[str, int]:
    """Instructions by stage, both runs, what it calls included."""
    # Valgrind does not read the debugging information that Swift writes.
    program, counts = DIRECTORY / "pipeline-bench", DIRECTORY / "callgrind.out"
    run(["objcopy", "--strip-debug", BENCH, program])
    run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}", program, *arguments],
        SWIFT_DETERMINISTIC_HASHING="1",
        GLIBC_TUNABLES="glibc.cpu.x86_rep_movsb_threshold=0x40000000",
    )
    found = dict.fromkeys(stages, 0)
    listing = run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", counts])
    for line in listing.splitlines():
        match = re.search(r"^ *([\d,]+) .*\d+gate(" + "|".join(stages) + r")33_", line)
        if match:
            # Its closures follow it with less.
            count = int(match[1].replace(",", ""))
            found[match[2]] = max(found[match[2]], count)
    missing = [name for name, count in found.items() if count == 0]
    if missing:
        sys.exit(f"callgrind saw nothing of {', '.join(missing)}")
    return found


def main() -> int:
    if sys.argv[1:] not in ([], ["--update"]):
        sys.exit(__doc__)
    if not BENCH.exists():
        sys.exit("pipeline-bench is not built: swift build -c release --product pipeline-bench")
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    gates = json.loads(GATES.read_text())
    arguments = ["--gates", "--implementation", gates["implementation"]]
    allocated, numbers = allocations(arguments)
    counted = instructions(arguments, list(allocated))
    rows, tolerance = numbers["rows"], gates["tolerance"]
    print(f"{rows} rows, {numbers['reports']} reports, decoder for {gates['implementation']}")
    print(f"{'stage':<16}{'instructions':>14}{'a row':>8}{'allowed':>14}", end="")
    print(f"{'allocations':>13}{'allowed':>9}")
    failed = []
    for name in allocated:
        known = gates["stages"].get(name, {"instructions": 0, "allocations": 0})
        # Allocations repeat exactly but for a buffer that grows once more or less.
        allowed = (
            round(known["instructions"] * (1 + tolerance)),
            round(known["allocations"] * (1 + tolerance)) + gates["allocation_slack"],
        )
        print(f"{name:<16}{counted[name]:>14,}{counted[name] / 2 / rows:>8.0f}", end="")
        print(f"{allowed[0]:>14,}{allocated[name]:>13,}{allowed[1]:>9,}")
        if counted[name] > allowed[0] or allocated[name] > allowed[1]:
            failed.append(name)
        elif counted[name] < known["instructions"] * (1 - tolerance):
            print(f"  {name} needs less than the file says: --update keeps that")
    if sys.argv[1:] == ["--update"]:
        gates["stages"] = {
            name: {"instructions": counted[name], "allocations": allocated[name]}
            for name in allocated
        }
        GATES.write_text(json.dumps(gates, indent=2) + "\n")
        print(f"{GATES.relative_to(ROOT)} is written")
        return 0
    if failed:
        print(f"more than allowed: {', '.join(failed)}")
        return 1
    print("gates passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
