"""A constant load with churn for hours: does memory grow, does latency, is a row lost?

    perf/soak.sh [--hours H] [--rate N] [--nodes N] [--churn SHARE] [--show RESULT]

Every node's pods are replaced in part, one round of reports after the other. Memory's slope is
least squares over the time after --settle minutes: until then tombstones of deleted pods fill up
(they are kept for ten minutes) and buffers reach their size. At the end the service is stopped, and
the rows of each acknowledged report are counted in the store. Exits 1 if a row is lost or twice.
--show draws the plot of an earlier run.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from lab import PLOTS, ROOT, Lab, keep, machine, main, quantile, slope

RESULT = ROOT / ".build" / "soak" / "result.json"
SAMPLE_SECONDS = 10


def verdict(ledger: Path, store: Path) -> dict[str, int]:
    """Rows by report, the ledger's against the store's."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET memory_limit = '3GB'; SET threads = 1")
    names = ("reports", "rows_stored", "rows_lost", "rows_twice")
    row = connection.execute(
        "WITH sent AS (SELECT column0 AS node, column1 AS moment, column2::BIGINT AS rows "
        "FROM read_csv(?, header = false, all_varchar = true)), "
        "stored AS (SELECT node_name AS node, timestamp AS moment, count(*) AS rows "
        "FROM read_parquet(?) GROUP BY ALL) "
        "SELECT count(sent.rows), sum(stored.rows), "
        "sum(greatest(sent.rows - coalesce(stored.rows, 0), 0)), "
        "sum(greatest(stored.rows - sent.rows, 0)) FROM sent FULL JOIN stored USING (node, moment)",
        [str(ledger), f"{store}/**/*.parquet"],
    ).fetchone()
    return {name: int(value or 0) for name, value in zip(names, row, strict=True)}


def measure(options: argparse.Namespace) -> bool:
    if options.show:
        return report(json.loads(options.show.read_text()))
    if options.hours * 60 < options.settle + 2:
        raise SystemExit(
            f"--hours must be longer than --settle ({options.settle} min) by 2 minutes"
        )
    directory = RESULT.parent / "run"
    seconds = options.hours * 3600
    posting = ["--rate", str(options.rate), "--duration", str(seconds), "--retry", "--quiet"]
    posting += ["--ledger", str(directory / "ledger.csv")]
    result: dict[str, Any] = {
        "machine": machine(),
        "rate": options.rate,
        "nodes": options.nodes,
        "churn": options.churn,
        "settle": options.settle,
        "samples": [],
    }
    with Lab("soak", options.nodes, posting=posting, churn=options.churn) as lab:
        begun, first = time.monotonic(), lab.sample()
        minute, buckets, count = 0, lab.buckets(), 0
        while lab.run.fleet.running():
            lab.run.service.expect_running()
            sample = lab.sample()
            minutes = (sample["time"] - begun) / 60
            point = {"minute": minutes, "memory": sample["memory"]}
            point["cpu"] = sample["cpu"] - first["cpu"]
            point["spool"] = lab.metric("aggregator_spool_bytes")
            if int(minutes) > minute:
                now = lab.buckets()
                for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999)):
                    point[name] = quantile(buckets, now, share) * 1000
                minute, buckets = int(minutes), now
            result["samples"].append(point)
            count += 1
            if count % 6 == 0:
                keep(RESULT, result)
            time.sleep(max(0, begun + count * SAMPLE_SECONDS - time.monotonic()))
        result["cpu"] = lab.sample()["cpu"] - first["cpu"]
        lab.run.finish_posting()
        result["fleet"] = lab.run.summary
        lab.run.stop_service()
        objects, size = lab.run.stored()
        result["objects"], result["bytes"] = objects, size
        result |= verdict(directory / "ledger.csv", lab.run.table)
    result["machine_after"] = machine()
    keep(RESULT, result)
    return report(result)


def report(result: dict[str, Any]) -> bool:
    import plot

    samples, fleet = result["samples"], result["fleet"]
    late = [(s["minute"] / 60, s["memory"]) for s in samples if s["minute"] >= result["settle"]]
    growth = slope(late)
    worst = [s for s in samples if "p99" in s]
    rows = fleet["rows_acknowledged"]
    latency = fleet["latency_ms"]
    lost = fleet["rows_lost"] + result["rows_lost"]
    print(f"""{result["machine"]}
after        {result["machine_after"]}
load         {result["rate"]} reports/s, {result["nodes"]} nodes, churn {result["churn"]} a round
acknowledged {fleet["reports_acknowledged"]:,} reports, {rows:,} rows; {fleet["churn"]}
stored       {result["rows_stored"]:,} rows, lost {lost}, twice {result["rows_twice"]}
objects      {result["objects"]}, {result["bytes"] / result["rows_stored"]:.1f} bytes a row
latency      p50 {latency["p50"]}, p99 {latency["p99"]}, p99.9 {latency["p99_9"]} ms at fleet
             p99 by the minute, inside: {min(s["p99"] for s in worst):.1f} to \
{max(s["p99"] for s in worst):.1f} ms
CPU          {result["cpu"] / rows * 1e6:.2f} s per million rows
memory       {growth:+.2f} MiB/h after {result["settle"]} min; {late[0][1]:.0f} then, \
{late[-1][1]:.0f} at the end, at most {max(s["memory"] for s in samples):.0f} MiB""")
    memory = [(s["minute"], s["memory"]) for s in samples]
    start, end = late[0][0], late[-1][0]
    middle = sum(y for _, y in late) / len(late)
    centre = sum(x for x, _ in late) / len(late)
    line = [(x * 60, middle + growth * (x - centre)) for x in (start, end)]
    plot.save(
        PLOTS / "soak.svg",
        f"Soak: {result['rate']} reports/s of {result['nodes']} nodes, churn {result['churn']}",
        [
            plot.Panel("minutes", "resident memory, MiB")
            .line("memory", memory)
            .line(f"least squares, {growth:+.2f} MiB/h", line, dashed=True),
            plot.Panel("minutes", "report to answer, ms", log_y=True)
            .line("p50", [(s["minute"], s["p50"]) for s in worst])
            .line("p99", [(s["minute"], s["p99"]) for s in worst])
            .line("p99.9", [(s["minute"], s["p999"]) for s in worst]),
            plot.Panel("minutes", "DATA_DIR, MiB").line(
                "spool", [(s["minute"], s["spool"] / (1 << 20)) for s in samples]
            ),
        ],
        result["machine"],
    )
    return lost == 0 and result["rows_twice"] == 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rate", type=int, default=1000, help="reports a second")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--churn", default="0.01%", help="pods replaced each round of reports")
    parser.add_argument("--settle", type=float, default=15.0, help="minutes before the slope")
    parser.add_argument("--show", type=Path, help="result of an earlier run")
    main(measure, parser)
