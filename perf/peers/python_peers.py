"""Hand-written Python: typed or untyped decode, dictionary arrays, pyarrow's writer tuned.

    python_peers.py msgspec|orjson --workload DIR --output FILE [--passes N]
    python_peers.py write|write-sorted …

Columns of a row group are gathered by `map` and `extend`, which never enter the interpreter for a
field. What Kubernetes says of a pod is made into Arrow arrays once, before the clock starts, and
gathered by the pod's ordinal. Fields are taken for granted and nothing is validated.

`write` is the writer alone, from dictionary arrays that are made before the clock starts, in order
of arrival; `write-sorted` the same in the product's order, by pod and time in one row group.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from work import (
    CLUSTER,
    COLUMNS,
    DESCRIBING,
    DICTIONARY_BYTES,
    LISTS,
    MEASURED,
    ROW_GROUP_ROWS,
    Job,
    cpu,
)

TEXTS = pa.dictionary(pa.int32(), pa.string())


class Pod(msgspec.Struct, gc=False):
    pod_id: str
    namespace: str
    cpu_usage_cores: float | None = None
    memory_usage_bytes: int | None = None
    net_tx_bytes: int | None = None
    net_rx_bytes: int | None = None


class Report(msgspec.Struct, gc=False):
    timestamp: str
    node_name: str
    pods: list[Pod]
    ec2_instance_id: str | None = None


class Metadata:
    """What Kubernetes says of the pods, by ordinal."""

    def __init__(self, path: Any) -> None:
        with open(path, "rb") as lines:
            pods = [json.loads(line) for line in lines]
        self.ordinals = {pod["pod_id"]: ordinal for ordinal, pod in enumerate(pods)}
        self.ids = pa.array([pod["pod_id"] for pod in pods])
        self.columns: dict[str, pa.Array] = {
            "owner": pa.array([pod["owner"] for pod in pods]).dictionary_encode()
        }
        for name in DESCRIBING:
            kind = pa.int32() if name == "pvc_count" else pa.int64()
            self.columns[name] = pa.array([pod[name] for pod in pods], kind)
        for name in LISTS:
            lists = pa.array([pod[name] for pod in pods], pa.list_(pa.string()))
            self.columns[name] = pa.ListArray.from_arrays(
                lists.offsets, lists.values.dictionary_encode()
            )


class Columns:
    """The rows of one row group in the making."""

    def __init__(self, metadata: Metadata, get: Callable[[str], Callable[[Any], Any]]) -> None:
        self.metadata = metadata
        self.report = [get(n) for n in ("timestamp", "node_name", "ec2_instance_id", "pods")]
        self.pod_id, self.namespace = get("pod_id"), get("namespace")
        self.numbers = [get(name) for name in MEASURED]
        self.clear()

    def clear(self) -> None:
        self.timestamps: list[str] = []
        self.nodes: list[str] = []
        self.instances: list[str | None] = []
        self.counts: list[int] = []
        self.ids: list[str] = []
        self.namespaces: list[str] = []
        self.measured: list[list[Any]] = [[] for _ in MEASURED]

    def append(self, report: Any) -> None:
        timestamp, node, instance, pods = self.report
        rows = pods(report)
        self.timestamps.append(timestamp(report))
        self.nodes.append(node(report))
        self.instances.append(instance(report))
        self.counts.append(len(rows))
        self.ids.extend(map(self.pod_id, rows))
        self.namespaces.extend(map(self.namespace, rows))
        for values, get in zip(self.measured, self.numbers, strict=True):
            values.extend(map(get, rows))

    def table(self) -> pa.Table:
        """The row group as a table."""
        metadata, row_count = self.metadata, len(self.ids)
        ordinals = pa.array(map(metadata.ordinals.get, self.ids), pa.int32(), size=row_count)
        if ordinals.null_count == 0:
            ids = pa.DictionaryArray.from_arrays(ordinals, metadata.ids)
        else:
            ids = pa.array(self.ids).dictionary_encode()
        reports = pa.array(np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts))

        def of_reports(values: list[Any]) -> pa.Array:
            distinct = pa.array(values, pa.string()).dictionary_encode()
            return pa.DictionaryArray.from_arrays(
                distinct.indices.take(reports), distinct.dictionary
            )

        columns: dict[str, pa.Array] = {
            "timestamp": of_reports(self.timestamps),
            "cluster_id": pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(row_count, dtype=np.int32)), pa.array([CLUSTER])
            ),
            "node_name": of_reports(self.nodes),
            "ec2_instance_id": of_reports(self.instances),
            "pod_id": ids,
            "namespace": pa.array(self.namespaces).dictionary_encode(),
        }
        for name, values in zip(MEASURED, self.measured, strict=True):
            kind = pa.float64() if name == "cpu_usage_cores" else pa.int64()
            columns[name] = pa.array(values, kind)
        for name, values in metadata.columns.items():
            columns[name] = values.take(ordinals)
        return pa.table([columns[name] for name in COLUMNS], schema=schema())


def schema() -> pa.Schema:
    kinds = dict.fromkeys(COLUMNS, TEXTS)
    kinds.update(dict.fromkeys(MEASURED + DESCRIBING, pa.int64()))
    kinds.update(dict.fromkeys(LISTS, pa.list_(pa.field("element", TEXTS))))
    kinds["cpu_usage_cores"] = pa.float64()
    kinds["pvc_count"] = pa.int32()
    return pa.schema([(name, kinds[name]) for name in COLUMNS])


def open_writer(output: Any) -> pq.ParquetWriter:
    """pyarrow's writer, tuned: dictionaries where they pay, and as large as they become."""
    paths = [name + ".list.element" if name in LISTS else name for name in COLUMNS]
    return pq.ParquetWriter(
        output,
        schema(),
        compression="snappy",
        use_dictionary=[path for path in paths if path not in MEASURED],
        dictionary_pagesize_limit=DICTIONARY_BYTES,
        write_statistics=[name for name in COLUMNS if name not in LISTS],
        store_schema=False,
    )


def decoded(job: Job, bodies: list[bytes]) -> tuple[Iterator[Any], Callable[[str], Any]]:
    if job.peer == "msgspec":
        return map(msgspec.json.Decoder(Report).decode, bodies), attrgetter
    return map(orjson.loads, bodies), itemgetter


def write_alone(job: Job, metadata: Metadata, bodies: list[bytes]) -> None:
    columns = Columns(metadata, attrgetter)
    for body in bodies:
        columns.append(msgspec.json.decode(body, type=Report))
    table, row_group_rows = columns.table(), ROW_GROUP_ROWS
    columns.clear()
    if job.peer == "write-sorted":
        keys = ["namespace", "pod_id", "timestamp"]
        plain = pa.table({name: table[name].cast(pa.string()) for name in keys})
        table = table.take(pc.sort_indices(plain, [(name, "ascending") for name in keys]))
        table = table.combine_chunks()
        row_group_rows = 1 << 20

    def work() -> None:
        with open_writer(job.output) as writer:
            writer.write_table(table, row_group_size=row_group_rows)

    job.measure(work)


def main() -> None:
    job = Job()
    metadata = Metadata(job.pods)
    bodies = job.bodies.read_bytes().split(b"\n")[:-1]
    if job.peer.startswith("write"):
        write_alone(job, metadata, bodies)
        return

    def work() -> None:
        reports, get = decoded(job, bodies)
        columns = Columns(metadata, get)
        writing = 0.0
        with open_writer(job.output) as writer:

            def write() -> None:
                nonlocal writing
                table = columns.table()
                columns.clear()
                before = cpu()
                writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
                writing += cpu() - before

            for report in reports:
                columns.append(report)
                if len(columns.ids) >= ROW_GROUP_ROWS - 64:
                    write()
            if columns.ids:
                write()
            before = cpu()
        job.stages["write"] = writing + cpu() - before

    job.measure(work)


if __name__ == "__main__":
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    main()
