"""One function an engine: Parquet files to a table of all their rows, as one table."""

import json
import os

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from usage_table import INSTANT, SCHEMA, STRINGS


def read_pyarrow(paths):
    schema = pa.unify_schemas([pq.read_schema(p) for p in paths])
    return pa.dataset.dataset([str(p) for p in paths], schema=schema, format="parquet").to_table()


def read_duckdb(paths):
    import duckdb

    names = [str(p) for p in paths]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        relation = connection.read_parquet(names, union_by_name=True, hive_partitioning=False)
        return relation.to_arrow_table()


def read_polars(paths):
    import polars as pl

    # The newest file has all columns; older ones lack the last.
    newest = max(paths, key=lambda p: len(pq.read_schema(p)))
    scan = pl.scan_parquet(
        [str(p) for p in paths], schema=pl.read_parquet_schema(newest), missing_columns="insert"
    )
    return scan.collect().to_arrow()


def read_chdb(paths):
    import chdb

    parent = os.path.commonpath([p.parent for p in paths])
    names = parent + "/{" + ",".join(os.path.relpath(p, parent) for p in paths) + "}"
    if len(paths) == 1:
        names = str(paths[0])
    sql = (
        f"SELECT * FROM file('{names}', Parquet) SETTINGS schema_inference_mode = 'union', "
        "output_format_json_quote_64bit_integers = 0, session_timezone = 'UTC', "
        "input_format_parquet_allow_missing_columns = 1, use_hive_partitioning = 0"
    )
    lines = chdb.query(sql, "JSONEachRow").bytes().decode().splitlines()
    rows = [json.loads(line) for line in lines]
    columns = {}
    for field in SCHEMA:
        if rows and field.name not in rows[0]:
            continue
        values = pa.array([r[field.name] for r in rows], INSTANT_TEXT.get(field.type, field.type))
        columns[field.name] = instants(values) if field.type == INSTANT else values
    return pa.table(columns)


INSTANT_TEXT = {INSTANT: pa.string()}


def instants(texts):
    import pyarrow.compute as pc

    naive = pc.cast(texts, pa.timestamp("us"))
    return pc.assume_timezone(naive, "UTC")


def read_fastparquet(paths):
    import fastparquet

    tables = []
    for path in paths:
        file = fastparquet.ParquetFile(str(path), pandas_nulls=True)
        frame = file.to_pandas()
        columns = {}
        for name in frame.columns:
            # Where all are null, lists come as a column of text.
            values = [None] * len(frame) if frame[name].isna().all() else frame[name]
            columns[name] = pa.array(values, SCHEMA.field(name).type, from_pandas=True)
        tables.append(pa.table(columns))
    return pa.concat_tables(tables, promote_options="default")


def read_datafusion(paths):
    import datafusion

    config = datafusion.SessionConfig().set("datafusion.execution.time_zone", "UTC")
    context = datafusion.SessionContext(config)
    schema = pa.unify_schemas([pq.read_schema(p) for p in paths])
    for index, path in enumerate(paths):
        context.register_parquet(f"t{index}", str(path), schema=schema)
    query = " UNION ALL ".join(f"SELECT * FROM t{index}" for index in range(len(paths)))
    return context.sql(query).to_arrow_table()


class Spark:
    """A session for all cases: starting one takes longer than reading."""

    def __init__(self):
        self._session = None

    @property
    def session(self):
        if self._session is None:
            from pyspark.sql import SparkSession

            settings = {
                "spark.ui.enabled": "false",
                "spark.driver.memory": "1g",
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.sql.session.timeZone": "UTC",
                "spark.sql.shuffle.partitions": "1",
                "spark.driver.maxResultSize": "0",
            }
            builder = SparkSession.builder.master("local[1]").appName("readers")
            for key, value in settings.items():
                builder = builder.config(key, value)
            self._session = builder.getOrCreate()
            self._session.sparkContext.setLogLevel("ERROR")
        return self._session

    def read(self, paths):
        return self.frame(paths).toArrow()

    def frame(self, paths):
        return self.session.read.option("mergeSchema", "true").parquet(*[str(p) for p in paths])

    def stop(self):
        if self._session is not None:
            self._session.stop()


SPARK = Spark()
ENGINES = {
    "pyarrow": read_pyarrow,
    "DuckDB": read_duckdb,
    "Polars": read_polars,
    "chDB": read_chdb,
    "fastparquet": read_fastparquet,
    "DataFusion": read_datafusion,
    "Spark": SPARK.read,
}
# fastparquet does not know BYTE_STREAM_SPLIT, and says so.
WITHOUT_BYTE_STREAM_SPLIT = {"fastparquet": (NotImplementedError, "Encoding 9")}
# ClickHouse's arrays cannot be null: a list that is null is read as an empty one.
WITHOUT_NULL_LISTS = {"chDB"}


def canonical(table, without_null_lists=False):
    """The table with the schema's columns and types, rows in one order."""
    assert sorted(table.column_names) == sorted(SCHEMA.names)
    columns = []
    for field in SCHEMA:
        column = table.column(field.name)
        if field.type == INSTANT and not column.type.tz:
            column = column.cast(pa.timestamp("us")).cast(INSTANT)
        column = column.cast(field.type).combine_chunks()
        if field.type == STRINGS and without_null_lists:
            column = pa.chunked_array([pa.array([v or [] for v in column.to_pylist()], STRINGS)])
        columns.append(column)
    result = pa.table(columns, schema=SCHEMA)
    order = ["namespace", "pod_id", "pod_name", "timestamp", "pod_start_time"]
    return result.sort_by([(name, "ascending") for name in order])
