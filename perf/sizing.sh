#!/usr/bin/env bash
# sizing.sh [--nodes N,N...] [--intervals N]: what clusters of these sizes need at the defaults, in
# about 16 minutes.
# See perf/load/sizing.py.
VENV='test' exec "$(dirname "$0")/load/python.sh" sizing "$@"
