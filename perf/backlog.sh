#!/usr/bin/env bash
# backlog.sh [--gib N] [--live ROWS] [--memory MIB] [--pods N] [--keep] [--dir DIR]: fills DATA_DIR
# with a backlog, restarts, and measures how fast and in how much memory it drains. See
# perf/backlog/run.py.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in aggregator fleet; do
  [[ -x .build/release/$program ]] ||
    { echo ".build/release/$program is not there: swift build -c release" >&2 && exit 1; }
done
scripts/venv.sh test
exec .build/venv/bin/python perf/backlog/run.py "$@"
