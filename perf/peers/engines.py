"""Engines that read the bodies' file, join and write by themselves, on one thread.

    engines.py duckdb|polars|chdb --workload DIR --output FILE
        [--passes N]

What Kubernetes says of the pods is a table of the engine's own before the clock starts.
"""

from __future__ import annotations

import os

from work import CLUSTER, COLUMNS, DESCRIBING, DICTIONARY_BYTES, LISTS, ROW_GROUP_ROWS, Job

REPORTED = {
    "namespace": "namespace",
    "cpu_usage_cores": "cpu_usage_cores",
    "memory_usage_bytes": "memory_usage_bytes",
    "net_tx_bytes": "net_tx_bytes",
    "net_rx_bytes": "net_rx_bytes",
}


def duckdb(job: Job) -> None:
    import duckdb as engine

    database = engine.connect()
    database.execute("SET threads = 1")
    described = "pod_id VARCHAR, owner VARCHAR"
    described += "".join(f", {n} {'INTEGER' if n == 'pvc_count' else 'BIGINT'}" for n in DESCRIBING)
    described += "".join(f", {name} VARCHAR[]" for name in LISTS)
    kinds = ", ".join(
        f"'{column.split(' ')[0]}': '{column.split(' ')[1]}'" for column in described.split(", ")
    )
    database.execute(
        f"CREATE TABLE known AS SELECT * FROM read_json('{job.pods}', "
        f"format = 'newline_delimited', columns = {{{kinds}}})"
    )
    pod = (
        "STRUCT(pod_id VARCHAR, namespace VARCHAR, cpu_usage_cores DOUBLE, "
        "memory_usage_bytes BIGINT, net_tx_bytes BIGINT, net_rx_bytes BIGINT)"
    )
    sources = {"timestamp": "r.timestamp", "cluster_id": f"'{CLUSTER}'", "node_name": "r.node_name"}
    sources |= {"ec2_instance_id": "r.ec2_instance_id", "pod_id": "r.p.pod_id"}
    sources |= {name: f"r.p.{name}" for name in REPORTED}
    selected = ", ".join(f"{sources.get(name, 'k.' + name)} AS {name}" for name in COLUMNS)
    statement = f"""
        COPY (
          SELECT {selected}
          FROM (
            SELECT timestamp, node_name, ec2_instance_id, unnest(pods) AS p
            FROM read_json('{job.bodies}', format = 'newline_delimited', columns = {{
              'timestamp': 'VARCHAR', 'node_name': 'VARCHAR', 'ec2_instance_id': 'VARCHAR',
              'pods': '{pod}[]'}})
          ) AS r LEFT JOIN known AS k ON k.pod_id = r.p.pod_id
        ) TO '{job.output}' (FORMAT parquet, COMPRESSION snappy,
          ROW_GROUP_SIZE {ROW_GROUP_ROWS})"""
    job.measure(lambda: database.execute(statement) and None)


def polars(job: Job) -> None:
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    texts = pl.Categorical()
    known = pl.read_ndjson(
        job.pods,
        schema={"pod_id": pl.String, "owner": pl.String}
        | {name: pl.Int32 if name == "pvc_count" else pl.Int64 for name in DESCRIBING}
        | {name: pl.List(pl.String) for name in LISTS},
    ).with_columns(
        pl.col("owner").cast(texts), *[pl.col(name).cast(pl.List(texts)) for name in LISTS]
    )
    pod = pl.Struct(
        {
            "pod_id": pl.String,
            "namespace": pl.String,
            "cpu_usage_cores": pl.Float64,
            "memory_usage_bytes": pl.Int64,
            "net_tx_bytes": pl.Int64,
            "net_rx_bytes": pl.Int64,
        }
    )
    plan = (
        pl.scan_ndjson(
            job.bodies,
            schema={
                "timestamp": pl.String,
                "node_name": pl.String,
                "ec2_instance_id": pl.String,
                "pods": pl.List(pod),
            },
        )
        .with_columns(
            *[pl.col(name).cast(texts) for name in ("timestamp", "node_name", "ec2_instance_id")]
        )
        .explode("pods")
        .unnest("pods")
        .join(known.lazy(), on="pod_id", how="left")
        .with_columns(pl.lit(CLUSTER).alias("cluster_id"), pl.col("namespace").cast(texts))
        .select(COLUMNS)
    )

    def work() -> None:
        plan.sink_parquet(
            job.output,
            compression="snappy",
            row_group_size=ROW_GROUP_ROWS,
            data_page_size=1 << 20,
        )

    job.measure(work)


def chdb(job: Job) -> None:
    from chdb import session

    database = session.Session()
    numbers = ", ".join(
        f"{name} {'Int32' if name == 'pvc_count' else 'Int64'}" for name in DESCRIBING
    )
    lists = ", ".join(f"{name} Array(String)" for name in LISTS)
    known = f"pod_id String, owner Nullable(String), {numbers}, {lists}"
    database.query(
        f"CREATE TABLE known ({known}) ENGINE = Memory AS "
        f"SELECT * FROM file('{job.pods}', JSONEachRow, '{known}')"
    )
    pod = (
        "Array(Tuple(pod_id String, namespace String, cpu_usage_cores Float64, "
        "memory_usage_bytes Int64, net_tx_bytes Int64, net_rx_bytes Int64))"
    )
    sources = {"timestamp": "r.timestamp", "cluster_id": f"'{CLUSTER}'", "node_name": "r.node_name"}
    sources |= {"ec2_instance_id": "r.ec2_instance_id", "pod_id": "r.p.pod_id"}
    sources |= {name: f"r.p.{name}" for name in REPORTED}
    selected = ", ".join(f"{sources.get(name, 'k.' + name)} AS {name}" for name in COLUMNS)
    statement = f"""
        INSERT INTO FUNCTION file('{job.output}', Parquet)
        SELECT {selected}
        FROM (
          SELECT timestamp, node_name, ec2_instance_id, p
          FROM file('{job.bodies}', JSONEachRow,
            'timestamp String, node_name String, ec2_instance_id String, pods {pod}')
          ARRAY JOIN pods AS p
        ) AS r LEFT JOIN known AS k ON k.pod_id = r.p.pod_id
        SETTINGS max_threads = 1, max_insert_threads = 1, max_parsing_threads = 1,
          input_format_parallel_parsing = 0, output_format_parallel_formatting = 0,
          input_format_skip_unknown_fields = 1,
          output_format_parquet_compression_method = 'snappy',
          output_format_parquet_row_group_size = {ROW_GROUP_ROWS},
          output_format_parquet_max_dictionary_size = {DICTIONARY_BYTES},
          output_format_parquet_write_bloom_filter = 0,
          output_format_parquet_write_page_index = 0,
          output_format_parquet_string_as_string = 1"""
    job.measure(lambda: database.query(statement) and None)


if __name__ == "__main__":
    peer = Job()
    {"duckdb": duckdb, "polars": polars, "chdb": chdb}[peer.peer](peer)
