"""What files say of themselves holds, and readers use it: pages, indexes, bounds, order."""

import re

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import parquet_pages
import reader_cases as cases
from test_readers import samples  # noqa: F401 (a fixture)
from usage_table import SCHEMA

ENCODINGS = ["default", "modern"]
LISTS = {"labels", "annotations", "pvc_names", "aws_volume_ids"}
SORTING = ["namespace", "pod_id", "collected_at"]
CASES = [name for name in cases.CASES if name != "cut by text"]


def is_list(path):
    return path.endswith(".list.element")


@pytest.mark.parametrize("encodings", ENCODINGS)
@pytest.mark.parametrize("name", cases.CASES)
def test_pages_begin_at_rows_as_the_offset_index_says(samples, name, encodings):  # noqa: F811
    paths, expected = samples.case(name, encodings)
    seen = 0
    for path in paths:
        file = parquet_pages.File(path)
        for group, chunk, column in file.chunks():
            locations = iter(file.index(chunk, 4)[1])
            row = 0
            for offset, header, body in file.pages(chunk):
                if header[1] == parquet_pages.DICTIONARY_PAGE:
                    continue
                count = header[5][1]
                repetition, _ = parquet_pages.levels(body, count, is_list(column))
                assert repetition is None or repetition[0] == 0, column
                location = next(locations)
                assert location[1] == offset and location[3] == row, column
                row += count if repetition is None else repetition.count(0)
            assert next(locations, None) is None and row == group[3], column
        seen += sum(group[3] for group in file.row_groups)
    assert seen == expected.num_rows


@pytest.mark.parametrize("encodings", ENCODINGS)
@pytest.mark.parametrize("name", CASES)
def test_bounds_of_pages_and_chunks_hold(samples, name, encodings):  # noqa: F811
    for path in samples.case(name, encodings)[0]:
        file = parquet_pages.File(path)
        reader = pq.ParquetFile(path)
        tables = [reader.read_row_group(g) for g in range(reader.num_row_groups)]
        for position, (group, chunk, column) in enumerate(file.chunks()):
            table = tables[position // len(SCHEMA)]
            if is_list(column):
                assert 6 not in chunk and 5 not in chunk[3][12] and 6 not in chunk[3][12]
                continue
            values = [plain(v) for v in table.column(column).to_pylist()]
            check_bounds(values, chunk[3][12].get(6), chunk[3][12].get(5), column)
            index = file.index(chunk, 6)
            if index is None:
                # Only where a text has no upper bound of 64 bytes.
                assert name == "unicode"
                continue
            starts = [location[3] for location in file.index(chunk, 4)[1]] + [group[3]]
            for page, (start, end) in enumerate(zip(starts, starts[1:], strict=False)):
                part = values[start:end]
                assert index[5][page] == part.count(None), column
                assert index[1][page] == (part.count(None) == len(part)), column
                check_bounds(part, index[2][page] or None, index[3][page] or None, column)


def plain(value):
    """A value in a form that orders as the file's bounds do."""
    if isinstance(value, str):
        return value.encode()
    if hasattr(value, "timestamp"):
        return round((value - cases.EPOCH).total_seconds() * 1e6)
    return value


def check_bounds(values, low, high, column):
    values = [v for v in values if v is not None]
    if not values or (low is None and high is None):
        return
    kind = SCHEMA.field(column).type
    if isinstance(values[0], bytes):
        low, high = low or b"", high or b""
        assert len(low) <= 64 and len(high) <= 64
        assert low.decode() is not None and high.decode() is not None
    elif str(kind) == "double":
        low, high = (parquet_pages.struct.unpack("<d", b)[0] for b in (low, high))
    else:
        low, high = (int.from_bytes(b, "little", signed=True) for b in (low, high))
    assert low <= min(values) and max(values) <= high, column
    if not isinstance(values[0], bytes):
        assert low == min(values) and high == max(values), column


@pytest.mark.parametrize("name", cases.CASES)
def test_a_promised_order_holds(samples, name):  # noqa: F811
    for path in samples.case(name)[0]:
        reader = pq.ParquetFile(path)
        for g in range(reader.num_row_groups):
            order = reader.metadata.row_group(g).sorting_columns
            names = [
                reader.metadata.row_group(g).column(c.column_index).path_in_schema for c in order
            ]
            assert names == ([] if name == "all null" else SORTING)
            rows = reader.read_row_group(g, columns=SORTING).to_pylist()
            keys = [
                (r["namespace"].encode(), r["pod_id"].encode(), r["collected_at"]) for r in rows
            ]
            if names:
                assert keys == sorted(keys)


def test_encodings_are_as_designed(samples):  # noqa: F811
    def chunk(name, column, group=0):
        file = parquet_pages.File(samples.case(name)[0][0])
        return next(c for g, c, p in file.chunks() if p == column and g is file.row_groups[group])

    # Distinct short texts go PLAIN, without a dictionary page.
    assert 11 not in chunk("without dictionary", "pod_id")[3]
    assert 11 not in chunk("without dictionary", "pod_start_time")[3]
    assert 11 in chunk("typical", "pod_id")[3]
    # A column of nulls has no dictionary page; a column of empty lists has one.
    assert 11 not in chunk("all null", "labels.list.element")[3]
    assert 11 not in chunk("all null", "owner")[3]
    assert 11 in chunk("one row", "pvc_names.list.element")[3]
    # Numbers have none either, text that was too much for one row group always has one.
    assert 11 not in chunk("typical", "cpu_usage_cores")[3]
    assert 11 in chunk("cut by text", "annotations.list.element", group=1)[3]


@pytest.mark.parametrize("encodings", ENCODINGS)
@pytest.mark.parametrize("name", cases.CASES)
def test_chunks_say_which_encodings_their_pages_have(samples, name, encodings):  # noqa: F811
    default = {parquet_pages.PLAIN, parquet_pages.RLE, parquet_pages.RLE_DICTIONARY}
    for path in samples.case(name, encodings)[0]:
        file = parquet_pages.File(path)
        for _, chunk, column in file.chunks():
            counts = {}
            for _, header, _ in file.stored_pages(chunk):
                is_dictionary = header[1] == parquet_pages.DICTIONARY_PAGE
                encoding = header[7][2] if is_dictionary else header[5][2]
                # A dictionary page is PLAIN, whatever the data pages are.
                assert not is_dictionary or encoding == parquet_pages.PLAIN
                counts[header[1], encoding] = counts.get((header[1], encoding), 0) + 1
            said = {(s[1], s[2]): s[3] for s in chunk[3][13]}
            assert said == counts, column
            used = {encoding for _, encoding in counts}
            assert set(chunk[3][2]) == used | {parquet_pages.RLE}, column
            assert encodings == "modern" or used <= default


def test_modern_numbers_take_the_smallest_encoding(samples):  # noqa: F811
    def encodings(name, kind):
        file = parquet_pages.File(samples.case(name, kind)[0][0])
        return {p: set(c[3][2]) - {parquet_pages.RLE} for _, c, p in file.chunks()}

    found = encodings("counters", "modern")
    for column in ("cpu_usage_cores", "memory_usage_bytes", "net_tx_bytes"):
        assert found[column] == {parquet_pages.BYTE_STREAM_SPLIT}, column
    assert found["net_rx_bytes"] == {parquet_pages.DELTA_BINARY_PACKED}
    assert encodings("counters", "default")["net_rx_bytes"] == {parquet_pages.PLAIN}
    # All others are as by default.
    for name, used in encodings("counters", "default").items():
        assert used == found[name] or used == {parquet_pages.PLAIN}


def test_times_are_copied_from_far_back(samples):  # noqa: F811
    """Offsets of more than 16 bits, which the library's own compressor never writes."""
    file = parquet_pages.File(samples.case("far repeats")[0][0])
    chunks = {column: chunk for _, chunk, column in file.chunks()}
    for column in ("timestamp", "collected_at"):
        copies = []
        for _, header, body in file.stored_pages(chunks[column]):
            if header[1] == parquet_pages.DATA_PAGE:
                copies += parquet_pages.snappy_copies(body)
        far = [copy for copy in copies if copy[0] == 3]
        assert all(offset > 65_535 for _, offset, _ in far)
        # The second half of the rows: 70,000 bytes.
        assert sum(length for _, _, length in far) > 60_000, column


def test_text_cuts_row_groups_and_dictionary_pages_are_bounded(samples):  # noqa: F811
    path = samples.case("cut by text")[0][0]
    file = parquet_pages.File(path)
    assert len(file.row_groups) == 2
    for _, chunk, _ in file.chunks():
        for _, header, _ in file.pages(chunk):
            if header[1] == parquet_pages.DICTIONARY_PAGE:
                assert header[2] <= 16 << 20


def test_long_chunks_have_several_pages(samples):  # noqa: F811
    file = parquet_pages.File(samples.case("pages")[0][0])
    counts = {column: len(file.index(chunk, 4)[1]) for _, chunk, column in file.chunks()}
    assert counts["cpu_usage_cores"] == 3 and counts["pod_id"] == 3
    # 120 labels a row: a page ends by its bytes too.
    assert counts["labels.list.element"] > 3


def test_the_footer_is_what_readers_parse(samples):  # noqa: F811
    reader = pq.ParquetFile(samples.case("typical")[0][0])
    # parquet-java's own pattern for NAME version VERSION (build HASH).
    pattern = r"(.*?)\s+version\s*(?:([^(]*?)\s*(?:\(\s*build\s*([^)]*?)\s*\))?)?"
    name, version, build = re.fullmatch(pattern, reader.metadata.created_by).groups()
    assert name not in ("parquet-mr", "parquet-cpp") and version and build
    assert reader.metadata.metadata[b"schema_version"] == b"1"
    assert reader.schema_arrow.equals(SCHEMA)


# Readers use the statistics.


def test_pyarrow_skips_row_groups_by_their_bounds(samples):  # noqa: F811
    path = samples.case("several row groups")[0][0]
    fragment = next(ds.dataset(str(path), format="parquet").get_fragments())
    assert fragment.num_row_groups == 3
    assert fragment.split_by_row_group(ds.field("namespace") == "zzz") == []
    assert len(fragment.split_by_row_group(ds.field("namespace") == "namespace-1")) == 3
    assert fragment.split_by_row_group(ds.field("memory_usage_bytes") < 0) == []


def test_duckdb_sees_every_bound(samples):  # noqa: F811
    import duckdb

    path = samples.case("several row groups")[0][0]
    rows = duckdb.sql(
        f"SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count "
        f"FROM parquet_metadata('{path}')"
    ).fetchall()
    table = pq.read_table(path)
    for column, low, high, nulls in rows:
        if "," in column:
            assert low is None and high is None
        elif nulls < table.num_rows / 3:
            assert low is not None and high is not None, column
    plan = duckdb.sql(f"EXPLAIN SELECT * FROM '{path}' WHERE pod_id = 'zzzz'").fetchall()[0][1]
    # No row group's bounds hold 'zzzz': nothing is left to scan.
    assert "empty result" in plan.lower()


def test_datafusion_prunes_row_groups_and_pages(samples):  # noqa: F811
    import datafusion

    context = datafusion.SessionContext()
    context.register_parquet("pages", str(samples.case("pages")[0][0]))
    frame = context.sql("EXPLAIN ANALYZE SELECT pod_id FROM pages WHERE pod_id = 'pod-0249'")
    plan = "".join(row["plan"] for row in frame.to_arrow_table().to_pylist())
    pruned = re.search(r"page_index_pages_pruned=[^,]*|page_index_rows_pruned=[^,]*", plan)
    assert pruned and not re.search(r"=0( total)?$", pruned.group()), plan
