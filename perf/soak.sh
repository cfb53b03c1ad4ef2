#!/usr/bin/env bash
# soak.sh [--hours H] [--rate N] [--churn SHARE]: hours of constant load.
# See perf/load/soak.py.
exec "$(dirname "$0")/load/python.sh" soak "$@"
