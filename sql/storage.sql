-- Storage claimed by namespace. Every row of a pod repeats the pod's claims, and a pod that follows
-- another may mount the same ones: each set of claims counts once, never the rows.
WITH claims AS (
  SELECT cluster_id, namespace, pvc_names, max(total_pvc_storage_bytes) AS bytes
  FROM usage
  WHERE pvc_count > 0
  GROUP BY cluster_id, namespace, pvc_names
)
SELECT
  namespace,
  sum(len(pvc_names)) AS claims,
  round(sum(bytes) / 1024 ** 3, 1) AS claimed_gib
FROM claims
GROUP BY namespace
ORDER BY claimed_gib DESC, namespace
LIMIT 10;
