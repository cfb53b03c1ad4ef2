-- The table as a view. Set its place first, a directory or s3://bucket/prefix (no slash at the end):
--   SET VARIABLE usage_table = '.build/demo/latest/store/k8s-metrics';
-- A period, if any, by UTC dates: only its files are read, and the views hold nothing else.
--   SET VARIABLE usage_from = DATE '2026-11-01';
--   SET VARIABLE usage_to = DATE '2026-11-30';
-- Later versions only append nullable columns, so files of all versions are one table by name.
CREATE OR REPLACE VIEW usage AS
SELECT *
FROM read_parquet(
  getvariable('usage_table') || '/cluster_name=*/dt=*/*.parquet',
  hive_partitioning = true,
  hive_types = {'cluster_name': VARCHAR, 'dt': DATE},
  union_by_name = true)
WHERE dt >= coalesce(getvariable('usage_from')::DATE, DATE '0001-01-01')
  AND dt <= coalesce(getvariable('usage_to')::DATE, DATE '9999-12-31');

-- A row is one pod at one instant. What it says holds until the pod's next row, but at most for ten
-- minutes: a pod that is not reported for longer is not taken to have gone on as before. The last
-- row of a pod weighs nothing, nor does its last of a period: days add up to less than their month, by
-- one row of each pod a day.
CREATE OR REPLACE VIEW samples AS
SELECT
  *,
  least(coalesce(date_diff('second', collected_at, lead(collected_at) OVER pod), 0), 600) / 3600.0
    AS hours
FROM usage
WINDOW pod AS (PARTITION BY cluster_id, pod_id ORDER BY collected_at);
