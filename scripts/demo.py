"""Runs the demo: a simulated cluster's last day through the service into files, then tables.

The size can be set, for tests and larger tries: DEMO_NODES, DEMO_PODS, DEMO_HOURS and DEMO_SECONDS
(how long posting takes). Everything it stores is below .build/demo/, or DEMO_DIR.
"""

import os
import signal
import sys
import time
from pathlib import Path

from demo_steps import ROOT, Failed, Steps, clock, tail
from local_run import RELEASE, STOP_PATIENCE, LocalRun

DEMO = Path(os.environ.get("DEMO_DIR") or ROOT / ".build" / "demo").absolute()
VENV_PYTHON = ROOT / ".build" / "venv" / "bin" / "python"
INTERVAL_SECONDS = 300


def setting(name, default, convert):
    text = os.environ.get(name, "")
    try:
        value = convert(text) if text else default
    except ValueError:
        sys.exit(f"{name}={text}: a number is wanted")
    if value <= 0:
        sys.exit(f"{name}={text}: more than 0 is wanted")
    return value


class Demo(LocalRun):
    def __init__(self):
        self.nodes = setting("DEMO_NODES", 50, int)
        self.pods = setting("DEMO_PODS", 1500, int)
        self.hours = setting("DEMO_HOURS", 24.0, float)
        self.seconds = setting("DEMO_SECONDS", 60.0, float)
        self.rows, self.rate, self.per_row, self.sampled = 0, 0.0, "-", None
        run_dir = DEMO / time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
        super().__init__(Steps(count=5, done=1), run_dir, "demo")

    def build(self):
        logs = ROOT / ".build" / "logs"
        self.steps.command(
            "Python environment for the tables", ["scripts/venv.sh", "demo"], logs / "demo-venv.log"
        )
        built = (RELEASE / "aggregator").exists() and (RELEASE / "fleet").exists()
        note = "" if built else " (the first one takes some 5 to 10 minutes on 2 cores)"
        self.steps.command(
            f"Build{note}", ["swift", "build", "-c", "release"], logs / "demo-build.log"
        )

    def start_both(self):
        reports = self.hours * 3600 / INTERVAL_SECONDS * self.nodes
        self.start(
            [
                *("--nodes", self.nodes, "--pods", self.pods, "--hours", self.hours),
                *("--interval", INTERVAL_SECONDS, "--rate", max(1.0, reports / self.seconds)),
                *("--retry", "--expect-all"),
            ],
            FLUSH_INTERVAL_SECONDS=str(max(1, round(self.seconds / 4))),
        )

    def post(self):
        began = time.monotonic()
        while self.fleet.running():
            self.service.expect_running()
            self.steps.line.show(self.state(began))
            time.sleep(0.1)
        self.sampled = None
        self.rate = self.rows / (time.monotonic() - began)
        self.finish_posting()
        self.stop_service()
        self.rows = self.summary["rows_acknowledged"]
        self.per_row = f"{self.stored()[1] / max(1, self.rows):.1f}"
        self.steps.line.end(self.state(began))
        latest = DEMO / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(self.run_dir.name)

    def tables(self):
        log = self.run_dir / "tables.txt"
        child = self.steps.start(
            "tables", [VENV_PYTHON, "scripts/demo_tables.py", self.table, self.rows], log
        )
        status = child.process.wait()
        self.steps.children.remove(child)
        if status != 0 and "rows stored" not in child.text():
            raise Failed("the tables could not be made", log)
        print(child.text().rstrip())
        if status != 0:
            raise Failed("what was stored is not what was sent", self.service_log)

    def interrupt(self):
        """Ends what was started, in order; a second Ctrl-C ends it at once."""
        try:
            self.steps.stop_children(STOP_PATIENCE)
        except KeyboardInterrupt:
            self.steps.stop_children(0)

    def state(self, began):
        """Rows, rows/s, objects, bytes a row."""
        now = time.monotonic()
        if self.service.running() and (self.sampled is None or now - self.sampled >= 0.5):
            rows, stored, size = self.metrics(
                'aggregator_rows_total{outcome="accepted"}',
                "aggregator_upload_rows_total",
                "aggregator_upload_bytes_total",
            )
            if rows is not None:
                if self.sampled is not None:
                    self.rate = (rows - self.rows) / (now - self.sampled)
                self.rows, self.sampled = int(rows), now
            self.per_row = f"{size / stored:.1f}" if stored else "-"
        objects, _ = self.stored()
        return (
            f"      {clock(now - began)}  {self.rows:,} rows  {self.rate:,.0f} rows/s"
            f"  {objects} objects  {self.per_row} bytes a row"
        )


def short(path):
    """As it is pasted from the repository's root."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def farewell(demo):
    # The prompt's default is where the demo stores by default.
    table = "" if DEMO == ROOT / ".build" / "demo" else f" -t {short(demo.table)}"
    print(
        f"""
The files are in {short(demo.table)}.
Three things to do next; paste them:
  scripts/sql.sh{table}
  scripts/sql.sh{table} -c "SELECT dt, count(*) FROM usage GROUP BY dt"
  sed -n '/^## Deploy/,/^## /p' README.md"""
    )


def run(demo):
    steps = demo.steps
    demo.build()
    steps.begin("A simulated cluster and the service, both on free ports")
    demo.start_both()
    steps.done(
        f"the service listens on 127.0.0.1:{demo.port}, its log is {short(demo.service_log)}"
    )
    steps.begin(
        f"{demo.nodes} nodes report {demo.pods:,} pods over {demo.hours:g} hours"
        f" in {demo.seconds:.0f} s"
    )
    demo.post()
    steps.done("all stored")
    demo.tables()
    farewell(demo)


def where(demo):
    if any(demo.table.rglob("*.parquet")):
        return f"What was stored until then is kept in {short(demo.table)}."
    if demo.run_dir.exists():
        return f"Nothing was stored yet; logs are in {short(demo.run_dir)}."
    return "Nothing was stored yet."


def main():
    demo = Demo()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        run(demo)
        return 0
    except KeyboardInterrupt:
        demo.steps.line.end()
        print("Stopping what the demo started; again Ctrl-C to kill it.", flush=True)
        demo.interrupt()
        print(where(demo))
        return 130
    except Failed as failure:
        demo.steps.line.end()
        demo.interrupt()
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        if failure.log is not None and Path(failure.log).exists():
            print(f"The last lines of {short(failure.log)}:", file=sys.stderr)
            for line in tail(failure.log, 20):
                print(f"  {line}", file=sys.stderr)
        print(where(demo), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
