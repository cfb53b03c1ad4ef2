"""The figures of a run as Markdown, ratios first."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

PACKAGES = ["pyarrow", "orjson", "msgspec", "duckdb", "polars", "chdb"]
WRITERS = ("write", "write-sorted")


def machine() -> dict[str, Any]:
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def row_of(turns: list[dict[str, Any]], rows: int) -> dict[str, float]:
    """The medians of one peer."""

    def of_pass(index: int, name: str) -> float:
        return median(turn["passes"][index][name] for turn in turns)

    first = [turn["passes"][0]["cpu"] / rows * 1e6 for turn in turns]
    return {
        "first": median(first),
        "least": min(first),
        "most": max(first),
        "warm": of_pass(-1, "cpu") / rows * 1e6,
        "rate": rows / of_pass(-1, "wall"),
        "peak": median(turn["resident_peak_kib"] for turn in turns) / 1024,
        "growth": median(t["resident_peak_kib"] - t["resident_before_kib"] for t in turns) / 1024,
        "bytes": median(turn["bytes"] for turn in turns) / rows,
    }


def markdown(result: dict[str, Any]) -> str:
    rows = result["rows"]
    found = {name: row_of(turns, rows) for name, turns in result["peers"].items()}
    ours = found["ours"]
    lines = [
        f"{rows:,} rows in reports of 30 pods, {result['rounds']} rounds; medians. One thread,",
        "CPU = user + system seconds per million rows.",
        "",
        "| JSON to 21-column Parquet | x ours, CPU | x ours, warm | x ours, bytes | CPU | min..max "
        "| CPU warm | rows/s warm | MiB at peak | MiB grown | B / row |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, row in found.items():
        if name in WRITERS:
            continue
        ratios = [row[key] / ours[key] for key in ("first", "warm", "bytes")]
        lines.append(
            f"| {name} | {ratios[0]:.1f} | {ratios[1]:.1f} | {ratios[2]:.2f} | {row['first']:.2f} "
            f"| {row['least']:.2f}..{row['most']:.2f} | {row['warm']:.2f} | {row['rate']:,.0f} "
            f"| {row['peak']:.0f} | {row['growth']:.0f} | {row['bytes']:.1f} |"
        )
    stages = {
        name: median(turn["passes"][-1][name] for turn in result["peers"]["ours"]) / rows * 1e6
        for name in ("decode", "resolve", "encode", "write")
    }
    encode = stages["encode"] + stages["write"]
    lines += [
        "",
        "Every file is one file, and all hold the same rows. `ours-35` makes all 35 columns. The",
        "first CPU column is a fresh process's only pass, page faults included; warm is its third.",
        "",
        "| Parquet alone, warm | x ours | CPU | B / row |",
        "|---|---:|---:|---:|",
        f"| ours: sort, join, encode, write | 1.0 | {encode:.3f} | {ours['bytes']:.1f} |",
    ]
    for name, title in zip(
        WRITERS, ("pyarrow, dictionary arrays, as they came", "the same, our order"), strict=True
    ):
        if name in found:
            row = found[name]
            lines.append(
                f"| {title} | {row['warm'] / encode:.1f} | {row['warm']:.3f} | {row['bytes']:.1f} |"
            )
    lines += ["", "| ceiling, warm | CPU | ours, the same part | ours / ceiling |"]
    lines.append("|---|---:|---:|---:|")
    decode = stages["decode"]
    total = sum(stages.values())
    floor = 0.0
    for flags, ceiling in result["ceilings"].items():
        million = {k: ceiling[k] / rows * 1e6 for k in ("tape", "on_demand", "snappy")}
        dispatch, compiled = ceiling["dispatch"], ceiling["compiled"]
        lines.append(
            f"| simdjson On-Demand, the same members ({flags}: {dispatch}, {compiled}) "
            f"| {million['on_demand']:.3f} | decode and probe {decode:.3f} "
            f"| {decode / million['on_demand']:.2f} |"
        )
        if floor == 0:
            floor = million["tape"] + million["snappy"]
            lines += [
                f"| simdjson tape alone ({dispatch}) | {million['tape']:.3f} "
                f"| decode and probe {decode:.3f} | {decode / million['tape']:.2f} |",
                f"| Snappy alone, our pages ({ceiling['page_bytes'] / rows:.0f} B a row) "
                f"| {million['snappy']:.3f} | encode and write {encode:.3f} "
                f"| {encode / million['snappy']:.2f} |",
                f"| tape + Snappy | {floor:.3f} | all {total:.3f} | {total / floor:.2f} |",
                f"| memcpy | {ceiling['memcpy_gb_s']:.1f} GB/s | | |",
            ]
    machine, load = result["machine"], result["load"]
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    lines += [
        "",
        f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}, load "
        f"{load[0][0]:.1f} before and {load[1][0]:.1f} after. Python {machine['python']}, "
        f"{packages}.",
        "",
    ]
    return "\n".join(lines)
