-- Core-hours and memory by namespace, the ten largest.
SELECT
  namespace,
  count(DISTINCT pod_id) AS pods,
  round(sum(cpu_usage_cores * hours), 1) AS core_hours,
  round(sum(memory_usage_bytes * hours) / 1024 ** 3, 1) AS memory_gib_hours
FROM samples
GROUP BY namespace
ORDER BY core_hours DESC, namespace
LIMIT 10;
