#!/usr/bin/env bash
# demo.sh: checks the machine within seconds, installs what is missing, then scripts/demo.py builds
# and runs the demo.
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo; echo "Stopped while setting up; nothing runs, nothing was stored."; exit 130' INT
echo "[1/5] Check of the machine"
scripts/setup.sh demo
echo "      done (0:$(printf %02d $SECONDS))"
exec python3 scripts/demo.py
