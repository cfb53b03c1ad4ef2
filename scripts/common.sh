# shellcheck shell=bash
# shellcheck disable=SC2034 # used by those that source it
# Sourced by the other scripts: where things lie, colours on a terminal only, elapsed times.
# Everything that is made goes to .build/, which `make clean` removes.

build_dir=.build

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' red='' green='' plain=''
fi

# elapsed SECONDS: "7 s" or "3 min 12 s".
elapsed() {
  local seconds=$1
  if ((seconds < 60)); then printf '%d s' "$seconds"; else
    printf '%d min %02d s' $((seconds / 60)) $((seconds % 60))
  fi
}

# fail TEXT...: one line each on stderr, then exit 1.
fail() {
  printf '%s%s%s\n' "$red" "$1" "$plain" >&2
  shift
  if (($# > 0)); then printf '%s\n' "$@" >&2; fi
  exit 1
}
