#!/usr/bin/env bash
# bench-peers.sh [--rounds N] [--rows N] [--peers NAME,…]: ours against the strongest peers and the
# ceilings, on the same bytes (perf/peers). The peers live in .build/peers-venv.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

venv=$build_dir/peers-venv
requirements=perf/peers/requirements.txt
if ! cmp -s "$requirements" "$venv/stamp"; then
  echo "Installing the peers in $venv (about 1.5 GB)"
  python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --requirement "$requirements"
  cp "$requirements" "$venv/stamp"
fi
[[ -x $build_dir/release/pipeline-bench ]] ||
  fail "pipeline-bench is not built: swift build -c release --product pipeline-bench"
exec "$venv/bin/python" perf/peers/bench.py "$@"
