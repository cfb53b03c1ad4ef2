#!/usr/bin/env bash
# crash.sh [--kills N] [--seed S] [--every KILLS] [--only TEXT] [--dir DIR]: kills the release
# binary under load, at random moments and at named points, and compares the bucket with what was
# acknowledged. See perf/crash/run.py.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in aggregator fleet; do
  [[ -x .build/release/$program ]] ||
    { echo ".build/release/$program is not there: swift build -c release" >&2 && exit 1; }
done
scripts/venv.sh test
exec .build/venv/bin/python perf/crash/run.py "$@"
