-- The table and the demo's questions in Spark:
--   spark-sql --hivevar usage_table=s3a://k8s-usage-data/k8s-metrics -f sql/spark.sql
-- Spark finds the partition keys cluster_name and dt in the paths. Statistics in the files let it
-- skip row groups by namespace and time.
CREATE OR REPLACE TEMPORARY VIEW usage
USING parquet
OPTIONS (path '${usage_table}', mergeSchema 'true');

-- A row holds until the pod's next one, at most for ten minutes.
CREATE OR REPLACE TEMPORARY VIEW samples AS
SELECT
  *,
  least(coalesce(
    unix_micros(lead(collected_at) OVER (PARTITION BY cluster_id, pod_id ORDER BY collected_at))
      - unix_micros(collected_at), 0), 600000000) / 3600000000 AS hours
FROM usage;

-- Core-hours and memory by namespace.
SELECT
  namespace,
  count(DISTINCT pod_id) AS pods,
  round(sum(cpu_usage_cores * hours), 1) AS core_hours,
  round(sum(memory_usage_bytes * hours) / pow(1024, 3), 1) AS memory_gib_hours
FROM samples
GROUP BY namespace
ORDER BY core_hours DESC, namespace
LIMIT 10;

-- Claimed storage: each set of claims once.
SELECT
  namespace,
  sum(size(pvc_names)) AS claims,
  round(sum(bytes) / pow(1024, 3), 1) AS claimed_gib
FROM (
  SELECT cluster_id, namespace, pvc_names, max(total_pvc_storage_bytes) AS bytes
  FROM usage
  WHERE pvc_count > 0
  GROUP BY cluster_id, namespace, pvc_names
)
GROUP BY namespace
ORDER BY claimed_gib DESC, namespace
LIMIT 10;

-- Bytes sent: the growth of a counter that restarts at 0.
SELECT namespace, round(sum(sent) / pow(1024, 3), 2) AS sent_gib
FROM (
  SELECT
    namespace,
    CASE WHEN net_tx_bytes >= earlier THEN net_tx_bytes - earlier
      WHEN earlier IS NOT NULL THEN net_tx_bytes END AS sent
  FROM (
    SELECT
      namespace,
      net_tx_bytes,
      lag(net_tx_bytes) OVER (PARTITION BY cluster_id, pod_id ORDER BY collected_at) AS earlier
    FROM usage
  )
)
GROUP BY namespace
ORDER BY sent_gib DESC, namespace
LIMIT 10;
