"""Small batches of known content, and the rows that they must become.

The rows are computed here from the same description, by a second, plain join: no line of it is
shared with the product.
"""

import datetime as dt
import json
import random
import uuid

import pyarrow as pa

from usage_table import SCHEMA

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
RESOURCES = [
    "requests_cpu_millicores",
    "requests_memory_bytes",
    "limits_cpu_millicores",
    "limits_memory_bytes",
    "requests_storage_bytes",
    "limits_storage_bytes",
    "gpu_requests",
]


def at(minute, second=0, micros=0, day=24):
    """A collector's timestamp, as datetime.isoformat() spells it."""
    base = dt.datetime(2026, 11, day, tzinfo=dt.UTC)
    return (base + dt.timedelta(minutes=minute, seconds=second, microseconds=micros)).isoformat()


def report(timestamp, pods, node="node-a", instance="i-0123456789abcdef0"):
    return {
        "timestamp": timestamp,
        "node_name": node,
        "hostname": node,
        "ec2_instance_id": instance,
        "pods": pods,
    }


def sample(pod_id, namespace="default", name=None, **values):
    """A pod of a report."""
    pod = {"pod_id": pod_id, "namespace": namespace, "name": name or "name-of-" + pod_id}
    return pod | values


def pod(workload="web", **known):
    """What the index knows of a pod."""
    return {
        "workload": workload,
        "workload_kind": "Deployment",
        "owner": workload + "-5d8f",
        "owner_kind": "ReplicaSet",
        "labels": [],
        "annotations": [],
    } | known


def batch(reports, pods=None, nodes=None):
    return {"reports": reports, "pods": pods or {}, "nodes": nodes or {}}


# The plain join.


def instant(text):
    """A date-time as a datetime cut to microseconds; None before 1900."""
    value = dt.datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    return None if value.astimezone(dt.UTC).year < 1900 else value


def joined(batches, cluster_name):
    """The rows of the batches, in no order."""
    rows = []
    for b in batches:
        for r in b["reports"]:
            for p in r["pods"]:
                rows.append(row(r, p, b["pods"].get(p["pod_id"]), b["nodes"].get(r["node_name"])))
                cluster = (b["nodes"].get(r["node_name"]) or {}).get("cluster")
                rows[-1]["cluster_id"] = cluster or cluster_name or "unknown"
    return rows


def row(r, p, known, node):
    values = dict.fromkeys(SCHEMA.names)
    node = node or {}
    values.update(
        timestamp=r["timestamp"],
        collected_at=instant(r["timestamp"]),
        node_name=r["node_name"],
        ec2_instance_id=r["ec2_instance_id"] or node.get("instance_id"),
        pod_id=p["pod_id"],
        namespace=p["namespace"],
        pod_name=p["name"],
        node_instance_type=node.get("instance_type"),
        node_zone=node.get("zone"),
        node_capacity_type=node.get("capacity_type"),
    )
    if p.get("pod_start_time"):
        values["pod_start_time"] = instant(p["pod_start_time"])
    for name in ("cpu_usage_cores", "memory_usage_bytes", "net_tx_bytes", "net_rx_bytes"):
        values[name] = p.get(name)
    if known is None:
        return values
    for name in ("owner", "owner_kind", "workload", "workload_kind", "qos_class", "priority_class"):
        values[name] = known.get(name)
    for name in RESOURCES:
        values[name] = (known.get("resources") or {}).get(name, 0)
    claims = known.get("claims") or []
    values.update(
        labels=known["labels"],
        annotations=known["annotations"],
        pvc_names=[c["name"] for c in claims],
        pvc_count=len(claims),
        total_pvc_storage_bytes=sum(c.get("storage_bytes") or 0 for c in claims),
        aws_volume_ids=[c["volume_id"] for c in claims if c.get("volume_id")],
    )
    return values


def table(rows):
    return pa.Table.from_pylist(rows, schema=SCHEMA)


# The cases.


def typical(random_seed=7, batch_count=1, pod_count=60, report_count=20):
    """Pods of a few workloads on two nodes; a tenth has claims, some are not in the index."""
    rng = random.Random(random_seed)
    nodes = {
        "node-a": {"instance_type": "m5.large", "zone": "us-east-1a", "capacity_type": "spot"},
        "node-b": {"instance_id": "i-0fedcba9876543210", "zone": "us-east-1b"},
    }
    known = {}
    ids = [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(pod_count)]
    for index, pod_id in enumerate(ids):
        if index % 9 == 0:
            continue
        claims = [
            {"name": f"data-{index}", "storage_bytes": 5 << 30, "volume_id": f"vol-{index:017x}"}
        ]
        known[pod_id] = pod(
            f"workload-{index % 7}",
            labels=[f"app=workload-{index % 7}", "team=a"][: index % 3],
            annotations=[f"note={rng.random()}" for _ in range(index % 4)],
            claims=claims if index % 10 == 1 else [],
            qos_class=["Burstable", "Guaranteed", "BestEffort"][index % 3],
            priority_class="high" if index % 5 == 0 else None,
            resources={name: rng.randrange(1 << 40) for name in RESOURCES} if index % 2 else {},
        )
    batches = []
    for b in range(batch_count):
        reports = []
        for r in range(report_count):
            for n, node in enumerate(nodes):
                pods = [
                    sample(
                        pod_id,
                        f"namespace-{i % 5}",
                        pod_start_time=at(-i) if i % 4 else None,
                        cpu_usage_cores=rng.random() * 8,
                        memory_usage_bytes=rng.randrange(1 << 34),
                        net_tx_bytes=rng.randrange(1 << 50) if i % 6 else None,
                        net_rx_bytes=rng.randrange(1 << 50),
                    )
                    for i, pod_id in enumerate(ids)
                    if i % 2 == n
                ]
                instance = None if node == "node-b" else "i-0123456789abcdef0"
                stamp = at(r, second=b, micros=rng.randrange(1_000_000))
                reports.append(report(stamp, pods, node, instance))
        batches.append(batch(reports, known, nodes))
    return batches


def all_null():
    """Nothing known, nothing measured, and instants before 1900."""
    pods = [sample(f"p{i}", pod_start_time="1899-12-31T23:59:59Z") for i in range(20)]
    return [batch([report("1850-01-01T00:00:00Z", pods, instance=None)])]


def empty_and_null_lists():
    known = {}
    for i in range(0, 30, 2):
        known[f"p{i:02d}"] = pod(labels=["a=1"] * (i % 3), annotations=["b=2"] if i % 4 else [])
    pods = [sample(f"p{i:02d}") for i in range(30)]
    return [batch([report(at(m), pods) for m in range(3)], known)]


def unicode_text():
    texts = [
        "ü" * 40,
        "日本語" * 30,
        "a" * 63 + "é",
        "a" * 64 + "z",
        "\U0010ffff" * 20,
        "𝄞𝄞",
        "\x7f" * 70,
    ]
    texts += ["\ud7ff" * 30, "e\u0301", "x" * 61 + "\U0010ffff!", " ", "\u0001", "\ufeffb"]
    known = {
        f"{i}-{t}": pod(t, labels=[f"k={t}", t], annotations=[t * 3], owner=t)
        for i, t in enumerate(texts)
    }
    pods = [sample(f"{i}-{t}", t, t) for i, t in enumerate(texts)]
    return [batch([report(at(m), pods, "knoten-ß") for m in range(2)], known)]


def one_row():
    return [batch([report(at(0), [sample("p", cpu_usage_cores=0.25)])], {"p": pod(labels=["a=b"])})]


def no_pods_beside():
    return [batch([report(at(0), []), report(at(1), [sample("p")]), report(at(2), [], "node-b")])]


def two_dates():
    pods = [sample(f"p{i}", cpu_usage_cores=i / 3) for i in range(12)]
    stamps = [at(-10), at(0), at(5), "2026-11-24T01:30:00+02:00"]
    return [batch([report(t, pods) for t in stamps], {"p1": pod()})]


def pages():
    """70,000 rows: several pages, whose ends fall inside a pod's rows; long lists among them."""
    rng = random.Random(11)
    known = {}
    for i in range(0, 250):
        labels = [f"key-{i}-{k}=value" for k in range([0, 1, 3, 8, 120][i % 5])]
        known[f"pod-{i:04d}"] = pod(labels=labels, annotations=[f"n={i}"] if i % 3 else [])
    reports = []
    for r in range(280):
        pods = [
            sample(
                f"pod-{i:04d}",
                f"ns-{i // 90}",
                cpu_usage_cores=rng.random(),
                memory_usage_bytes=4096 * rng.randrange(1 << 20) if (i + r) % 50 else None,
                net_tx_bytes=r * 1000 + i,
                net_rx_bytes=0,
            )
            for i in range(250)
        ]
        reports.append(report(at(r, micros=r), pods))
    return [batch(reports, known)]


def without_dictionary():
    """Each pod once: pod_id and pod_name are distinct short texts, which go PLAIN."""
    pods = [sample(f"p{i:05d}", pod_start_time=at(i, micros=i)) for i in range(2000)]
    return [batch([report(at(0), pods)])]


def cut_by_text():
    """20 MiB of distinct annotations: more than one dictionary page may hold."""
    known = {
        f"p{i:03d}": pod(annotations=[f"{i}=" + chr(97 + i % 26) * 100_000]) for i in range(210)
    }
    pods = [sample(f"p{i:03d}", cpu_usage_cores=i) for i in range(210)]
    return [batch([report(at(m), pods) for m in range(2)], known)]


def out_of_order():
    rng = random.Random(5)
    minutes = list(range(40))
    rng.shuffle(minutes)
    pods = [sample(f"p{i}", ["b", "a"][i % 2], memory_usage_bytes=i) for i in range(9)]
    return [batch([report(at(m), pods) for m in minutes], {"p3": pod()})]


def two_names():
    """One pod_id under two names and two start times, in turn."""
    reports = []
    for m in range(30):
        pods = [
            sample("static", name=["one", "two"][m % 2], pod_start_time=at(m % 3)),
            sample("other"),
            sample("static", namespace="elsewhere"),
        ]
        reports.append(report(at(m), pods))
    return [batch(reports, {"static": pod("static", labels=["a=b"])})]


def numbers():
    """The ends of the ranges, zeros of both signs, and nulls among them."""
    doubles = [0.0, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3, None]
    integers = [0, 1, (1 << 63) - 1, (1 << 53) + 1, None, 1 << 62]
    pods = [
        sample(
            f"p{i:03d}",
            cpu_usage_cores=doubles[i % 6],
            memory_usage_bytes=integers[i % 6],
            net_tx_bytes=integers[(i + 1) % 6],
            net_rx_bytes=None if i % 7 else i,
        )
        for i in range(100)
    ]
    big = pod(
        resources={"requests_memory_bytes": (1 << 63) - 1},
        claims=[{"name": "a", "storage_bytes": (1 << 63) - 1}, {"name": "b"}],
    )
    return [batch([report(at(m), pods) for m in range(2)], {"p001": big, "p002": pod()})]


def far_repeats():
    """70,000 rows whose times repeat from 70,000 bytes of indexes back, and from nowhere nearer.

    Each of 100 nodes reports at 350 times of its own and has two pods; in the order of the rows
    all first pods come before all second ones.
    """
    reports = []
    for r in range(350):
        for n in range(100):
            pods = [sample(f"{half}-{n:03d}", net_tx_bytes=r) for half in ("a", "b")]
            reports.append(report(at(r, micros=n * 7919 % 1009), pods, f"node-{n:03d}"))
    return [batch(reports)]


def counters():
    """Counters that grow by little from far apart beginnings, a pod known late among them, and a
    column whose first page has no value."""
    rng = random.Random(13)
    starts = [rng.randrange(1 << 48) for _ in range(200)]
    reports = []
    for r in range(200):
        pods = []
        for i, start in enumerate(starts):
            starts[i] = start + rng.randrange(1 << 24)
            pods.append(
                sample(
                    f"pod-{i:03d}",
                    cpu_usage_cores=rng.randrange(10**9) / 1e9,
                    memory_usage_bytes=4096 * (i * 1000 + rng.randrange(50)),
                    net_tx_bytes=starts[i] if i % 7 or r > 90 else None,
                    net_rx_bytes=r * 1500 if i >= 180 else None,
                )
            )
        reports.append(report(at(r), pods))
    return [batch(reports)]


CASES = {
    "typical": typical,
    "several row groups": lambda: typical(batch_count=3, pod_count=25, report_count=6),
    "all null": all_null,
    "empty and null lists": empty_and_null_lists,
    "unicode": unicode_text,
    "one row": one_row,
    "no pods beside": no_pods_beside,
    "two dates": two_dates,
    "pages": pages,
    "without dictionary": without_dictionary,
    "cut by text": cut_by_text,
    "out of order": out_of_order,
    "two names": two_names,
    "numbers": numbers,
    "counters": counters,
    "far repeats": far_repeats,
}


def description(batches, cluster_name="c-1", encodings="default"):
    """What write-sample reads."""
    encoded = [b | {"reports": [json.dumps(r) for r in b["reports"]]} for b in batches]
    return {"cluster_name": cluster_name, "batches": encoded, "encodings": encodings}
