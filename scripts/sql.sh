#!/usr/bin/env bash
# sql.sh [-t TABLE] [-c SQL]: a DuckDB prompt, or one query, on the stored files. TABLE is a
# directory or s3://bucket/prefix; without it, what the last `make demo` stored. The views are
# `usage` (the rows) and `samples` (rows with their weight in hours), from sql/usage.sql.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/venv.sh demo
exec .build/venv/bin/python scripts/sql.py "$@"
