#!/usr/bin/env bash
# bench-gates.sh [--update]: instructions and allocations of each stage against
# Benchmarks/gates.json (perf/gates.py); installs Valgrind if it is not there.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

missing=()
command -v valgrind >/dev/null || missing+=(valgrind)
command -v objcopy >/dev/null || missing+=(binutils)
if ((${#missing[@]} > 0)); then
  install="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  command -v apt-get >/dev/null || fail "Missing: ${missing[*]}"
  as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "Missing: ${missing[*]}. As root:" "  $install"
    as_root=(sudo)
  fi
  echo "Installing ${missing[*]}"
  "${as_root[@]}" bash -c "$install" >"$build_dir/apt.log" 2>&1 ||
    fail "apt-get could not install them; its log is $build_dir/apt.log. By hand:" "  $install"
fi
exec python3 perf/gates.py "$@"
