#!/usr/bin/env bash
# python.sh NAME [OPTIONS]: runs perf/load/NAME.py, which starts the release binaries.
set -euo pipefail
cd "$(dirname "$0")/../.."
for program in aggregator fleet; do
  [[ -x .build/release/$program ]] ||
    { echo "$program is not built: make build" >&2 && exit 1; }
done
scripts/venv.sh "${VENV:-demo}"
exec .build/venv/bin/python "perf/load/$1.py" "${@:2}"
