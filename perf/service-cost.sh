#!/usr/bin/env bash
# service-cost.sh [--rounds N] [--seconds N] [--rate N|max] [--nodes N] [--pods N]
#                 [--connections N] [--syscalls] [--dir DIR]: what a row costs the whole service in
# CPU time, by thread, beside a server that reads and discards the same POSTs. See
# perf/service-cost/run.py.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in aggregator fleet nio-discard; do
  [[ -x .build/release/$program ]] ||
    { echo ".build/release/$program is not there: swift build -c release" >&2 && exit 1; }
done
exec python3 perf/service-cost/run.py "$@"
