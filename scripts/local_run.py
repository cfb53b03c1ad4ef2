"""A simulated cluster and the service beside it, both on free ports, storing in a directory."""

import json
import os
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from demo_steps import ROOT, Failed

RELEASE = ROOT / ".build" / "release"
START_PATIENCE = 60.0
# The service stores for at most 30 s after SIGTERM.
STOP_PATIENCE = 40.0
# The service's start line ends with the port that it took.
LISTENING = r"(?i)listening[^\n]*?(?:port[=: ]+|:)(\d{2,5})\b"


class LocalRun:
    """Everything lies in `run_dir`: logs, DATA_DIR, and the table in store/k8s-metrics."""

    def __init__(self, steps, run_dir, cluster):
        self.steps, self.run_dir, self.cluster = steps, Path(run_dir), cluster
        self.store = self.run_dir / "store"
        self.table = self.store / "k8s-metrics"
        self.service_log = self.run_dir / "aggregator.log"
        self.fleet = self.service = self.port = self.summary = None
        self.patience = START_PATIENCE

    def start(self, fleet_options, **settings):
        """Starts both and returns when the watchers are ready; fleet begins to post then."""
        self.run_dir.mkdir(parents=True)
        self.store.mkdir()
        (self.run_dir / "data").mkdir()
        kubeconfig, target = self.run_dir / "kubeconfig", self.run_dir / "target"
        self.fleet = self.steps.start(
            "fleet",
            [RELEASE / "fleet", "run", "--kubeconfig-out", kubeconfig, "--target-file", target]
            + ["--summary", self.run_dir / "fleet.json", *fleet_options],
            self.run_dir / "fleet.log",
        )
        self.wait_for("the simulated cluster's API", self.fleet, kubeconfig.exists)
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "S3_", "KUBERNETES_", "DEBUG_K8S_API"))
        }
        environment.update(
            STORAGE_URL=f"file://{self.store}",
            S3_PREFIX="k8s-metrics/",
            CLUSTER_NAME=self.cluster,
            DATA_DIR=str(self.run_dir / "data"),
            KUBECONFIG=str(kubeconfig),
            HOST="127.0.0.1",
            PORT="0",
            LOG_LEVEL="info",
            LOG_FORMAT="text",
        )
        environment.update(settings)
        self.service = self.steps.start(
            "aggregator", [RELEASE / "aggregator"], self.service_log, environment
        )
        self.port = self.wait_for("the service's port", self.service, self.listening_port)
        self.wait_for("the service's watchers", self.service, lambda: self.get("/health"))
        # Renamed, so that fleet never reads half of it.
        partial = target.with_suffix(".tmp")
        partial.write_text(f"http://127.0.0.1:{self.port}\n")
        partial.rename(target)

    def finish_posting(self):
        """After fleet has ended: its summary."""
        if self.fleet.process.returncode != 0:
            raise Failed(f"fleet ended with {self.fleet.process.returncode}", self.fleet.log)
        self.steps.children.remove(self.fleet)
        self.summary = json.loads((self.run_dir / "fleet.json").read_text())

    def stop_service(self):
        """SIGTERM: the service stores what it has and ends."""
        status = self.service.stop(STOP_PATIENCE)
        self.steps.children.remove(self.service)
        if status != 0:
            raise Failed(f"the service ended with {status}", self.service_log)

    def wait_for(self, what, child, condition):
        deadline = time.monotonic() + self.patience
        while True:
            value = condition()
            if value:
                return value
            child.expect_running()
            if time.monotonic() > deadline:
                raise Failed(f"waited {self.patience:.0f} s in vain for {what}", child.log)
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

    def metrics(self, *names):
        """The samples on GET /metrics that are spelled so, with their labels; None where absent."""
        text = self.get("/metrics") or ""
        matches = [re.search(rf"^{re.escape(name)} (\S+)$", text, re.M) for name in names]
        return [float(m.group(1)) if m else None for m in matches]

    def stored(self):
        """Objects and bytes that are in the table."""
        sizes = [path.stat().st_size for path in self.table.rglob("*.parquet")]
        return len(sizes), sum(sizes)
