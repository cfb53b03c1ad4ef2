#!/usr/bin/env bash
# flamegraph.sh [--rate N|max] [--faults | --pipeline]: where the time goes, as SVG.
# See perf/load/flamegraph.py.
exec "$(dirname "$0")/load/python.sh" flamegraph "$@"
