#!/usr/bin/env bash
# memory.sh [--seconds N] [--nodes N]: resident memory of the service: empty, at rest, at full load.
# See perf/load/memory.py.
exec "$(dirname "$0")/load/python.sh" memory "$@"
