#!/usr/bin/env bash
# growth.sh [--seconds N]: the service at 1, 10 and 100 times the nodes.
# See perf/load/growth.py.
exec "$(dirname "$0")/load/python.sh" growth "$@"
