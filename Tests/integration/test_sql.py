"""The queries of sql/ give the numbers that were worked out by hand, in the engine they are for."""

import re
import subprocess
import sys

import duckdb
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import usage_table
from conftest import ROOT
from usage_table import GIB

sys.path.append(str(ROOT / "scripts"))

import sql as sql_prompt  # noqa: E402

SQL = ROOT / "sql"
DEMO_QUERIES = ["namespaces", "requested", "idle", "storage"]

# Weights: shop/web 5 + 5 + 10 (capped) minutes; batch/job 10 minutes of today and 10 (capped).
NAMESPACES = [
    ("batch", 1, 1.1, 0.5),  # 0.6 x 10/60 + 6 x 10/60; 3 GiB x 10/60
    ("shop", 2, 0.7, 0.3),  # 2 x 20/60; 1 GiB x 20/60
]
STORAGE = [("shop", 1, 10.0)]
SENT = [("shop", 3.0), ("batch", None)]  # 1 GiB of growth, then 2 GiB after the restart


def statements(path):
    text = re.sub(r"^--.*$", "", path.read_text(), flags=re.M)
    return [s.strip() for s in text.split(";\n") if s.strip()]


@pytest.fixture
def table(disk_dir):
    usage_table.write(disk_dir / "table", usage_table.example())
    return disk_dir / "table"


@pytest.fixture
def duck(table):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET VARIABLE usage_table = '{table}'")
    connection.execute((SQL / "usage.sql").read_text())
    return connection


def query(connection, name):
    return connection.execute((SQL / f"{name}.sql").read_text()).fetchall()


def test_core_hours_weight_each_sample_by_the_time_to_the_next(duck):
    assert query(duck, "namespaces") == NAMESPACES


def test_requested_and_used_cover_known_pods_only(duck):
    assert query(duck, "requested") == [("shop", 1.3, 0.7, 50.0, 0.7, 0.3, 50.0)]


def test_idle_is_what_was_requested_and_not_used(duck):
    assert query(duck, "idle") == [("shop", "web", "StatefulSet", 1.3, 0.7, 0.7)]


def test_a_set_of_claims_counts_once(duck):
    assert query(duck, "storage") == STORAGE


def test_network_is_growth_and_survives_a_restart(duck):
    assert query(duck, "network") == [("shop", 3.0, 1.0), ("batch", None, None)]


def test_files_of_an_earlier_version_are_part_of_the_table(duck, table):
    """Later versions append columns; a file without the last ones reads as null there."""
    rows = [usage_table.row("old", "archive", 0, cpu_usage_cores=1.0)]
    for r in rows:
        r["collected_at"] -= usage_table.dt.timedelta(days=1)  # a partition of its own
    usage_table.write(table, rows, columns=21)
    found = duck.execute(
        "SELECT pod_id, gpu_requests, dt FROM usage WHERE namespace = 'archive'"
    ).fetchall()
    assert [(f[0], f[1], str(f[2])) for f in found] == [("old", None, "2026-03-03")]


def test_a_period_reads_its_own_files(duck, table):
    rows = [usage_table.row("old", "archive", 0, cpu_usage_cores=1.0)]
    for r in rows:
        r["collected_at"] -= usage_table.dt.timedelta(days=9)
    usage_table.write(table, rows)
    total = duck.execute("SELECT count(*) FROM samples").fetchone()[0]
    duck.execute("SET VARIABLE usage_from = DATE '2026-03-01'")
    assert duck.execute("SELECT count(*) FROM samples").fetchone()[0] == total - 1
    plan = duck.execute("EXPLAIN SELECT sum(hours) FROM samples").fetchall()[0][1]
    files = len(list(table.rglob("*.parquet")))
    assert f"{files - 1}/{files}" in plan, plan


def test_the_prompt_gives_duckdb_the_store_of_the_environment():
    keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "it's", "AWS_REGION": "eu-west-1"}
    secret = sql_prompt.s3_secret(keys | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"})
    assert "KEY_ID 'id'" in secret and "SECRET 'it''s'" in secret and "'eu-west-1'" in secret
    assert "ENDPOINT '127.0.0.1:9000'" in secret and "USE_SSL 'false'" in secret
    assert "PROVIDER 'credential_chain'" in sql_prompt.s3_secret({})


def test_the_prompt_runs_a_file_on_a_table_beside_the_caller(table):
    command = [ROOT / "scripts" / "sql.sh", "-t", table.name, "--from", "2026-03-01", "-f"]
    result = subprocess.run(
        [*command, SQL / "namespaces.sql"],
        cwd=table.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0 and "batch" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("name", [*DEMO_QUERIES, "network"])
def test_tables_are_at_most_100_columns_wide(duck, name):
    printed = str(duck.sql((SQL / f"{name}.sql").read_text()))
    assert max(len(line) for line in printed.splitlines()) <= 100


# Spark


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    yield session
    session.stop()


def test_spark_gives_the_same_numbers(spark, table):
    results = []
    spark.conf.set("usage_table", str(table))
    for statement in statements(SQL / "spark.sql"):
        result = spark.sql(statement)
        if result.columns:
            results.append([tuple(r) for r in result.collect()])
    assert results == [NAMESPACES, STORAGE, SENT]


def test_spark_reads_the_columns_as_the_table_defines_them(spark, table):
    read = {f.name: f.dataType.simpleString() for f in spark.read.parquet(str(table)).schema}
    assert read.pop("cluster_name") == "string"
    assert read.pop("dt") == "date"
    assert read == {name: hive_type(field.type) for name, field in schema_fields()}


# Athena


def schema_fields():
    return [(field.name, field) for field in usage_table.SCHEMA]


def hive_type(arrow):
    if pa.types.is_list(arrow):
        return f"array<{hive_type(arrow.value_type)}>"
    if pa.types.is_timestamp(arrow):
        return "timestamp"
    return {"string": "string", "double": "double", "int64": "bigint", "int32": "int"}[str(arrow)]


def athena():
    text = (SQL / "athena.sql").read_text()
    columns = re.search(r"EXTERNAL TABLE `\w+` \(\n(.*?)\n\)", text, re.S).group(1)
    parsed = []
    for line in columns.split("\n"):
        match = re.fullmatch(r"  `(\w+)` ([\w<>]+),?", line)
        assert match, f"not a quoted name and a type: {line}"
        parsed.append(match.groups())
    return parsed, text


def test_athena_has_the_columns_of_a_written_file(disk_dir):
    columns, _ = athena()
    (path,) = usage_table.write(disk_dir, [usage_table.row("p", "n", 0)])
    written = pq.read_schema(path)
    assert columns == [(field.name, hive_type(field.type)) for field in written]
    assert written.names == usage_table.SCHEMA.names


def test_athena_projects_both_partition_keys():
    _, text = athena()
    assert "PARTITIONED BY (`cluster_name` string, `dt` string)" in text
    properties = dict(re.findall(r"'([\w.]+)' =\s+'([^']*)'", text))
    assert properties["projection.enabled"] == "true"
    assert properties["projection.cluster_name.type"] == "injected"
    assert properties["projection.dt.type"] == "date"
    assert properties["projection.dt.format"] == "yyyy-MM-dd"
    location = re.search(r"LOCATION '([^']*)'", text).group(1)
    assert location.endswith("/")
    assert properties["storage.location.template"] == (
        location + "cluster_name=${cluster_name}/dt=${dt}/"
    )


# The Python service's layout beside ours


def python_report(root, minute, pods, version):
    """One report as that service stored it: a DataFrame and a file a POST, its own keys, 0 and []
    for what it did not know."""
    at = usage_table.DAY + usage_table.dt.timedelta(minutes=minute)
    records = []
    for pod in pods:
        record = {
            "timestamp": at.isoformat(),
            "cluster_id": "c1",
            "node_name": "n1",
            "ec2_instance_id": None,
            "pod_id": pod["pod_id"],
            "namespace": pod["namespace"],
            "owner": pod.get("owner"),
            "node": pod.get("node"),
            "cpu_usage_cores": pod["cpu"],
            "memory_usage_bytes": pod["memory"],
            "net_tx_bytes": 0,
            "net_rx_bytes": 0,
            "pod_start_time": pod.get("start"),
            "requests_cpu_millicores": 0,
            "requests_memory_bytes": 0,
            "requests_storage_bytes": 0,
            "limits_cpu_millicores": 0,
            "limits_memory_bytes": 0,
            "limits_storage_bytes": 0,
            "labels": pod.get("labels", []),
            "annotations": [],
            "pvc_count": len(pod.get("claims", [])),
            "total_pvc_storage_bytes": 0,
            "pvc_names": pod.get("claims", []),
            "aws_volume_ids": [],
        }
        if version == "late":
            record["pod_name"] = pod["name"]
            record["cpu_usage_cum_sec"] = 0
        records.append(record)
    key = "cluster-name" if version == "late" else "cluster_id"
    directory = root / f"{key}=c1" / "year=2026" / "month=03" / "day=04"
    directory.mkdir(parents=True, exist_ok=True)
    pandas.DataFrame(records).to_parquet(
        directory / f"metrics_c1_n1_20260304_{minute:06d}_000000.parquet",
        index=False,
        engine="pyarrow",
    )


@pytest.mark.parametrize("version", ["early", "late"])
def test_one_table_over_both_layouts(duck, disk_dir, version):
    root = disk_dir / "python"
    known = {
        "pod_id": "web",
        "namespace": "shop",
        "name": "web",
        "cpu": 2.0,
        "memory": GIB,
        "owner": "web",
        "start": "2026-03-01T00:00:00+00:00",
        "labels": ["app=web"],
        "claims": ["data-web-0"],
    }
    unknown = {"pod_id": "u", "namespace": "shop", "name": "u", "cpu": 1, "memory": 5}
    python_report(root, -10, [known], version)
    python_report(root, -5, [unknown], version)  # columns that are null throughout have no type
    duck.execute(f"SET VARIABLE python_table = '{root}'")
    duck.execute((SQL / "python_service.sql").read_text())
    counts = duck.execute(
        "SELECT service, count(*) FROM usage_both GROUP BY service ORDER BY service"
    ).fetchall()
    assert counts == [("python", 2), ("swift", len(usage_table.example()))]
    rows = duck.execute(
        "SELECT pod_id, pod_name, owner, labels, pvc_names, epoch(pod_start_time), workload"
        " FROM usage_both WHERE service = 'python' ORDER BY collected_at"
    ).fetchall()
    name = "web" if version == "late" else None
    assert rows[0] == ("web", name, "web", ["app=web"], ["data-web-0"], 1772323200.0, None)
    assert rows[1][2:] == (None, [], [], None, None)
    types = dict(
        duck.execute("SELECT column_name, column_type FROM (DESCRIBE usage_both)").fetchall()
    )
    types.pop("service")
    ours = dict(duck.execute("SELECT column_name, column_type FROM (DESCRIBE usage)").fetchall())
    assert types == {k: v for k, v in ours.items() if k not in ("cluster_name", "dt")}
    # A pod seen by both services goes on: minute -10 holds until -5... here until minute 0, capped.
    hours = duck.execute(
        "SELECT service, round(sum(hours), 3) FROM (SELECT *, least(coalesce(date_diff('second',"
        " collected_at, lead(collected_at) OVER (PARTITION BY pod_id ORDER BY collected_at)), 0),"
        " 600) / 3600.0 AS hours FROM usage_both) WHERE pod_id = 'web' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert hours == [("python", 0.167), ("swift", 0.333)]
