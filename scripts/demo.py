"""Runs the demo: a simulated cluster's last day through the service into Parquet files, then tables.

The size can be set, for tests and larger tries: DEMO_NODES, DEMO_PODS, DEMO_HOURS and DEMO_SECONDS
(how long posting takes). Everything it stores is below .build/demo/, or DEMO_DIR.
"""

import json
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from demo_steps import ROOT, Failed, Steps, clock, tail

DEMO = Path(os.environ.get("DEMO_DIR") or ROOT / ".build" / "demo").absolute()
RELEASE = ROOT / ".build" / "release"
VENV_PYTHON = ROOT / ".build" / "venv" / "bin" / "python"
INTERVAL_SECONDS = 300
START_PATIENCE = 60.0
# The service stores for at most 30 s after SIGTERM.
STOP_PATIENCE = 40.0
# The service's start line ends with the port that it took.
LISTENING = r"(?i)listening[^\n]*?(?:port[=: ]+|:)(\d{2,5})\b"


def setting(name, default, convert):
    text = os.environ.get(name, "")
    try:
        value = convert(text) if text else default
    except ValueError:
        sys.exit(f"{name}={text}: a number is wanted")
    if value <= 0:
        sys.exit(f"{name}={text}: more than 0 is wanted")
    return value


class Demo:
    def __init__(self):
        self.nodes = setting("DEMO_NODES", 50, int)
        self.pods = setting("DEMO_PODS", 1500, int)
        self.hours = setting("DEMO_HOURS", 24.0, float)
        self.seconds = setting("DEMO_SECONDS", 60.0, float)
        self.steps = Steps(count=5, done=1)
        self.run_dir = DEMO / time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
        self.store = self.run_dir / "store"
        self.table = self.store / "k8s-metrics"
        self.service_log = self.run_dir / "aggregator.log"
        self.rows = 0
        self.rate = 0.0
        self.sampled = None

    # Steps

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

    def start_cluster_and_service(self):
        self.run_dir.mkdir(parents=True)
        self.store.mkdir()
        kubeconfig, target = self.run_dir / "kubeconfig", self.run_dir / "target"
        rounds = round(self.hours * 3600 / INTERVAL_SECONDS)
        reports = rounds * self.nodes
        self.fleet = self.steps.start(
            "fleet",
            [
                RELEASE / "fleet",
                "run",
                "--nodes",
                self.nodes,
                "--pods",
                self.pods,
                "--hours",
                self.hours,
                "--interval",
                INTERVAL_SECONDS,
                "--rate",
                max(1.0, reports / self.seconds),
                "--retry",
                "--expect-all",
                "--wait-ready",
                int(START_PATIENCE),
                "--kubeconfig-out",
                kubeconfig,
                "--target-file",
                target,
                "--summary",
                self.run_dir / "fleet.json",
            ],
            self.run_dir / "fleet.log",
        )
        self.wait_for("the simulated cluster's API", self.fleet, kubeconfig.exists)
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "S3_", "KUBERNETES_"))
        }
        environment.update(
            STORAGE_URL=f"file://{self.store}",
            S3_PREFIX="k8s-metrics/",
            CLUSTER_NAME="demo",
            DATA_DIR=str(self.run_dir / "data"),
            KUBECONFIG=str(kubeconfig),
            HOST="127.0.0.1",
            PORT="0",
            FLUSH_INTERVAL_SECONDS=str(max(1, round(self.seconds / 4))),
            LOG_LEVEL="info",
            LOG_FORMAT="text",
        )
        (self.run_dir / "data").mkdir()
        self.service = self.steps.start(
            "aggregator", [RELEASE / "aggregator"], self.service_log, environment
        )
        self.port = self.wait_for("the service's port", self.service, self.listening_port)
        partial = target.with_suffix(".tmp")
        partial.write_text(f"http://127.0.0.1:{self.port}\n")
        partial.rename(target)
        self.wait_for("the service's watchers", self.service, lambda: self.get("/health"))

    def post(self):
        began = time.monotonic()
        while self.fleet.running():
            self.service.expect_running()
            self.steps.line.show(self.state(began))
            time.sleep(0.1)
        self.steps.line.end(self.state(began))
        if self.fleet.process.returncode != 0:
            raise Failed(f"fleet ended with {self.fleet.process.returncode}", self.fleet.log)
        self.steps.children.remove(self.fleet)
        self.summary = json.loads((self.run_dir / "fleet.json").read_text())

    def store_the_rest(self):
        status = self.service.stop(STOP_PATIENCE)
        self.steps.children.remove(self.service)
        if status != 0:
            raise Failed(f"the service ended with {status}", self.service_log)
        latest = DEMO / "latest"
        latest.unlink(missing_ok=True)
        latest.symlink_to(self.run_dir.name)

    def tables(self):
        rows = self.summary["rows_acknowledged"]
        log = self.run_dir / "tables.txt"
        child = self.steps.start(
            "tables", [VENV_PYTHON, "scripts/demo_tables.py", self.table, rows], log
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

    # What they use

    def wait_for(self, what, child, condition):
        deadline = time.monotonic() + START_PATIENCE
        while True:
            value = condition()
            if value:
                return value
            child.expect_running()
            if time.monotonic() > deadline:
                raise Failed(f"waited {START_PATIENCE:.0f} s in vain for {what}", child.log)
            time.sleep(0.05)

    def listening_port(self):
        match = re.search(LISTENING, self.service.text())
        return int(match.group(1)) if match else None

    def get(self, path):
        """The body of a 200; None if there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, OSError):
            return None

    def state(self, began):
        """Rows, rows/s, objects, bytes a row."""
        now = time.monotonic()
        if self.sampled is None or now - self.sampled >= 0.5:
            rows = accepted_rows(self.get("/metrics") or "")
            if rows is not None:
                if self.sampled is not None:
                    self.rate = (rows - self.rows) / (now - self.sampled)
                self.rows, self.sampled = rows, now
        objects, size = 0, 0
        for path in self.table.rglob("*.parquet"):
            objects += 1
            size += path.stat().st_size
        per_row = f"{size / self.rows:.1f}" if size and self.rows else "-"
        return (
            f"      {clock(now - began)}  {self.rows:,} rows  {self.rate:,.0f} rows/s"
            f"  {objects} objects  {per_row} bytes a row"
        )


def accepted_rows(metrics):
    """Rows of the reports that were acknowledged, from Prometheus text."""
    match = re.search(r"^aggregator_rows_total(?:\{[^}]*accepted[^}]*\})? (\S+)$", metrics, re.M)
    return int(float(match.group(1))) if match else None


def short(path):
    """As it is pasted from the repository's root."""
    return os.path.relpath(path, ROOT)


def farewell(demo):
    # The prompt's default is where the demo stores by default.
    table = "" if DEMO == ROOT / ".build" / "demo" else f" -t {short(demo.table)}"
    print(
        f"""
The files are in {short(demo.table)}.
Three things to do next; paste them:
  scripts/sql.sh{table}
  scripts/sql.sh{table} -c "SELECT workload, max(memory_usage_bytes) FROM usage GROUP BY 1 ORDER BY 2 DESC"
  sed -n '/^## Deploy/,/^## /p' README.md"""
    )


def run(demo):
    steps = demo.steps
    demo.build()
    steps.begin("A simulated cluster and the service, both on free ports")
    demo.start_cluster_and_service()
    steps.done(
        f"the service listens on 127.0.0.1:{demo.port}, its log is {short(demo.service_log)}"
    )
    steps.begin(
        f"{demo.nodes} nodes report {demo.pods:,} pods over {demo.hours:g} hours"
        f" in {demo.seconds:.0f} s"
    )
    demo.post()
    demo.store_the_rest()
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
    signal.signal(signal.SIGTERM, signal.default_int_handler)
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
