"""Fills DATA_DIR with a backlog of reports that could not be joined, restarts, and drains it.

    perf/backlog.sh [--gib N] [--live ROWS] [--memory MIB] [--pods N] [--keep] [--dir DIR]

First the cluster's API is out of reach: reports are acknowledged and wait in the log, until it
holds N GiB. Then the service is started again with the API in reach, while ROWS rows/s arrive, and
stores everything below DIR. Prints how fast it drained and what memory that took; --memory puts
the second life into a memory cgroup (version 1) with that limit, page cache included. Exits 1 if a
row is missing or double, or the process was ended.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "integration"))

import duckdb  # noqa: E402

from conftest import (  # noqa: E402
    Aggregator,
    Running,
    base_environment,
    binary,
    free_port,
    write_kubeconfig,
)

GIB = 1 << 30
CGROUPS = Path("/sys/fs/cgroup/memory")


def status_mib(pid, name):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Backlog:
    def __init__(self, options):
        self.options = options
        self.directory = options.dir.resolve()
        shutil.rmtree(self.directory, ignore_errors=True)
        (self.directory / "store").mkdir(parents=True)
        (self.directory / "data").mkdir()
        self.running = []
        self.cluster = ["--seed", "5", "--nodes", str(options.pods // 30)]
        self.cluster += ["--pods", str(options.pods), "--churn", "0"]

    def launch(self, name, arguments):
        process = Running(arguments, log=self.directory / f"{name}.log")
        self.running.append(process)
        return process

    def service(self, name, kubeconfig):
        env = base_environment()
        env.update(
            HOST="127.0.0.1",
            PORT="0",
            DATA_DIR=str(self.directory / "data"),
            STORAGE_URL=f"file://{self.directory}/store",
            CLUSTER_NAME="backlog",
            KUBECONFIG=str(kubeconfig),
            SPOOL_MAX_BYTES=str(int(self.options.gib * 2 * GIB) + GIB),
        )
        process = Aggregator(
            env, self.directory / f"{name}.log", self.directory / "data", self.directory / "store"
        )
        self.running.append(process)
        return process

    def post(self, name, service, rate, *more):
        """fleet's collectors, whose summary and ledger are named so."""
        return self.launch(
            name,
            [binary("fleet"), *self.cluster, "--no-api", "--rate", rate, *more]
            + ["--target", f"http://127.0.0.1:{service.port}", "--retry"]
            + ["--summary", self.directory / f"{name}.json"]
            + ["--ledger", self.directory / f"{name}.ledger"],
        )

    def summary(self, name):
        return json.loads((self.directory / f"{name}.json").read_text())

    def run(self):
        try:
            self.fill()
            self.drain()
            return self.verdict()
        finally:
            for process in reversed(self.running):
                process.close()
            if not self.options.keep:
                shutil.rmtree(self.directory / "data", ignore_errors=True)
                shutil.rmtree(self.directory / "store", ignore_errors=True)

    def fill(self):
        nowhere = write_kubeconfig(self.directory / "nowhere", f"https://127.0.0.1:{free_port()}")
        service = self.service("fill", nowhere)
        begun = time.monotonic()
        fleet = self.post("sent", service, "max")
        peak = 0.0
        while (size := service.metric("aggregator_log_bytes")) < self.options.gib * GIB:
            peak = max(peak, status_mib(service.pid, "VmRSS"))
            time.sleep(0.5)
        fleet.stop()
        self.rows = self.summary("sent")["rows_acknowledged"]
        seconds = time.monotonic() - begun
        print(
            f"filled      {size / GIB:.2f} GiB of log, {self.rows:,} rows in {seconds:.0f} s "
            f"({self.rows / seconds:,.0f} rows/s), {peak:.0f} MiB at most",
            flush=True,
        )
        assert service.stop() == 0, service.tail()

    def limit_memory(self, pid):
        """Puts the process under a limit; the cgroup that holds it, or None."""
        if not self.options.memory:
            return None
        group = CGROUPS / f"backlog-{pid}"
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(self.options.memory << 20))
        (group / "cgroup.procs").write_text(str(pid))
        return group

    def drain(self):
        kubeconfig = self.directory / "kubeconfig"
        api = [binary("fleet"), *self.cluster, "--no-post", "--kubeconfig-out", kubeconfig]
        self.launch("api", api)
        while not kubeconfig.exists():
            time.sleep(0.05)
        begun = time.monotonic()
        service = self.service("drain", kubeconfig)
        group = self.limit_memory(service.pid)
        listening = service.port and time.monotonic() - begun
        while service.get("/readyz").status != 200:
            time.sleep(0.02)
        ready = time.monotonic() - begun
        print(f"started     listens after {listening:.2f} s, ready after {ready:.2f} s", flush=True)
        fleet = None
        if self.options.live:
            fleet = self.post("live", service, str(self.options.live / 30))
        while service.metric("aggregator_watcher_ready") < 4:
            time.sleep(0.05)
        started = time.monotonic()
        peak = anonymous = 0.0
        next_line = 0.0
        while service.metric("aggregator_backlog_segments") > 0:
            peak = max(peak, status_mib(service.pid, "VmRSS"))
            anonymous = max(anonymous, status_mib(service.pid, "RssAnon"))
            now = time.monotonic() - started
            if now >= next_line:
                left = service.metric("aggregator_backlog_bytes")
                print(
                    f"            {now:4.0f} s: {left / GIB:.2f} GiB left, "
                    f"{status_mib(service.pid, 'VmRSS'):.0f} MiB",
                    flush=True,
                )
                next_line = now + 10
            time.sleep(0.1)
        seconds = time.monotonic() - started
        used = service.metric("aggregator_process_cpu_seconds_total")
        print(
            f"drained     {self.rows:,} rows in {seconds:.1f} s: "
            f"{self.rows / seconds:,.0f} rows/s, "
            f"{peak:.0f} MiB at most ({anonymous:.0f} anonymous, "
            f"{status_mib(service.pid, 'VmHWM'):.0f} since its start), {used:.0f} CPU seconds",
            flush=True,
        )
        if fleet:
            fleet.stop()
            live = self.summary("live")
            print(
                f"meanwhile   {live['rows_acknowledged']:,} rows, {live['rows_per_second']:,.0f} "
                f"rows/s, p99 {live['latency_ms']['p99']} ms, {live['reports_lost']} reports lost"
            )
        if group:
            failures = (group / "memory.failcnt").read_text().strip()
            peak_group = int((group / "memory.max_usage_in_bytes").read_text()) >> 20
            print(f"cgroup      {self.options.memory} MiB, {peak_group} used, {failures} reclaims")
        assert service.stop() == 0, service.tail()
        if group:
            group.rmdir()

    def verdict(self):
        ledgers = [str(p) for p in self.directory.glob("*.ledger")]
        wrong = duckdb.execute(
            "WITH sent AS (SELECT column0 AS node, column1 AS moment, column2 AS rows "
            "FROM read_csv(?, header = false, all_varchar = true)), "
            "stored AS (SELECT node_name AS node, timestamp AS moment, count(*)::VARCHAR AS rows, "
            "count(DISTINCT pod_id)::VARCHAR AS pods FROM read_parquet(?) GROUP BY ALL) "
            "SELECT count(*) FILTER (stored.rows IS NULL), "
            "count(*) FILTER (stored.rows IS NOT NULL AND (stored.rows IS DISTINCT FROM sent.rows "
            "OR stored.rows <> stored.pods)) FROM sent FULL JOIN stored USING (node, moment)",
            [ledgers, f"{self.directory}/store/**/*.parquet"],
        ).fetchone()
        left = [n for n in os.listdir(self.directory / "data") if n.endswith((".log", ".parquet"))]
        print(f"verdict     {wrong[0]} reports lost, {wrong[1]} not as sent, left over: {left}")
        return wrong == (0, 0) and not left


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gib", type=float, default=10.0)
    parser.add_argument("--live", type=int, default=50_000, help="rows/s that arrive meanwhile")
    parser.add_argument("--memory", type=int, default=0, help="MiB of a cgroup; 0: none")
    parser.add_argument("--pods", type=int, default=30_000)
    parser.add_argument("--keep", action="store_true", help="leave the directories")
    parser.add_argument("--dir", type=Path, default=ROOT / ".build" / "backlog")
    sys.exit(0 if Backlog(parser.parse_args()).run() else 1)


if __name__ == "__main__":
    main()
