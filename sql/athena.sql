-- The table in Amazon Athena. Put your bucket and S3_PREFIX into LOCATION and into
-- storage.location.template, then run it once: no crawler, no partition to add.
-- Partitions are projected. Every query names its cluster, since Athena asks that of an injected
-- key, and a range of dates keeps the scan small:
--   SELECT namespace, count(*) FROM "usage"
--   WHERE cluster_name = 'my-cluster' AND dt BETWEEN '2026-11-01' AND '2026-11-07' GROUP BY 1;
CREATE EXTERNAL TABLE `usage` (
  `timestamp` string,
  `cluster_id` string,
  `node_name` string,
  `ec2_instance_id` string,
  `pod_id` string,
  `namespace` string,
  `owner` string,
  `cpu_usage_cores` double,
  `memory_usage_bytes` bigint,
  `net_tx_bytes` bigint,
  `net_rx_bytes` bigint,
  `requests_cpu_millicores` bigint,
  `requests_memory_bytes` bigint,
  `limits_cpu_millicores` bigint,
  `limits_memory_bytes` bigint,
  `labels` array<string>,
  `annotations` array<string>,
  `pvc_count` int,
  `total_pvc_storage_bytes` bigint,
  `pvc_names` array<string>,
  `aws_volume_ids` array<string>,
  `pod_name` string,
  `owner_kind` string,
  `pod_start_time` timestamp,
  `collected_at` timestamp,
  `requests_storage_bytes` bigint,
  `limits_storage_bytes` bigint,
  `node_instance_type` string,
  `node_zone` string,
  `node_capacity_type` string,
  `workload` string,
  `workload_kind` string,
  `qos_class` string,
  `priority_class` string,
  `gpu_requests` bigint
)
PARTITIONED BY (`cluster_name` string, `dt` string)
STORED AS PARQUET
LOCATION 's3://k8s-usage-data/k8s-metrics/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.cluster_name.type' = 'injected',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2024-01-01,NOW+1DAYS',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' =
    's3://k8s-usage-data/k8s-metrics/cluster_name=${cluster_name}/dt=${dt}/'
);
