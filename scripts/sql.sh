#!/usr/bin/env bash
# sql.sh [-t TABLE] [--from DATE] [--to DATE] [-c SQL | -f FILE]: a DuckDB prompt, one query, or a
# file of them, on the stored files. TABLE is a directory or s3://bucket/prefix; without it, what the
# last `make demo` stored. The views are `usage` (the rows) and `samples` (rows with their weight in
# hours), from sql/usage.sql.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/scripts/venv.sh" demo
exec "$root/.build/venv/bin/python" "$root/scripts/sql.py" "$@"
