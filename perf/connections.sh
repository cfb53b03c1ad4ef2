#!/usr/bin/env bash
# connections.sh [--idle N] [--slow N] [--seconds N] [--dir DIR]: what idle and slow connections
# cost the release binary. See perf/connections/run.py.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ -x .build/release/aggregator || -n ${AGGREGATOR_BINARY:-} ]] ||
  { echo ".build/release/aggregator is not there: swift build -c release" >&2 && exit 1; }
scripts/venv.sh test
exec .build/venv/bin/python perf/connections/run.py "$@"
