"""The verdict from the bucket alone: are the acknowledged reports there, each row once?"""

from collections import Counter
from dataclasses import dataclass, field

import duckdb
import pyarrow.parquet as pq

from collectors import ACKNOWLEDGED

# What the server itself leaves of a PUT that broke off.
UNFINISHED = ".rclone_temp_put_"


@dataclass
class Verdict:
    objects: int = 0
    rows: int = 0
    reports: int = 0
    acknowledged: int = 0
    # Reports, by the cycle in which they were sent first.
    lost: Counter = field(default_factory=Counter)
    twice: Counter = field(default_factory=Counter)
    # What must not be at all: in words.
    wrong: list = field(default_factory=list)

    @property
    def is_good(self):
        return not (self.lost or self.twice or self.wrong)


def judge(directory, reports):
    """Compares all objects below `directory` with the ledger: `reports` as Collectors has them."""
    verdict = Verdict()
    paths = sorted(
        path
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith(UNFINISHED)
    )
    for path in paths:
        if path.suffix != ".parquet":
            verdict.wrong.append(f"{path.name} is no object of ours")
            continue
        try:
            verdict.rows += pq.ParquetFile(path).read().num_rows
        except Exception as error:
            verdict.wrong.append(f"pyarrow refuses {path}: {error}")
    verdict.objects = len(paths)
    stored = {}
    if paths:
        try:
            stored = {
                (node, timestamp): (rows, pods)
                for node, timestamp, rows, pods in duckdb.connect()
                .execute(
                    "SELECT node_name, timestamp, count(*), count(DISTINCT pod_id) "
                    "FROM read_parquet(?, hive_partitioning = false) GROUP BY ALL",
                    [[str(p) for p in paths]],
                )
                .fetchall()
            }
        except duckdb.Error as error:
            verdict.wrong.append(f"DuckDB refuses the table: {error}")
    for node, _, timestamp, rows, state, cycle in reports:
        found, pods = stored.pop((node, timestamp), (0, 0))
        verdict.reports += state > 0
        verdict.acknowledged += state == ACKNOWLEDGED
        if found > rows or pods < found:
            verdict.twice[cycle] += 1
        elif found == 0:
            if state == ACKNOWLEDGED:
                verdict.lost[cycle] += 1
        elif found < rows:
            # A report is taken whole or not at all, acknowledged or not.
            verdict.lost[cycle] += 1
    for node, timestamp in list(stored)[:10]:
        verdict.wrong.append(f"rows of {node} at {timestamp}, which nobody sent")
    return verdict
