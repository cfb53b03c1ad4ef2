#!/usr/bin/env bash
# format.sh: formats Swift and Python in place.
set -euo pipefail
cd "$(dirname "$0")/.."
swift format format --in-place --parallel --recursive Package.swift Sources Tests perf
.build/venv/bin/ruff format --quiet .
.build/venv/bin/ruff check --quiet --fix .
