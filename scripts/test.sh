#!/usr/bin/env bash
# test.sh [quick]: makes the machine ready, then runs the suites (scripts/test.py).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test
exec python3 scripts/test.py "$@"
