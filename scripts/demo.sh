#!/usr/bin/env bash
# demo.sh: checks the machine within seconds, installs what is missing, then scripts/demo.py builds
# and runs the demo.
set -euo pipefail
cd "$(dirname "$0")/.."
stopped() {
  echo
  echo "Stopped while setting up; nothing runs, nothing was stored."
  exit 130
}
trap stopped INT
echo "[1/5] Check of the machine"
status=0
scripts/setup.sh demo || status=$?
((status == 130)) && stopped
((status == 0)) || exit "$status"
echo "      done (0:$(printf %02d $SECONDS))"
exec python3 scripts/demo.py
