-- One table over both layouts, for the time in which the Python service's objects are still there.
--   SET VARIABLE python_table = 's3://k8s-usage-data/k8s-metrics';     -- its S3_PREFIX
--   SET VARIABLE usage_table = 's3://k8s-usage-data/k8s-usage';        -- this service's S3_PREFIX
--   .read sql/usage.sql
--   .read sql/python_service.sql
-- Its files hold a report each, and pandas gives a column that is null throughout a report no
-- type, so every column is cast. Its keys differ between its versions (cluster-name= or cluster_id=,
-- then year, month, day), its file names do not. A request of 0 may mean 'not known' there.
CREATE OR REPLACE VIEW usage_both AS
SELECT
  'python' AS service,
  CAST(timestamp AS VARCHAR) AS timestamp,
  CAST(cluster_id AS VARCHAR) AS cluster_id,
  CAST(node_name AS VARCHAR) AS node_name,
  CAST(ec2_instance_id AS VARCHAR) AS ec2_instance_id,
  CAST(pod_id AS VARCHAR) AS pod_id,
  CAST(namespace AS VARCHAR) AS namespace,
  CAST(owner AS VARCHAR) AS owner,
  CAST(cpu_usage_cores AS DOUBLE) AS cpu_usage_cores,
  CAST(memory_usage_bytes AS BIGINT) AS memory_usage_bytes,
  CAST(net_tx_bytes AS BIGINT) AS net_tx_bytes,
  CAST(net_rx_bytes AS BIGINT) AS net_rx_bytes,
  CAST(requests_cpu_millicores AS BIGINT) AS requests_cpu_millicores,
  CAST(requests_memory_bytes AS BIGINT) AS requests_memory_bytes,
  CAST(limits_cpu_millicores AS BIGINT) AS limits_cpu_millicores,
  CAST(limits_memory_bytes AS BIGINT) AS limits_memory_bytes,
  CAST(labels AS VARCHAR[]) AS labels,
  CAST(annotations AS VARCHAR[]) AS annotations,
  CAST(pvc_count AS INTEGER) AS pvc_count,
  CAST(total_pvc_storage_bytes AS BIGINT) AS total_pvc_storage_bytes,
  CAST(pvc_names AS VARCHAR[]) AS pvc_names,
  CAST(aws_volume_ids AS VARCHAR[]) AS aws_volume_ids,
  pod_name,
  CAST(CAST(pod_start_time AS VARCHAR) AS TIMESTAMPTZ) AS pod_start_time,
  CAST(CAST(timestamp AS VARCHAR) AS TIMESTAMPTZ) AS collected_at,
  CAST(requests_storage_bytes AS BIGINT) AS requests_storage_bytes,
  CAST(limits_storage_bytes AS BIGINT) AS limits_storage_bytes
FROM (
  -- Its early versions had no pod_name.
  SELECT CAST(NULL AS VARCHAR) AS pod_name WHERE false
  UNION ALL BY NAME
  SELECT *
  FROM read_parquet(
    getvariable('python_table') || '/**/metrics_*.parquet',
    hive_partitioning = true,
    hive_types_autocast = false,
    union_by_name = true)
)
UNION ALL BY NAME
SELECT
  'swift' AS service,
  * EXCLUDE (cluster_name, dt)
FROM usage;
