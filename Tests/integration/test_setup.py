"""scripts/setup.sh on machines that lack something: it stops in seconds and says what to run."""

import os
import shutil
import subprocess
import time

import pytest

from conftest import ROOT
from test_demo import OFFLINE

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to take rights away")


@pytest.fixture
def clone(disk_dir):
    """The checkout's own files without anything built, and a bin directory of stand-ins."""
    root = disk_dir / "clone"
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "scripts", "Package.swift", "Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name)
    (disk_dir / "bin").mkdir()
    return root


def stand_in(disk_dir, name, script):
    path = disk_dir / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def setup(clone, disk_dir, prefix=(), user=None):
    began = time.monotonic()
    result = subprocess.run(
        [*prefix, "scripts/setup.sh", "demo"],
        cwd=clone,
        env={**os.environ, "PATH": f"{disk_dir / 'bin'}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        user=user,
    )
    return result, time.monotonic() - began


def built_nothing(clone):
    return not (clone / ".build" / "venv").exists() and not (clone / ".build" / "release").exists()


@needs_root
def test_without_root_the_command_to_run_is_printed(clone, disk_dir):
    for directory in (disk_dir, *disk_dir.rglob("*")):
        os.chown(directory, NOBODY, NOBODY)
    stand_in(disk_dir, "dpkg-query", "exit 1")
    stand_in(disk_dir, "sudo", "exit 1")
    os.chmod(disk_dir, 0o755)
    result, seconds = setup(clone, disk_dir, user=NOBODY)
    assert result.returncode == 1
    assert "needs root" in result.stderr
    assert (
        "apt-get update && apt-get install -y --no-install-recommends libcurl4-openssl-dev"
        " libsimdjson-dev libsnappy-dev libssl-dev libxxhash-dev zlib1g-dev" in result.stderr
    )
    assert seconds < 10
    assert built_nothing(clone)


@needs_root
def test_without_network_it_stops_before_anything_is_built(clone, disk_dir):
    stand_in(disk_dir, "dpkg-query", "exit 1")
    result, seconds = setup(clone, disk_dir, prefix=OFFLINE)
    assert result.returncode == 1
    assert "could not be reached" in result.stderr
    assert "apt-get install" in result.stderr
    assert "scripts/venv.sh demo" in result.stderr
    assert seconds < 45
    assert built_nothing(clone)


def test_only_what_is_missing_is_installed(clone, disk_dir):
    """One library is missing: apt-get is asked for it alone."""
    log = disk_dir / "apt-calls"
    stand_in(
        disk_dir,
        "dpkg-query",
        'for last; do :; done; [ "$last" = libsnappy-dev ] && exit 1; echo installed',
    )
    stand_in(disk_dir, "apt-get", f'echo "$@" >> {log}')
    stand_in(disk_dir, "sudo", '[ "$1" = -n ] && exit 0; exec "$@"')
    result, _ = setup(clone, disk_dir)
    assert result.returncode == 0, result.stderr
    calls = log.read_text().splitlines()
    assert "update" in calls[0]
    assert calls[1].endswith("install -y --no-install-recommends libsnappy-dev")
    assert len(calls) == 2


def test_where_all_is_there_no_server_is_asked(disk_dir):
    for name in ("apt-get", "sudo"):
        (disk_dir / "bin").mkdir(exist_ok=True)
        stand_in(disk_dir, name, f"echo asked >> {disk_dir}/asked; exit 1")
    result, seconds = setup(ROOT, disk_dir)
    assert result.returncode == 0, result.stderr
    assert not (disk_dir / "asked").exists()
    assert seconds < 10


def test_an_old_swift_is_named(clone, disk_dir):
    stand_in(disk_dir, "swift", 'echo "Swift version 5.9.2 (swift-5.9.2-RELEASE)"')
    result, _ = setup(clone, disk_dir)
    assert result.returncode == 1
    assert "Swift 5.9 is installed; 6.3 or later is needed" in result.stderr


def test_a_full_disk_is_named(clone, disk_dir):
    stand_in(disk_dir, "df", "printf 'h\\n/dev/x 100 90 1000 90%% /\\n'")
    result, _ = setup(clone, disk_dir)
    assert result.returncode == 1
    assert "GiB free" in result.stderr and "4 GiB" in result.stderr
