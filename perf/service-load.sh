#!/usr/bin/env bash
# service-load.sh [--seconds N] [--rate N|max] [--nodes N] [--pods N] [--connections N]
#                 [--churn SHARE] [--dir DIR] [--check]
#
# The whole service under load: the release aggregator on file://, with its log and its objects
# under DIR (default: .build/service-load, which must not be a tmpfs), driven by fleet on the same
# machine. Prints what was acknowledged and how fast, the aggregator's CPU and memory, and the
# machine's state.
#
# --check fails the run unless at least 150,000 rows/s were acknowledged with p99 below 50 ms and no
# report was lost, and, in runs over four minutes, memory at the end is at most 5 % above that after
# two. Ports are free ones; nothing outlives the run but DIR/last with the logs.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=60 rate=max nodes=1000 pods=30000 connections=64 churn=0.01% check=0
dir=.build/service-load
while (($#)); do
  case $1 in
    --seconds) seconds=$2 && shift 2 ;;
    --rate) rate=$2 && shift 2 ;;
    --nodes) nodes=$2 && shift 2 ;;
    --pods) pods=$2 && shift 2 ;;
    --connections) connections=$2 && shift 2 ;;
    --churn) churn=$2 && shift 2 ;;
    --dir) dir=$2 && shift 2 ;;
    --check) check=1 && shift ;;
    *)
      sed -n '2,13s/^# \{0,1\}//p' "$0"
      [[ $1 == --help ]] && exit 0
      exit 64
      ;;
  esac
done

aggregator=${AGGREGATOR_BINARY:-.build/release/aggregator}
fleet=${FLEET_BINARY:-.build/release/fleet}
for program in "$aggregator" "$fleet"; do
  [[ -x $program ]] || { echo "$program is not there: swift build -c release" >&2 && exit 1; }
done
run=$dir/last
rm -rf "$run"
mkdir -p "$run/data" "$run/store"
run=$(cd "$run" && pwd)
file_system=$(stat -f -c %T "$run")
if [[ $file_system == tmpfs || $file_system == ramfs ]]; then
  echo "$run lies on $file_system, where fsync means nothing: give --dir" >&2
  exit 1
fi

children=()
finish() {
  local pid
  for pid in "${children[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${children[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$run/data" "$run/store"
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
  echo "$1" >&2
  tail -n 20 "$run"/*.log >&2
  exit 1
}

# wait_for SECONDS WHAT COMMAND...: until COMMAND succeeds.
wait_for() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    for pid in "${children[@]}"; do kill -0 "$pid" 2>/dev/null || fail "a process ended early"; done
    ((SECONDS < limit)) || fail "waited in vain for $what"
    sleep 0.1
  done
}

"$fleet" run --nodes "$nodes" --pods "$pods" --churn "$churn" --rate "$rate" \
  --connections "$connections" --duration "$seconds" --retry --expect-all \
  --kubeconfig-out "$run/kubeconfig" --target-file "$run/target" --summary "$run/fleet.json" \
  >"$run/fleet.log" 2>&1 &
fleet_pid=$!
children+=("$fleet_pid")
wait_for 60 "the simulated cluster's API" test -e "$run/kubeconfig"

env -u AWS_ENDPOINT_URL -u KUBERNETES_SERVICE_HOST \
  STORAGE_URL="file://$run/store" DATA_DIR="$run/data" KUBECONFIG="$run/kubeconfig" \
  HOST=127.0.0.1 PORT=0 CLUSTER_NAME=load S3_PREFIX=load/ LOG_FORMAT=text LOG_LEVEL=info \
  "$aggregator" >"$run/aggregator.log" 2>&1 &
service_pid=$!
children=("$service_pid" "$fleet_pid")

port() {
  grep -oiE 'listening[^0-9]*[^ ]*:[0-9]+' "$run/aggregator.log" 2>/dev/null |
    grep -oE '[0-9]+$' | head -n 1
}
has_port() { [[ -n $(port) ]]; }
# GET PATH: the status, from a shell without curl.
status() {
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$(port)" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&3
  read -r line <&3 || true
  exec 3>&-
  [[ $line =~ ^HTTP/1\.1\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}
is_healthy() { [[ $(status /health 2>/dev/null) == 200 ]]; }
wait_for 30 "the aggregator's port" has_port
wait_for 120 "the aggregator's watchers" is_healthy

ticks=$(getconf CLK_TCK)
cpu_ticks() { sed 's/^.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }
rss_kib() { awk '/^VmRSS:/ {print $2}' "/proc/$1/status"; }
load_before=$(cut -d' ' -f1-3 /proc/loadavg)
cpu_before=$(cpu_ticks "$service_pid")
fleet_before=$(cpu_ticks "$fleet_pid")
began=$SECONDS
echo "http://127.0.0.1:$(port)/metrics" >"$run/target.tmp"
mv "$run/target.tmp" "$run/target"

rss_two=0 rss_end=0 rss_max=0
cpu_now=$cpu_before fleet_now=$fleet_before
while kill -0 "$fleet_pid" 2>/dev/null; do
  kill -0 "$service_pid" 2>/dev/null || fail "the aggregator ended early"
  if now=$(rss_kib "$service_pid") && [[ -n $now ]]; then
    rss_end=$now
    ((now > rss_max)) && rss_max=$now
    ((rss_two == 0 && SECONDS - began >= 120)) && rss_two=$now
    echo "$((SECONDS - began)) $now" >>"$run/rss.txt"
  fi
  cpu_now=$(cpu_ticks "$service_pid" 2>/dev/null || echo "$cpu_now")
  fleet_now=$(cpu_ticks "$fleet_pid" 2>/dev/null || echo "$fleet_now")
  sleep 1
done
lost=0
wait "$fleet_pid" || lost=1
load_after=$(cut -d' ' -f1-3 /proc/loadavg)

# number NAME: a member of fleet's summary.
number() { grep -oE "\"$1\": [0-9.]+" "$run/fleet.json" | head -n 1 | grep -oE '[0-9.]+$'; }
rows=$(number rows_acknowledged)
rate_rows=$(number rows_per_second)
p99=$(number p99)
# seconds and microseconds a row of so many clock ticks.
cpu() {
  awk -v ticks="$1" -v hz="$ticks" -v rows="$rows" \
    'BEGIN {s = ticks / hz; printf "%.1f s, %.2f s per million rows", s, s / rows * 1e6}'
}
mib() { awk -v k="$1" 'BEGIN {printf "%.0f MiB", k / 1024}'; }

after_two=
((rss_two > 0)) && after_two="$(mib "$rss_two") after 2 min, "
objects=$(find "$run/store" -name '*.parquet' | wc -l)
cat <<EOF
machine            $(nproc) cores, $(uname -r), load before $load_before, after $load_after
disk               $file_system at $run
load               $nodes nodes, $pods pods, rate $rate, $connections connections, ${seconds} s
acknowledged       $(number reports_acknowledged) reports, $rows rows, $rate_rows rows/s
latency            p50 $(number p50) ms, p99 $p99 ms, p99.9 $(number p99_9) ms, max $(number max) ms
lost, retries      $(number reports_lost), $(number retries)
aggregator CPU     $(cpu $((cpu_now - cpu_before)))
fleet CPU          $(cpu $((fleet_now - fleet_before)))
memory             $after_two$(mib "$rss_end") at the end, $(mib "$rss_max") at most
objects so far     $objects, $(du -sk "$run/store" | cut -f1) KiB
EOF

if ((check)); then
  [[ $lost == 0 ]] || fail "reports were lost"
  awk -v r="$rate_rows" 'BEGIN {exit !(r >= 150000)}' || fail "fewer than 150,000 rows/s"
  awk -v p="$p99" 'BEGIN {exit !(p < 50)}' || fail "p99 is not below 50 ms"
  if ((seconds > 240 && rss_two > 0)); then
    ((rss_end * 100 <= rss_two * 105)) || fail "memory grew by more than 5 %"
  fi
fi
