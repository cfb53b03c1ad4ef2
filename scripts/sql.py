"""A small SQL prompt over the stored files; see sql.sh."""

import argparse
import os
import readline  # noqa: F401 - gives input() line editing and history
import shutil
import sys
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

ROOT = Path(__file__).resolve().parents[1]
DEMO_TABLE = ROOT / ".build" / "demo" / "latest" / "store" / "k8s-metrics"


def show(connection, sql):
    """Prints a query's result; nothing for a statement that has none."""
    result = connection.sql(sql)
    if result is not None:
        result.show(max_width=max(100, shutil.get_terminal_size((100, 24)).columns))


def run(connection, sql):
    """Every statement of a text, one after the other."""
    for statement in duckdb.extract_statements(sql):
        show(connection, statement)


def prompt(connection):
    print("Views: usage, samples. End a query with ; and the session with Ctrl-D.")
    print(".read FILE runs the queries of a file.")
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
        word = line.strip().rstrip(";")
        if not pending and word in ("exit", "quit", ".exit", ".quit"):
            return
        pending.append(line)
        is_read = len(pending) == 1 and word.startswith(".read ")
        if is_read or line.rstrip().endswith(";"):
            try:
                text = Path(word[6:].strip()).read_text() if is_read else "\n".join(pending)
                run(connection, text)
            except (duckdb.Error, OSError, KeyboardInterrupt) as error:
                print(error or "interrupted")
            pending = []


def s3_secret(environment):
    """The statement that gives DuckDB the credentials and the store of the environment."""
    fields = {"TYPE": "s3"}
    if environment.get("AWS_ACCESS_KEY_ID"):
        fields["KEY_ID"] = environment["AWS_ACCESS_KEY_ID"]
        fields["SECRET"] = environment.get("AWS_SECRET_ACCESS_KEY", "")
        if environment.get("AWS_SESSION_TOKEN"):
            fields["SESSION_TOKEN"] = environment["AWS_SESSION_TOKEN"]
    else:
        fields["PROVIDER"] = "credential_chain"
    if environment.get("AWS_REGION"):
        fields["REGION"] = environment["AWS_REGION"]
    if environment.get("AWS_ENDPOINT_URL"):
        url = urlsplit(environment["AWS_ENDPOINT_URL"])
        fields |= {"ENDPOINT": url.netloc + url.path.rstrip("/"), "URL_STYLE": "path"}
        fields["USE_SSL"] = "true" if url.scheme == "https" else "false"
    quoted = [f"{name} '{value.replace(chr(39), chr(39) * 2)}'" for name, value in fields.items()]
    return f"CREATE SECRET ({', '.join(quoted)})"


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/sql.sh",
        description="A DuckDB prompt, or one query, on the stored files. The views are usage (the "
        "rows) and samples (rows with their weight in hours), from sql/usage.sql. For s3:// DuckDB "
        "fetches its httpfs extension (and aws, without keys in the environment); AWS_REGION, "
        "AWS_ENDPOINT_URL and keys are taken from the environment, as the service does.",
    )
    parser.add_argument(
        "-t",
        "--table",
        default=str(DEMO_TABLE),
        help="a directory or s3://bucket/prefix; default: what the last `make demo` stored, "
        f"{DEMO_TABLE.relative_to(ROOT)}",
    )
    parser.add_argument("--from", dest="start", type=date.fromisoformat, help="first UTC date")
    parser.add_argument("--to", dest="end", type=date.fromisoformat, help="last UTC date")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-c", "--command", help="one query, instead of a prompt")
    what.add_argument("-f", "--file", type=Path, help="a file of queries, instead of a prompt")
    options = parser.parse_args()
    if not set(":*?[") & set(options.table) and not any(Path(options.table).rglob("*.parquet")):
        sys.exit(f"{options.table}: there are no Parquet files (yet)")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET VARIABLE usage_table = $1", [options.table.rstrip("/")])
    connection.execute("SET VARIABLE usage_from = $1", [options.start])
    connection.execute("SET VARIABLE usage_to = $1", [options.end])
    try:
        if options.table.startswith("s3://"):
            connection.execute(s3_secret(os.environ))
        connection.execute((ROOT / "sql" / "usage.sql").read_text())
        if options.command or options.file:
            run(connection, options.command or options.file.read_text())
        else:
            prompt(connection)
    except (duckdb.Error, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
