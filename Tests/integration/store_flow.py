"""One delivery of the Swift test bundle (suite StoreFlowTests), and the S3 servers that it goes to.

The bundle makes files as ordered, lets them grow, seals them and reports what became of them; the
tests then look into the store.
"""

import json
import socket
import struct
import subprocess

import boto3
import pytest
from botocore.config import Config

from conftest import ROOT, Running, base_environment, free_port, request, wait_until

KEY_ID, SECRET = "AKIDTESTONLY", "secret-for-tests-only"
BUCKET = "usage"
ERROR = b"<?xml version='1.0'?>\n<Error><Code>%s</Code><Message>m</Message></Error>"
SIZES = (1024, 6 << 20, (32 << 20) + 12345)


def bundle():
    for configuration in ("debug", "release"):
        path = ROOT / ".build" / configuration / "aggregatorPackageTests.xctest"
        if path.exists():
            return path
    pytest.fail("the test bundle is not built: run `make test`")


def content(byte_count, segment):
    """The bytes that the Swift side writes."""
    words = (byte_count + 7) // 8
    step, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
    value, out = segment, []
    for _ in range(words):
        out.append(value)
        value = (value + step) & mask
    return struct.pack(f"<{words}Q", *out)[:byte_count]


class Flow:
    def __init__(self, directory):
        self.directory = directory
        self.count = 0

    def order(self, sizes=(1024,), env=None, timeout=30.0, **changes):
        """Runs one delivery; the result has delivered, isDrained, lines and files."""
        self.count += 1
        data = self.directory / "data"
        order = {
            "dataDirectory": str(data),
            "objects": [
                {
                    "segment": n + 1,
                    "partition": 0,
                    "key": f"k8s-metrics/cluster_name=c%3A1/dt=2026-11-24/w-{n + 1}.parquet",
                    "byteCount": size,
                    "isThere": changes.get("there", False),
                }
                for n, size in enumerate(sizes)
            ],
            "recovered": changes.get("recovered", False),
            "unsealed": changes.get("unsealed", False),
            "timeoutSeconds": timeout,
            "result": str(self.directory / f"result-{self.count}.json"),
        }
        path = self.directory / f"order-{self.count}.json"
        path.write_text(json.dumps(order))
        environment = base_environment() | {
            "STORE_FLOW": str(path),
            "S3_BUCKET": BUCKET,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(self.directory),
        }
        environment |= env or {}
        done = subprocess.run(
            [bundle(), "--testing-library", "swift-testing", "--filter", "StoreFlowTests"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout + 60,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        result = json.loads((self.directory / f"result-{self.count}.json").read_text())
        for line in result["lines"]:
            assert SECRET not in line and "\n" not in line
        result["text"] = "\n".join(result["lines"])
        return result


@pytest.fixture
def flow(disk_dir):
    return Flow(disk_dir)


def client(port):
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def wait_for_port(port):
    def is_open():
        with socket.socket() as s:
            s.settimeout(0.2)
            return s.connect_ex(("127.0.0.1", port)) == 0

    wait_until(is_open, 30, f"port {port}")


@pytest.fixture
def rclone(start, disk_dir):
    """rclone serve s3 with keys that it checks; the port."""
    port = free_port()
    (disk_dir / "rclone" / BUCKET).mkdir(parents=True)
    start(
        [
            *(ROOT / ".build/venv/bin/rclone", "serve", "s3", "--addr", f"127.0.0.1:{port}"),
            *("--auth-key", f"{KEY_ID},{SECRET}", "--config", "/dev/null", disk_dir / "rclone"),
        ],
        name="rclone",
    )
    wait_for_port(port)
    return port


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory):
    """One moto for all tests; its port."""
    port = free_port()
    log = tmp_path_factory.mktemp("moto") / "moto.log"
    moto = [ROOT / ".build/venv/bin/moto_server", "-H", "127.0.0.1", "-p", str(port)]
    process = Running(moto, log=log)
    wait_for_port(port)
    yield port
    process.close()


@pytest.fixture
def moto(moto_server):
    """moto's S3 with nothing in it but an empty bucket; the port."""
    request(moto_server, "POST", "/moto-api/reset")
    client(moto_server).create_bucket(Bucket=BUCKET)
    return moto_server


def keys_for(url, **more):
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    } | more


def check_stored(s3, sizes):
    for n, size in enumerate(sizes):
        key = f"k8s-metrics/cluster_name=c%3A1/dt=2026-11-24/w-{n + 1}.parquet"
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert body == content(size, n + 1), key
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")


def check_delivered(result, sizes):
    assert result["isDrained"], result["text"]
    assert result["delivered"] == list(range(1, len(sizes) + 1)), result["text"]
    assert result["files"] == []
