"""Whether two Parquet files hold the same rows: check.py REFERENCE OTHER

Joined by (timestamp, pod_id), each described column compared. Exit 1 and say what differs if not.
"""

from __future__ import annotations

import sys

import duckdb
from work import COLUMNS, LISTS


def main(reference: str, other: str) -> int:
    database = duckdb.connect()
    counts = [
        database.execute(f"SELECT count(*) FROM read_parquet('{path}')").fetchone()
        for path in (reference, other)
    ]
    if counts[0] != counts[1]:
        print(f"{other}: {counts[1]} rows, not {counts[0]}")
        return 1

    # Engines that have no null lists write empty ones: told apart in the product's own tests.
    def value(table: str, name: str) -> str:
        return f"coalesce({table}.{name}, [])" if name in LISTS else f"{table}.{name}"

    differences = ", ".join(
        f"count(*) FILTER ({value('a', name)} IS DISTINCT FROM {value('b', name)})"
        for name in COLUMNS
    )
    joined = database.execute(
        f"""SELECT count(*), {differences}
        FROM read_parquet('{reference}') AS a JOIN read_parquet('{other}') AS b
          ON a.timestamp = b.timestamp AND a.pod_id = b.pod_id"""
    ).fetchone()
    wrong = [f"{n}: {c} rows differ" for n, c in zip(COLUMNS, joined[1:], strict=True) if c > 0]
    if (joined[0],) != counts[0]:
        wrong.append(f"{joined[0]} of {counts[0][0]} rows found by timestamp and pod_id")
    for line in wrong:
        print(f"{other}: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
