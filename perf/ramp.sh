#!/usr/bin/env bash
# ramp.sh [--seconds N]: rate, latency, memory and CPU against the offered rate.
# See perf/load/ramp.py.
exec "$(dirname "$0")/load/python.sh" ramp "$@"
