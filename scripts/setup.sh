#!/usr/bin/env bash
# setup.sh demo|test: makes the machine ready, or says within seconds what it lacks.
# First it looks at tools, packages, rights, disk and network, without changing anything; then it
# installs what is missing and nothing else. Where all is there it asks no server at all.
set -euo pipefail
# What is asked here may take an interrupt for its own failure, which must not count as an answer.
trap 'exit 130' INT
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
source scripts/common.sh

use=${1:?usage: setup.sh demo|test}
case $use in
  demo) needed_gib=4 ;;
  test) needed_gib=12 ;;
  *) fail "usage: setup.sh demo|test" ;;
esac

# Tools that we do not install.
command -v swift >/dev/null || fail "Swift is not installed." \
  "Install Swift 6.3 or later for Debian 12 as https://www.swift.org/install/linux/ says, then run" \
  "this command again; or start from the image: docker run -it swift:6.3-bookworm"
swift_version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p')
if [[ $(printf '6.3\n%s\n' "$swift_version" | sort -V | head -n 1) != 6.3 ]]; then
  fail "Swift ${swift_version:-of an unknown version} is installed; 6.3 or later is needed." \
    "See https://www.swift.org/install/linux/"
fi
command -v git >/dev/null || fail "git is not installed: apt-get install git"

# Debian packages. A library is missing if its package is, a tool if its command is.
missing=()
for package in libcurl4-openssl-dev libsimdjson-dev libsnappy-dev libssl-dev libxxhash-dev \
  zlib1g-dev; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $state == installed ]] || missing+=("$package")
done
command -v pkg-config >/dev/null || missing+=(pkg-config)
command -v openssl >/dev/null || missing+=(openssl)
compgen -G '/usr/include/c++/*' >/dev/null || missing+=(libstdc++-12-dev)
command -v python3 >/dev/null || missing+=(python3)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [[ $use == test ]]; then
  command -v curl >/dev/null || missing+=(curl)
  command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
fi

# Rights.
as_root=()
if ((${#missing[@]} > 0)); then
  install="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  command -v apt-get >/dev/null || fail "These Debian packages are missing: ${missing[*]}" \
    "This machine has no apt-get: install what corresponds to them, then run this again."
  if ((EUID != 0)); then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
      as_root=(sudo)
    else
      fail "These Debian packages are missing: ${missing[*]}" \
        "Installing them needs root. Run as root, then this command again:" "  $install"
    fi
  fi
fi

# Disk.
mkdir -p "$build_dir"
free_kib=$(df -Pk "$build_dir" | awk 'NR == 2 { print $4 }')
if ((free_kib < needed_gib * 1024 * 1024)) && [[ ! -x $build_dir/release/aggregator ]]; then
  fail "$(pwd)/$build_dir has $((free_kib / 1024 / 1024)) GiB free; the build and the $use need" \
    "$needed_gib GiB. Free some space, or clone to a larger disk."
fi

# Network: asked only for what is not there, each client its own way, a few seconds each.
offline=()
if ((${#missing[@]} > 0)); then
  "${as_root[@]}" timeout 60 apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=8 \
    -o APT::Update::Error-Mode=any update >"$build_dir/apt.log" 2>&1 ||
    offline+=("  $install")
fi
if [[ ! -d $build_dir/checkouts ]]; then
  url=$(sed -n 's/.*\.package(url: "\([^"]*\)".*/\1/p' Package.swift | head -n 1)
  timeout 15 git ls-remote --exit-code "$url" HEAD >/dev/null 2>&1 ||
    offline+=("  swift package resolve")
fi
if ! scripts/venv.sh "$use" --check; then
  python=python3
  requirement=$(sed -n 's/^\([a-z].*\)==.*/\1/p' "scripts/requirements-$use.txt" | head -n 1)
  # Without ensurepip there is no pip to ask yet; apt has been asked already.
  if $python -m pip --version >/dev/null 2>&1; then
    timeout 20 $python -m pip --retries 0 --timeout 8 index versions "$requirement" \
      >/dev/null 2>&1 || offline+=("  scripts/venv.sh $use")
  fi
fi
if ((${#offline[@]} > 0)); then
  fail "The network is needed once, to fetch what is not here yet, and could not be reached." \
    "When it is there, run this command again, or these by hand:" "${offline[@]}"
fi

# Install.
if ((${#missing[@]} > 0)); then
  echo "Installing ${missing[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
    --no-install-recommends "${missing[@]}" >>"$build_dir/apt.log" 2>&1 || {
    tail -n 20 "$build_dir/apt.log" >&2
    fail "apt-get could not install the packages; its log is $build_dir/apt.log. By hand:" \
      "  $install"
  }
fi
