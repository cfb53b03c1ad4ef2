#!/usr/bin/env bash
# pods.sh [--pods N,N,N] [--settle SECONDS]: memory of the service's index against the pods listed.
# See perf/load/pods.py.
exec "$(dirname "$0")/load/python.sh" pods "$@"
