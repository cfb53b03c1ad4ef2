"""Kills the service again and again under load, and counts what was lost and what came twice.

    perf/crash.sh [--kills N] [--seed S] [--every KILLS] [--only TEXT] [--dir DIR]

The release binary takes reports of collectors that keep a ledger, joins them with what a simulated
cluster's API says, and stores them in a real S3 server behind a proxy that breaks 15 % of the
requests. A cycle starts it, meets one fault (points.py) and leaves it dead. After some 50 cycles it
drains, and the bucket alone is compared with the ledger; it is started once more, and then neither
an unfinished upload nor a file in DATA_DIR may be left.

Prints a line a cycle to stderr and a table at the end; writes DIR/result.json. Exits 1 if anything
was lost, twice, left over or refused; a failed run keeps its files.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "integration"))

import store_flow  # noqa: E402
from collectors import Collectors  # noqa: E402
from conftest import Running, binary, free_port  # noqa: E402
from points import FAULTS  # noqa: E402
from scenarios import Broken, Scenarios  # noqa: E402
from service import Service, build_library, say  # noqa: E402
from storefaults import StoreFaults  # noqa: E402
from verdict import judge  # noqa: E402

NODES = 64
DRAIN_SECONDS = 90.0
DEFAULT_DIR = ROOT / ".build" / "crash"
# In a directory that a run may empty: a run made it.
MARKER = "made-by-perf-crash"


@dataclass
class Line:
    """What the table says of one fault."""

    runs: int = 0
    met: int = 0
    kills: int = 0
    lost: int = 0
    twice: int = 0
    refused_starts: int = 0


class Run:
    def __init__(self, options):
        self.options = options
        self.dice = random.Random(options.seed)
        self.directory = options.dir
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        (self.directory / MARKER).touch()
        self.table = {fault.name: Line() for fault in FAULTS}
        self.totals = Counter()
        self.wrong = []
        self.fault_of_cycle = {}
        self.cycle = 0
        self.epoch = 0
        self.running = []

    # MARK: Parts

    def launch(self, name, arguments):
        process = Running(arguments, log=self.directory / f"{name}.log")
        self.running.append(process)
        return process

    def start_parts(self):
        kubeconfig = self.directory / "kubeconfig"
        fleet = ["--no-post", "--nodes", "20", "--pods", "400", "--kubeconfig-out", kubeconfig]
        self.launch("fleet", [binary("fleet"), *fleet])
        port = free_port()
        self.bucket = self.directory / "s3" / store_flow.BUCKET
        self.bucket.mkdir(parents=True)
        keys = f"{store_flow.KEY_ID},{store_flow.SECRET}"
        self.launch(
            "rclone",
            [ROOT / ".build/venv/bin/rclone", "serve", "s3", "--addr", f"127.0.0.1:{port}"]
            + ["--auth-key", keys, "--config", "/dev/null", self.directory / "s3"],
        )
        store_flow.wait_for_port(port)
        self.s3 = store_flow.client(port)
        self.store = StoreFaults(port, self.options.seed)
        while not kubeconfig.exists():
            time.sleep(0.02)
        self.service = Service(
            self.directory,
            build_library(self.directory),
            **store_flow.keys_for(self.store.url),
            S3_BUCKET=store_flow.BUCKET,
            KUBECONFIG=kubeconfig,
            FLUSH_INTERVAL_SECONDS=1,
            FLUSH_MAX_BYTES=4 << 20,
            LOG_LEVEL="debug",
        )

    def close(self):
        self.service.close()
        self.store.close()
        for process in reversed(self.running):
            process.close()

    # MARK: Cycles

    def run(self):
        began = time.monotonic()
        self.start_parts()
        try:
            while self.totals["kills"] < self.options.kills and not self.wrong:
                self.run_epoch()
        finally:
            self.close()
        self.totals["seconds"] = round(time.monotonic() - began)
        self.report()
        return not self.wrong

    def run_epoch(self):
        """Some cycles with collectors of their own, and their verdict."""
        self.epoch += 1
        self.service.settings["S3_PREFIX"] = f"epoch-{self.epoch}/"
        collectors = Collectors(
            f"{self.options.seed}/{self.epoch}", NODES, name=f"e{self.epoch}-node"
        )
        collectors.cycle = self.cycle + 1
        scenarios = Scenarios(self.service, self.store, collectors, self.dice)
        collectors.start()
        self.store.is_on = True
        end = self.totals["kills"] + self.options.every
        try:
            while self.totals["kills"] < min(end, self.options.kills):
                self.run_cycle(collectors, scenarios)
            self.drain(collectors, scenarios)
        except (Broken, TimeoutError) as error:
            self.wrong.append(f"cycle {self.cycle} ({self.fault_of_cycle[self.cycle]}): {error}")
        finally:
            collectors.port = None
            collectors.stop()
            self.totals["refused_starts"] += scenarios.refused_starts
        if not self.wrong:
            self.judge(collectors, scenarios)

    def next_fault(self):
        """Mostly one of a stage that none has met yet, then each in turn; else by weight."""
        chosen = [f for f in FAULTS if self.options.only in f.name]
        met = {f.stage for f in FAULTS if self.table[f.name].met}
        unused = [f for f in chosen if self.table[f.name].runs == 0]
        unmet = [f for f in chosen if f.stage not in met]
        first = [f for f in unmet if f in unused] or unmet or unused
        if first and self.dice.random() < 0.8:
            return self.dice.choice(first)
        return self.dice.choices(chosen, [f.weight for f in chosen])[0]

    def run_cycle(self, collectors, scenarios):
        self.cycle += 1
        collectors.cycle = self.cycle
        fault = self.next_fault()
        self.fault_of_cycle[self.cycle] = fault.name
        line = self.table[fault.name]
        self.store.is_down = self.dice.random() < 0.1
        refused, kills = scenarios.refused_starts, scenarios.kills
        begun = time.monotonic()
        try:
            met = scenarios.run(fault)
        finally:
            line.refused_starts += scenarios.refused_starts - refused
        line.runs += 1
        line.met += met
        line.kills += scenarios.kills - kills
        self.totals["kills"] += scenarios.kills - kills
        say(
            f"{self.totals['kills']:5d} kills  {fault.name}: {'met' if met else 'not met'}, "
            f"{time.monotonic() - begun:.1f} s, {collectors.acknowledged()} acknowledged"
        )

    # MARK: The end of an epoch

    def drain(self, collectors, scenarios):
        """Everything goes to the store; a further start finds nothing to do, nor to abort."""
        self.store.is_on = self.store.is_down = False
        scenarios.gate.unlink(missing_ok=True)
        process = scenarios.start()
        # Those that are not acknowledged yet have time to be sent again.
        time.sleep(1.0)
        collectors.stop()
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.service.files() and time.monotonic() < deadline:
            time.sleep(0.2)
        process.signal(15)
        scenarios.stopped(process)
        process = scenarios.start()
        while not self.is_clean() and time.monotonic() < deadline:
            time.sleep(0.2)
        process.signal(15)
        scenarios.stopped(process)
        if self.service.files():
            raise Broken(f"left in DATA_DIR: {self.service.files()}\n{process.tail()}")
        if self.uploads():
            raise Broken(f"unfinished uploads are left: {self.uploads()}\n{process.tail()}")

    def uploads(self):
        try:
            listed = self.s3.list_multipart_uploads(Bucket=store_flow.BUCKET)
        except self.s3.exceptions.NoSuchUpload:
            return []  # how rclone says that there is none
        return [upload["Key"] for upload in listed.get("Uploads", ())]

    def is_clean(self):
        return not self.service.files() and not self.uploads()

    def judge(self, collectors, scenarios):
        place = self.bucket / f"epoch-{self.epoch}"
        verdict = judge(place, collectors.reports())
        for counts, name in ((verdict.lost, "lost"), (verdict.twice, "twice")):
            for cycle, count in counts.items():
                line = self.table[self.fault_of_cycle[cycle]]
                setattr(line, name, getattr(line, name) + count)
                self.totals[name] += count
                self.wrong.append(
                    f"epoch {self.epoch}: {count} reports {name}, first sent in cycle {cycle} "
                    f"({self.fault_of_cycle[cycle]})"
                )
        self.wrong += [f"epoch {self.epoch}: {text}" for text in verdict.wrong + collectors.wrong]
        self.totals["reports_sent"] += verdict.reports
        self.totals["reports_acknowledged"] += verdict.acknowledged
        self.totals["rows_stored"] += verdict.rows
        self.totals["objects"] += verdict.objects
        self.totals["answers_503"] += collectors.refused
        self.totals["sent_again_after_200"] += collectors.repeated
        for seconds in scenarios.reopenings:
            self.totals["longest_reopening_ms"] = max(
                self.totals["longest_reopening_ms"], round(seconds * 1000)
            )
        self.totals["quarantined_files"] += len(self.service.quarantined())
        for name in self.service.quarantined():
            os.unlink(self.service.data_dir / name)
        say(
            f"      epoch {self.epoch}: {verdict.acknowledged} acknowledged reports, "
            f"{verdict.rows} rows in {verdict.objects} objects, {sum(verdict.lost.values())} lost, "
            f"{sum(verdict.twice.values())} twice"
        )
        if not self.wrong:
            shutil.rmtree(place, ignore_errors=True)
            self.store.forget()

    # MARK: The table

    def report(self):
        self.totals["completes"] = self.store.completed
        for name in ("lost", "twice", "refused_starts"):
            self.totals[name] += 0
        width = max(len(name) for name in self.table)
        print(f"{'fault':<{width}}   runs    met  kills   lost  twice  refused starts")
        for name, line in self.table.items():
            if line.runs:
                print(
                    f"{name:<{width}} {line.runs:6d} {line.met:6d} {line.kills:6d} {line.lost:6d} "
                    f"{line.twice:6d} {line.refused_starts:6d}"
                )
        print()
        for name, count in sorted(self.totals.items()):
            print(f"{name.replace('_', ' '):<{width}} {count}")
        print("store's faults: " + ", ".join(f"{k} {v}" for k, v in self.store.counts.items()))
        print(f"seed {self.options.seed}")
        for text in self.wrong:
            print(f"BROKEN {text}")
        print(
            f"{self.totals['lost']} lost, {self.totals['twice']} stored twice, "
            f"{self.totals['refused_starts']} starts refused: "
            + ("failed" if self.wrong else "passed")
        )
        result = {
            "seed": self.options.seed,
            "totals": dict(self.totals),
            "faults": {name: asdict(line) for name, line in self.table.items()},
            "store_faults": self.store.counts,
            "broken": self.wrong,
        }
        (self.directory / "result.json").write_text(json.dumps(result, indent=2) + "\n")


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def check_directory(directory):
    """Nothing is deleted but what a run made, and a run is only of use on a real disk."""
    if directory.exists() and not directory.is_dir():
        return f"{directory} is not a directory"
    if directory != DEFAULT_DIR and directory.exists() and any(directory.iterdir()):
        if not (directory / MARKER).exists():
            return f"{directory} is not empty, and no run has made it: give another --dir"
    place = next(path for path in (directory, *directory.parents) if path.exists())
    kind = subprocess.check_output(["stat", "-f", "-c", "%T", place], text=True).strip()
    if kind in ("tmpfs", "ramfs"):
        return f"{directory} lies on {kind}, where fsync means nothing: give another --dir"
    return None


def main():
    parser = argparse.ArgumentParser(prog="perf/crash.sh", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--kills", type=positive, default=100, help="how often to kill, 1 or more (100)"
    )
    parser.add_argument(
        "--seed",
        default=str(random.SystemRandom().randrange(1 << 32)),
        help="draws the same faults again; printed by each run (random)",
    )
    parser.add_argument(
        "--every", type=positive, default=50, help="kills between two verdicts (50)"
    )
    parser.add_argument("--only", default="", help="faults whose name has this text (all)")
    parser.add_argument(
        "--dir",
        type=Path,
        default=DEFAULT_DIR,
        help="where all files go, on a real disk; emptied first: new, empty or of an earlier run "
        "(.build/crash)",
    )
    options = parser.parse_args()
    options.dir = options.dir.resolve()
    if not any(options.only in fault.name for fault in FAULTS):
        names = "\n".join(f"  {fault.name}" for fault in FAULTS)
        parser.error(f"no fault has the text {options.only!r} in its name; there are:\n{names}")
    if fault := check_directory(options.dir):
        parser.error(fault)
    say(f"seed {options.seed}")
    run = Run(options)
    sys.exit(0 if run.run() else 1)


if __name__ == "__main__":
    main()
