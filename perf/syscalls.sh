#!/usr/bin/env bash
# syscalls.sh [--rate N|max]: system calls a report by thread, waits and queues.
# See perf/load/syscalls.py.
exec "$(dirname "$0")/load/python.sh" syscalls "$@"
