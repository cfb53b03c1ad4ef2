-- Bytes sent and received by namespace. The columns are counters of the pod that restart at 0: what
-- counts is their growth from row to row, and after a restart the whole new value. What a counter
-- held in a pod's first row grew before it, and is left out.
WITH growth AS (
  SELECT
    namespace,
    CASE WHEN net_tx_bytes >= lag(net_tx_bytes) OVER pod
      THEN net_tx_bytes - lag(net_tx_bytes) OVER pod
      WHEN lag(net_tx_bytes) OVER pod IS NOT NULL THEN net_tx_bytes END AS sent,
    CASE WHEN net_rx_bytes >= lag(net_rx_bytes) OVER pod
      THEN net_rx_bytes - lag(net_rx_bytes) OVER pod
      WHEN lag(net_rx_bytes) OVER pod IS NOT NULL THEN net_rx_bytes END AS received
  FROM usage
  WINDOW pod AS (PARTITION BY cluster_id, pod_id ORDER BY collected_at)
)
SELECT
  namespace,
  round(sum(sent) / 1024 ** 3, 2) AS sent_gib,
  round(sum(received) / 1024 ** 3, 2) AS received_gib
FROM growth
GROUP BY namespace
ORDER BY sent_gib DESC, namespace
LIMIT 10;
