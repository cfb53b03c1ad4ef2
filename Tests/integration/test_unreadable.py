"""A part of a log that the medium does not give: a start waits for it, reports for the start."""

import json
import subprocess
import time

import pytest

from conftest import binary, build_preload, wait_until
from service_flow import ready, report, wait_rows

pytest_plugins = ("service_flow",)

# Fewer than the ids that are remembered of one node.
COUNT = 24


@pytest.fixture(scope="module")
def blind_reads(tmp_path_factory):
    return build_preload("blind_reads", tmp_path_factory.mktemp("preload"))


@pytest.fixture
def log(start_aggregator):
    """The log of a service that was killed with reports of which none is stored."""
    service = start_aggregator()
    for minute in range(COUNT):
        assert service.post(report(minute=minute)).status == 200
    service.kill()
    (log,) = service.data_dir.glob("*.log")
    return log


@pytest.fixture
def start_blind(start_aggregator, blind_reads, disk_dir, log):
    """start_blind(**settings): the service with a sector of the log that cannot be read, and the
    file whose removal heals it."""
    control = disk_dir / "blind"
    # The middle: headers of frames are in it.
    middle = log.stat().st_size // 2
    control.write_text(f"/{log.name} {middle} {middle + 512}\n")

    def launch(**settings):
        return start_aggregator(LD_PRELOAD=blind_reads, BLIND_READS=control, **settings), control

    return launch


WAITS = "a file of DATA_DIR cannot be read in whole: it is tried again before reports are taken"


def test_what_comes_back_while_the_start_waits_is_stored_once(start_blind, kubeconfig):
    service, control = start_blind(KUBECONFIG=kubeconfig)
    service.wait_for(WAITS)
    assert service.get("/livez").status == 200
    assert service.get("/readyz").status == 503
    refused = service.post(report(minute=COUNT))
    assert refused.status == 503 and int(refused.headers["Retry-After"]) > 0
    control.unlink()
    wait_until(lambda: service.get("/readyz").status == 200, 20, "readiness")
    ready(service)
    # Known, all of them.
    for minute in range(COUNT + 1):
        assert service.post(report(minute=minute)).status == 200
    assert service.stop() == 0
    assert len(wait_rows(service, COUNT + 1)) == COUNT + 1
    assert "could not be read for long" not in service.log()


def test_sigterm_ends_a_start_that_waits(start_blind, log):
    service, _ = start_blind()
    service.wait_for(WAITS)
    start = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - start < 2
    assert log.exists() and not log.with_suffix(".holes").exists()


def test_what_was_given_up_is_stored_once_though_it_can_be_read_again(
    start_blind, start_aggregator, kubeconfig, log
):
    service, _ = start_blind()
    service.wait_for("a part of the log could not be read for long", timeout=90)
    wait_until(lambda: service.get("/readyz").status == 200, 20, "readiness")
    # The next start knows without reading; what it has not is taken again.
    service.kill()
    service, control = start_blind()
    wait_until(lambda: service.get("/readyz").status == 200, 20, "readiness")
    assert WAITS not in service.log()
    holes = log.with_suffix(".holes")
    inspected = json.loads(
        subprocess.run(
            [binary("aggregator"), "inspect", service.data_dir, "--json"],
            capture_output=True,
            text=True,
        ).stdout
    )
    assert any(
        damage["kind"] == "log_holes" and damage["file"] == holes.name
        for damage in inspected["damage"]
    )
    for minute in range(COUNT):
        assert service.post(report(minute=minute)).status == 200
    service.kill()
    control.unlink()
    service = ready(start_aggregator(KUBECONFIG=kubeconfig))
    for minute in range(COUNT):
        assert service.post(report(minute=minute)).status == 200
    assert service.stop() == 0
    assert len(wait_rows(service, COUNT)) == COUNT
    assert not holes.exists() and not log.exists()
    assert log.with_name(f"{log.name}.quarantine").exists()
