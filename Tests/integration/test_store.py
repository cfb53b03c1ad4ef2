"""The delivery against two independent S3 servers and a directory, and behind faults."""

import os
import subprocess
import time

import pytest

from store_flow import (
    BUCKET,
    ERROR,
    SIZES,
    check_delivered,
    check_stored,
    client,
    content,
    keys_for,
)
from store_servers import FaultProxy

pytest_plugins = ("store_flow",)


@pytest.mark.parametrize("server", ["rclone", "moto"])
def test_objects_of_each_size_arrive(flow, request, server):
    port = request.getfixturevalue(server)
    result = flow.order(SIZES, keys_for(f"http://127.0.0.1:{port}"))
    check_delivered(result, SIZES)
    check_stored(client(port), SIZES)
    check = next(line for line in result["lines"] if "S3 check" in line)
    assert "bucket=usage prefix=k8s-metrics/ region=us-east-1" in check
    assert f"endpoint=http://127.0.0.1:{port} credentials=environment result=ok" in check
    ends = [line for line in result["lines"] if "S3 upload done" in line]
    assert len(ends) == 3
    assert all(
        "rows=7" in line and f"bytes={size}" in line
        for line, size in zip(sorted(ends, key=lambda e: e.split("key=")[1]), SIZES, strict=True)
    )


@pytest.mark.parametrize("server", ["rclone", "moto"])
def test_restart_proves_before_it_creates(flow, request, server):
    """Half of the objects are stored already: none is written twice, even where it could be."""
    port = request.getfixturevalue(server)
    proxy = FaultProxy(port)
    s3 = client(port)
    key = "k8s-metrics/cluster_name=c%3A1/dt=2026-11-24/w-1.parquet"
    s3.put_object(Bucket=BUCKET, Key=key, Body=content(70000, 1))
    result = flow.order((70000, 6 << 20), keys_for(proxy.url), recovered=True)
    check_delivered(result, (70000, 6 << 20))
    check_stored(s3, (70000, 6 << 20))
    assert not any(line.startswith("PUT") and "w-1." in line for line in proxy.requests)
    assert "found stored by an earlier attempt" in result["text"]
    proxy.close()


def test_leftovers_of_an_ended_process_are_aborted(flow, moto):
    """Parts of an object that was never sealed go with the next start, by the upload's record."""
    env = keys_for(f"http://127.0.0.1:{moto}")
    flow.order((20 << 20,), env, unsealed=True, timeout=3)
    s3 = client(moto)
    uploads = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert len(uploads) == 1
    # Another key that begins alike is not ours.
    other = s3.create_multipart_upload(Bucket=BUCKET, Key=uploads[0]["Key"] + "-other")["UploadId"]
    (flow.directory / "data" / "00000000000000000001-0.parquet.tmp").unlink()
    result = flow.order((), env, timeout=3)
    left = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert [u["UploadId"] for u in left] == [other], result["text"]
    assert result["files"] == []


def test_growing_upload_is_completed_and_not_redone(flow, moto):
    """The file gets its final name before the seal: what was sent by then counts."""
    lines = []

    def watch(line, _):
        lines.append(line)

    proxy = FaultProxy(moto, watch)
    size = (32 << 20) + 12345
    check_delivered(flow.order((size,), keys_for(proxy.url)), (size,))
    check_stored(client(moto), (size,))
    assert sum(line.startswith("POST") and "uploads" in line for line in lines) == 1, lines
    assert sum("partNumber=" in line for line in lines) == 5, lines
    assert not any(line.startswith("DELETE") for line in lines), lines
    proxy.close()


def test_lost_answers(flow, moto):
    """Each answer is lost once, after it took effect: objects are there once, no upload is left."""
    lost = set()

    def fault(line, _):
        kind = line.split("?")[-1].split("=")[0] if "?" in line else ""
        step = (line.split()[0], kind, "w-1." in line)
        if line.split()[0] in ("PUT", "POST") and step not in lost:
            lost.add(step)
            return ("forward-reset",)
        return None

    proxy = FaultProxy(moto, fault)
    sizes = (1024, 10 << 20)
    result = flow.order(sizes, keys_for(proxy.url))
    check_delivered(result, sizes)
    check_stored(client(moto), sizes)
    assert len(lost) == 4, lost
    proxy.close()


@pytest.mark.parametrize(
    "fault",
    [
        ("answer", 200, ERROR % b"InternalError"),
        ("lose", 200, ERROR % b"InternalError"),
        ("lose", 200, b"   \n"),
        ("answer", 503, ERROR % b"SlowDown"),
        ("answer", 500, b"<html>"),
        ("answer", 409, ERROR % b"ConditionalRequestConflict"),
        ("answer", 400, ERROR % b"InvalidPart"),
        ("answer", 200, b"<html>a proxy</html>"),
    ],
    ids=lambda f: f"{f[0]}-{f[1]}-{f[2][-40:-35].decode(errors='replace').strip()}",
)
def test_complete_that_went_wrong(flow, moto, fault):
    failed = []

    def once(line, _):
        if line.startswith("POST") and "uploadId=" in line and not failed:
            failed.append(line)
            return fault
        return None

    proxy = FaultProxy(moto, once)
    result = flow.order((9 << 20,), keys_for(proxy.url))
    check_delivered(result, (9 << 20,))
    check_stored(client(moto), (9 << 20,))
    assert failed
    proxy.close()


def test_part_that_went_wrong(flow, moto):
    faults = [("reset",), ("answer", 503, ERROR % b"SlowDown"), ("answer", 500, b"")]

    def next_fault(line, _):
        return faults.pop() if "partNumber=" in line and faults else None

    proxy = FaultProxy(moto, next_fault)
    result = flow.order((20 << 20,), keys_for(proxy.url))
    check_delivered(result, (20 << 20,))
    check_stored(client(moto), (20 << 20,))
    assert not faults
    proxy.close()


def test_if_none_match_is_sent_and_can_be_switched_off(flow, moto):
    def fault(line, _):
        headers = proxy.seen_headers[-1][1]
        if headers.get("If-None-Match"):
            return ("answer", 501, ERROR % b"NotImplemented")
        return None

    proxy = FaultProxy(moto, fault)
    result = flow.order((1024, 6 << 20), keys_for(proxy.url))
    check_delivered(result, (1024, 6 << 20))
    assert "S3 does not know If-None-Match" in result["text"]
    sent = [h for line, h in proxy.seen_headers if h.get("If-None-Match")]
    assert sent and all(h["If-None-Match"] == "*" for h in sent)
    proxy.close()


def test_foreign_object_is_kept(flow, moto):
    s3 = client(moto)
    key = "k8s-metrics/cluster_name=c%3A1/dt=2026-11-24/w-1.parquet"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"theirs")
    result = flow.order((1024,), keys_for(f"http://127.0.0.1:{moto}"))
    assert result["delivered"] == []
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"theirs"
    assert "critical S3 upload stopped" in result["text"]
    assert "00000000000000000001-0.parquet" in result["files"]


def test_wrong_key_is_named(flow, rclone):
    env = keys_for(f"http://127.0.0.1:{rclone}", AWS_SECRET_ACCESS_KEY="wrong")
    result = flow.order((1024,), env, timeout=2)
    assert not result["isDrained"]
    assert "result=GET ?list-type: 403" in result["text"]
    assert "00000000000000000001-0.parquet" in result["files"]


def test_missing_bucket_is_named(flow, moto):
    env = keys_for(f"http://127.0.0.1:{moto}", S3_BUCKET="nowhere")
    result = flow.order((1024,), env, timeout=2)
    assert "404 NoSuchBucket" in result["text"]
    assert "S3 upload failed, next try in 60.0 s" in result["text"]


def test_unreachable_store_is_outlived(flow, moto):
    """Refused connections, then a store: what waited arrives within seconds."""
    begin = time.monotonic()

    def fault(_, __):
        return ("answer", 503, b"") if time.monotonic() < begin + 3 else None

    proxy = FaultProxy(moto, fault)
    result = flow.order((1024, 9 << 20), keys_for(proxy.url))
    check_delivered(result, (1024, 9 << 20))
    assert "S3 upload retry in" in result["text"]
    proxy.close()


def test_directory_store(flow):
    target = flow.directory / "table"
    env = {"STORAGE_URL": f"file://{target}"}
    result = flow.order((1024, 6 << 20), env)
    check_delivered(result, (1024, 6 << 20))
    for n, size in enumerate((1024, 6 << 20)):
        path = target / f"k8s-metrics/cluster_name=c%3A1/dt=2026-11-24/w-{n + 1}.parquet"
        assert path.read_bytes() == content(size, n + 1)
    assert sum(1 for p in target.rglob("*") if p.is_file()) == 2
    assert "Store check, in place of S3" in result["text"]


def test_directory_store_on_another_file_system(flow):
    """DATA_DIR and table on two file systems: the object appears whole, by way of a hidden copy."""
    shared_memory = f"/dev/shm/store-test-{os.getpid()}"
    if os.stat("/dev/shm").st_dev == os.stat(flow.directory).st_dev:
        pytest.skip("/dev/shm is on the same file system")
    try:
        result = flow.order((70000,), {"STORAGE_URL": f"file://{shared_memory}"})
        check_delivered(result, (70000,))
        found = [os.path.join(d, f) for d, _, fs in os.walk(shared_memory) for f in fs]
        assert len(found) == 1
        with open(found[0], "rb") as file:
            assert file.read() == content(70000, 1)
    finally:
        subprocess.run(["rm", "-rf", shared_memory], check=True)
