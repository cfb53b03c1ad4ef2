"""What tests of the whole service share: an API server, reports, and the rows that come of them."""

import datetime as dt

import pyarrow.parquet as pq
import pytest

from apiserver import DEFAULT_TOKEN, APIServer
from conftest import wait_until, write_kubeconfig
from usage_table import SCHEMA


@pytest.fixture
def api(disk_dir):
    with APIServer(disk_dir / "api") as server:
        yield server


@pytest.fixture
def kubeconfig(disk_dir, api):
    return write_kubeconfig(disk_dir / "api.kubeconfig", api.url, ca=api.ca, token=DEFAULT_TOKEN)


def report(node="worker-1", minute=0, pods=(("uid-1", "default", "app"),), **members):
    """A report as the collector writes it."""
    at = dt.datetime(2026, 3, 4, 10, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)
    return {
        "timestamp": at.isoformat(),
        "node_name": node,
        "hostname": node,
        "ec2_instance_id": "i-0123456789abcdef0",
        "pods": [
            {
                "pod_id": uid,
                "namespace": namespace,
                "name": name,
                "cpu_usage_cores": 0.123456789,
                "memory_usage_bytes": 1 << 30,
                "net_tx_bytes": 10,
                "net_rx_bytes": None,
                "pod_start_time": "2026-03-04T09:00:00+00:00",
            }
            for uid, namespace, name in pods
        ],
        **members,
    }


def rows(service):
    """All rows of all finished objects, as dicts; each object must have the table's schema."""
    found = []
    for path in service.objects():
        table = pq.ParquetFile(path).read()
        assert table.schema.names == SCHEMA.names
        assert table.schema.types == SCHEMA.types
        found += table.to_pylist()
    return found


def wait_rows(service, count, timeout=20):
    wait_until(lambda: len(rows(service)) >= count, timeout, f"{count} rows; {service.tail()}")
    found = rows(service)
    assert len(found) == count
    return found


def ready(service, timeout=20):
    wait_until(
        lambda: service.get("/health").status == 200, timeout, f"readiness; {service.tail()}"
    )
    return service
