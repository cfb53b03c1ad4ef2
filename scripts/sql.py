"""A small SQL prompt over the stored files; see sql.sh."""

import argparse
import readline  # noqa: F401 - gives input() line editing and history
import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
DEMO_TABLE = ROOT / ".build" / "demo" / "latest" / "store" / "k8s-metrics"


def show(connection, sql):
    """Prints a query's result; nothing for a statement that has none."""
    result = connection.sql(sql)
    if result is not None:
        result.show(max_width=100)


def prompt(connection):
    print("Views: usage, samples. End a query with ; and the session with Ctrl-D.")
    pending = []
    while True:
        try:
            line = input("  ...> " if pending else "usage> ")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            pending = []
            continue
        pending.append(line)
        if line.rstrip().endswith(";"):
            try:
                show(connection, "\n".join(pending))
            except (duckdb.Error, KeyboardInterrupt) as error:
                print(error or "interrupted")
            pending = []


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/sql.sh",
        description="A DuckDB prompt, or one query, on the stored files. The views are usage (the "
        "rows) and samples (rows with their weight in hours), from sql/usage.sql.",
    )
    parser.add_argument(
        "-t",
        "--table",
        default=str(DEMO_TABLE),
        help="a directory or s3://bucket/prefix; default: what the last `make demo` stored, "
        f"{DEMO_TABLE.relative_to(ROOT)}",
    )
    parser.add_argument("-c", "--command", help="one query, instead of a prompt")
    options = parser.parse_args()
    if not set(":*?[") & set(options.table) and not any(Path(options.table).rglob("*.parquet")):
        sys.exit(f"{options.table}: there are no Parquet files (yet)")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET VARIABLE usage_table = $1", [options.table.rstrip("/")])
    try:
        connection.execute((ROOT / "sql" / "usage.sql").read_text())
        if options.command:
            show(connection, options.command)
        else:
            prompt(connection)
    except duckdb.Error as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
