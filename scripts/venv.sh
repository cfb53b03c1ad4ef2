#!/usr/bin/env bash
# venv.sh demo|test: a Python virtual environment at .build/venv with what that use needs, pinned.
# A stamp holds the requirements that are installed, so a second run asks no one and works offline.
set -euo pipefail
cd "$(dirname "$0")/.."

use=${1:?usage: venv.sh demo|test}
requirements=scripts/requirements-$use.txt
venv=.build/venv
stamp=$venv/$use.stamp

if [[ -x $venv/bin/python ]] && "$venv/bin/python" -c '' 2>/dev/null; then
  if cmp -s "$requirements" "$stamp"; then exit 0; fi
  # The tests' environment holds what the demo needs.
  if [[ $use == demo ]] && cmp -s scripts/requirements-test.txt "$venv/test.stamp"; then exit 0; fi
else
  mkdir -p .build
  python3 -m venv --clear "$venv"
fi

"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
cp "$requirements" "$stamp"
