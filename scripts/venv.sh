#!/usr/bin/env bash
# venv.sh demo|test [--check]: a Python virtual environment at .build/venv with what that use needs,
# pinned. A stamp holds the requirements that are installed, so a second run asks no one and works
# offline. --check changes nothing and exits 0 if all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

use=${1:?usage: venv.sh demo|test [--check]}
requirements=scripts/requirements-$use.txt
venv=.build/venv
stamp=$venv/$use.stamp

usable() { [[ -x $venv/bin/python ]] && "$venv/bin/python" -c '' 2>/dev/null; }
complete() {
  usable || return 1
  cmp -s "$requirements" "$stamp" && return
  # The tests' environment holds what the demo needs.
  [[ $use == demo ]] && cmp -s scripts/requirements-test.txt "$venv/test.stamp"
}

if complete; then exit 0; fi
if [[ ${2:-} == --check ]]; then exit 1; fi
if ! usable; then
  mkdir -p .build
  python3 -m venv --clear "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
cp "$requirements" "$stamp"
