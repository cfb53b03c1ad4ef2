"""The table's 35 columns, and small tables of known content in both services' layouts."""

import datetime as dt
import json
import subprocess

import pyarrow as pa

from conftest import binary

STRINGS = pa.list_(pa.field("element", pa.string()))
INSTANT = pa.timestamp("us", tz="UTC")
GIB = 1 << 30

SCHEMA = pa.schema(
    [
        ("timestamp", pa.string()),
        ("cluster_id", pa.string()),
        ("node_name", pa.string()),
        ("ec2_instance_id", pa.string()),
        ("pod_id", pa.string()),
        ("namespace", pa.string()),
        ("owner", pa.string()),
        ("cpu_usage_cores", pa.float64()),
        ("memory_usage_bytes", pa.int64()),
        ("net_tx_bytes", pa.int64()),
        ("net_rx_bytes", pa.int64()),
        ("requests_cpu_millicores", pa.int64()),
        ("requests_memory_bytes", pa.int64()),
        ("limits_cpu_millicores", pa.int64()),
        ("limits_memory_bytes", pa.int64()),
        ("labels", STRINGS),
        ("annotations", STRINGS),
        ("pvc_count", pa.int32()),
        ("total_pvc_storage_bytes", pa.int64()),
        ("pvc_names", STRINGS),
        ("aws_volume_ids", STRINGS),
        ("pod_name", pa.string()),
        ("owner_kind", pa.string()),
        ("pod_start_time", INSTANT),
        ("collected_at", INSTANT),
        ("requests_storage_bytes", pa.int64()),
        ("limits_storage_bytes", pa.int64()),
        ("node_instance_type", pa.string()),
        ("node_zone", pa.string()),
        ("node_capacity_type", pa.string()),
        ("workload", pa.string()),
        ("workload_kind", pa.string()),
        ("qos_class", pa.string()),
        ("priority_class", pa.string()),
        ("gpu_requests", pa.int64()),
    ]
)

DAY = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)


def row(pod, namespace, minute, **columns):
    """A row of `pod` that minute of DAY; what is not given is null."""
    at = DAY + dt.timedelta(minutes=minute)
    values = dict.fromkeys(SCHEMA.names)
    values.update(
        timestamp=at.isoformat(),
        collected_at=at,
        cluster_id="c1",
        node_name="n1",
        pod_id=pod,
        pod_name=pod,
        namespace=namespace,
    )
    unknown = set(columns) - set(values)
    assert not unknown, unknown
    values.update(columns)
    return values


def write(root, rows, columns=35):
    """Writes rows below root with the product's own writer, a file for each cluster and date; with
    fewer columns, as a version would have that lacked the last ones."""
    partitions = {}
    for r in rows:
        key = f"cluster_name={r['cluster_id']}/dt={r['collected_at'].date()}"
        partitions.setdefault(key, []).append(
            {k: micros(v) for k, v in list(r.items())[:columns] if v is not None}
        )
    for key, part in partitions.items():
        subprocess.run(
            [binary("write-sample"), root / key],
            input=json.dumps({"row_groups": [part], "column_count": columns}).encode(),
            check=True,
            timeout=60,
        )
    return [root / key / "rows.parquet" for key in partitions]


def micros(value):
    """An instant as its column holds it; other values as they are."""
    return round(value.timestamp() * 1e6) if isinstance(value, dt.datetime) else value


def example():
    """Two namespaces over 20 minutes; the numbers that the queries must give are in the tests.

    - shop/web: two cores for two 5-minute samples, then a gap of an hour, capped at 10 minutes.
      Its successor web-2 mounts the same claim. Its send counter restarts once.
    - batch/job: not in the index (requests null), one sample a minute.
    """
    known = dict(
        requests_cpu_millicores=4000,
        requests_memory_bytes=2 * GIB,
        labels=[],
        annotations=[],
        pvc_count=1,
        total_pvc_storage_bytes=10 * GIB,
        pvc_names=["data-web-0"],
        aws_volume_ids=["vol-1"],
        workload="web",
        workload_kind="StatefulSet",
    )
    web = dict(cpu_usage_cores=2.0, memory_usage_bytes=GIB, **known)
    rows = [
        row("web", "shop", 0, net_tx_bytes=100 * GIB, net_rx_bytes=0, **web),
        row("web", "shop", 5, net_tx_bytes=101 * GIB, net_rx_bytes=GIB, **web),
        row("web", "shop", 10, net_tx_bytes=2 * GIB, net_rx_bytes=GIB, **web),
        row("web", "shop", 70, net_tx_bytes=2 * GIB, net_rx_bytes=GIB, **web),
        row("web-2", "shop", 71, cpu_usage_cores=9.0, memory_usage_bytes=GIB, **known),
    ]
    for minute in range(11):
        rows.append(row("job", "batch", minute, cpu_usage_cores=0.6, memory_usage_bytes=3 * GIB))
    # Yesterday's partition: not the last column of the same day.
    rows.append(row("job", "batch", -60 * 5, cpu_usage_cores=6.0, memory_usage_bytes=0))
    return rows
