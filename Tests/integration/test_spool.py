"""A spool that is full: reports are refused unread, and taken again soon after it has drained."""

import hashlib
import json
import socket
import time

import pytest

from conftest import request, wait_until
from service_flow import ready, report, rows
from store_flow import BUCKET, keys_for
from store_servers import FaultProxy

pytest_plugins = ("service_flow", "store_flow")

# The smallest effective limit of the service.
SPOOL_BYTES = 32 << 20
# From when the log can be joined again, or the store answers, to the first 200.
REOPEN_SECONDS = 10.0
PODS = 500


def large_report(number):
    """A report of about 600 KiB that hardly shrinks when it becomes rows."""
    text = hashlib.shake_128(str(number).encode()).hexdigest(PODS * 500)
    names = (text[n * 1000 : (n + 1) * 1000] for n in range(PODS))
    return report(minute=number, pods=[(f"uid-{n}", "default", m) for n, m in enumerate(names)])


def fill(service, taken=0):
    """Posts until the spool is full and stays so, since a segment that ends gives back what it had
    reserved; how many reports were taken, those before included."""
    refusals = 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        reply = service.post(large_report(taken))
        if reply.status == 503:
            assert int(reply.headers["Retry-After"]) > 0
            assert "spool" in reply.json()["error"]
            refusals += 1
            if refusals == 2:
                return taken
            time.sleep(1.5)
            continue
        assert reply.status == 200
        refusals = 0
        taken += 1
    pytest.fail(f"{taken} reports do not fill the spool")


def refusal_of_a_head(service):
    """The answer to a head whose body does not follow."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as s:
        s.sendall(b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n")
        return s.recv(65536).decode()


def seconds_to_200(service, number):
    begun = time.monotonic()
    body = json.dumps(large_report(number))
    wait_until(
        lambda: request(service.port, "POST", "/metrics", body).status == 200, 30, "a 200", 0.1
    )
    return time.monotonic() - begun


def expect_refusal(service):
    head = refusal_of_a_head(service)
    assert head.startswith("HTTP/1.1 503 ") and "retry-after:" in head.lower(), head
    assert service.get("/readyz").status == 503
    assert service.get("/livez").status == 200


def test_a_spool_full_of_log_drains(start_aggregator, kubeconfig, api):
    """The index was out of reach until the log had filled the spool: encoding ignores the limit."""
    api.set_down(True)
    service = start_aggregator(
        KUBECONFIG=kubeconfig, FLUSH_INTERVAL_SECONDS=1, SPOOL_MAX_BYTES=SPOOL_BYTES
    )
    taken = fill(service)
    assert service.metric("aggregator_log_bytes") >= SPOOL_BYTES / 2
    expect_refusal(service)
    service.kill()
    # A start gives back what was reserved and not written.
    service = start_aggregator(
        KUBECONFIG=kubeconfig, FLUSH_INTERVAL_SECONDS=1, SPOOL_MAX_BYTES=SPOOL_BYTES
    )
    taken = fill(service, taken)
    expect_refusal(service)
    api.set_down(False)
    ready(service, 60)
    seconds = seconds_to_200(service, taken)
    print(f"full of log: {taken} reports, first 200 after {seconds:.2f} s")
    assert seconds <= REOPEN_SECONDS
    assert service.stop() == 0
    found = rows(service)
    assert len(found) == (taken + 1) * PODS
    assert len({(row["timestamp"], row["pod_id"]) for row in found}) == len(found)


def test_a_spool_full_of_objects_drains(start_aggregator, kubeconfig, rclone, disk_dir):
    """The store was out of reach until finished objects had filled the spool."""
    is_down = [True]
    proxy = FaultProxy(rclone, lambda *_: ("answer", 503, b"") if is_down[0] else None)
    service = ready(
        start_aggregator(
            **keys_for(proxy.url),
            STORAGE_URL=None,
            S3_BUCKET=BUCKET,
            KUBECONFIG=kubeconfig,
            FLUSH_INTERVAL_SECONDS=1,
            SPOOL_MAX_BYTES=SPOOL_BYTES,
        )
    )
    taken = fill(service)
    expect_refusal(service)
    # What the log held becomes objects, and room.
    wait_until(lambda: service.metric("aggregator_log_bytes") < SPOOL_BYTES, 20, "encoding")
    is_down[0] = False
    seconds = seconds_to_200(service, taken)
    print(f"full of objects: {taken} reports, first 200 after {seconds:.2f} s")
    assert seconds <= REOPEN_SECONDS
    # Uploads whose creation came to nothing are looked for, and there is none in the whole bucket.
    wait_until(lambda: service.metric("aggregator_upload_pending_objects") == 0, 30, "the uploads")
    assert service.stop() == 0
    service.storage = disk_dir / "rclone"
    found = rows(service)
    assert len(found) == (taken + 1) * PODS
    assert len({(row["timestamp"], row["pod_id"]) for row in found}) == len(found)
    proxy.close()
