#!/usr/bin/env bash
# profile.sh [COMMAND...]: samples a command by the processor's clock (hardware counters are often
# not there in virtual machines) and prints where its time goes; by default the pipeline bench.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh
command -v perf >/dev/null || fail "perf is not installed: apt-get install linux-perf"
if (($# == 0)); then set -- .build/release/pipeline-bench --rows 3000000; fi
data=$build_dir/perf.data
perf record --quiet --event cpu-clock --freq 999 --output "$data" "$@"
perf report --input "$data" --stdio --percent-limit 0.5 2>/dev/null |
  grep -v '^$' | swift demangle --simplified | cut -c1-150
echo "More: perf report --input $data"
