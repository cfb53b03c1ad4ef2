-- The workloads that request most and use least: core-hours that were requested and not used.
SELECT
  namespace,
  left(workload, 28) AS workload,
  workload_kind AS kind,
  round(sum(requests_cpu_millicores * hours) / 1000, 1) AS requested,
  round(sum(cpu_usage_cores * hours), 1) AS used,
  round(sum(requests_cpu_millicores * hours) / 1000 - sum(cpu_usage_cores * hours), 1) AS idle
FROM samples
WHERE requests_cpu_millicores IS NOT NULL
GROUP BY namespace, samples.workload, workload_kind
ORDER BY idle DESC, namespace, workload
LIMIT 10;
