#!/usr/bin/env bash
# lint.sh: the formatters' and checkers' verdict on every file, nothing changed. Exit 0 if all pass.
# What a checker cannot say about Swift (layers, traps, sizes) is in Tests/StyleTests.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
venv=.build/venv/bin
failed=0

check() {
  local name=$1
  shift
  if "$@"; then echo "lint $name passed"; else
    echo "lint $name failed"
    failed=1
  fi
}

check swift-format swift format lint --strict --parallel --recursive \
  Package.swift Sources Tests perf
check shellcheck "$venv/shellcheck" --external-sources scripts/*.sh perf/*.sh .ci/run
check ruff "$venv/ruff" check --quiet .
exit $failed
