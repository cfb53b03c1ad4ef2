"""Prints the demo's tables from the stored files: demo_tables.py DIRECTORY EXPECTED_ROWS.

Exits 1 if the table does not hold exactly the expected rows.
"""

import sys
from pathlib import Path

import duckdb

SQL = Path(__file__).resolve().parents[1] / "sql"
TABLES = [
    ("Core-hours and memory by namespace", "namespaces"),
    ("Requested and used, core-hours and GiB-hours", "requested"),
    ("Biggest idle requesters, core-hours", "idle"),
    ("Claimed storage by namespace, each set of claims once", "storage"),
]
WIDTH = 100


def text(value):
    if value is None:
        return "-"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if is_int(value) else value


def is_int(value):
    return isinstance(value, int)


def render(names, rows):
    """Columns as wide as they need, numbers to the right; the whole at most WIDTH wide."""
    cells = [[str(text(v)) for v in row] for row in rows]
    numeric = [any(isinstance(r[i], (int, float)) for r in rows) for i in range(len(names))]
    widths = [max([len(n), *(len(c[i]) for c in cells)]) for i, n in enumerate(names)]
    excess = sum(widths) + 2 * len(widths) - WIDTH
    if excess > 0:
        widest = widths.index(max(widths))
        widths[widest] = max(8, widths[widest] - excess)
    lines = []
    for row in [names, ["-" * w for w in widths], *cells]:
        parts = [
            (c[:w].rjust(w) if right else c[:w].ljust(w))
            for c, w, right in zip(row, widths, numeric, strict=True)
        ]
        lines.append(("  " + "  ".join(parts)).rstrip())
    return "\n".join(lines)


def main():
    table, expected = sys.argv[1], int(sys.argv[2])
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET VARIABLE usage_table = $1", [table])
    connection.execute((SQL / "usage.sql").read_text())
    for title, name in TABLES:
        cursor = connection.execute((SQL / f"{name}.sql").read_text())
        names = [d[0] for d in cursor.description]
        print(f"\n{title}  (sql/{name}.sql)")
        print(render(names, cursor.fetchall()))
    stored, dates, distinct = connection.execute(
        "SELECT count(*), count(DISTINCT dt), count(DISTINCT (pod_id, collected_at)) FROM usage"
    ).fetchone()
    days = "1 date" if dates == 1 else f"{dates} dates"
    verdict = "all there" if stored == expected else "NOT THE SAME"
    print(f"\nRows sent {expected:,}, rows stored {stored:,} ({days}): {verdict}.")
    if distinct != stored:
        print(f"Only {distinct:,} of them differ in pod and time.")
    return 0 if stored == expected == distinct else 1


if __name__ == "__main__":
    sys.exit(main())
