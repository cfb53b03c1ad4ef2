-- What was requested against what was used, by namespace. Only rows whose pod was known: for the
-- others the requests are null.
SELECT
  namespace,
  round(sum(requests_cpu_millicores * hours) / 1000, 1) AS cpu_requested,
  round(sum(cpu_usage_cores * hours), 1) AS cpu_used,
  round(100 * sum(cpu_usage_cores * hours)
    / nullif(sum(requests_cpu_millicores * hours) / 1000, 0), 1) AS "cpu_%",
  round(sum(requests_memory_bytes * hours) / 1024 ** 3, 1) AS gib_requested,
  round(sum(memory_usage_bytes * hours) / 1024 ** 3, 1) AS gib_used,
  round(100 * sum(memory_usage_bytes * hours)
    / nullif(sum(requests_memory_bytes * hours), 0), 1) AS "gib_%"
FROM samples
WHERE requests_cpu_millicores IS NOT NULL
GROUP BY namespace
ORDER BY cpu_requested DESC, namespace
LIMIT 10;
