-- Rates of calls: one record an endpoint, for all nodes. Only the database's clock counts.

-- open_endpoint: the record of an endpoint.
INSERT INTO endpoint_rates (endpoint, tokens) VALUES (:endpoint, 0)
ON CONFLICT DO NOTHING RETURNING endpoint

-- take_calls: as many calls as an endpoint allows now, a block at most, and how long it is paused.
WITH filled AS MATERIALIZED (
    SELECT endpoint, paused_until, LEAST(
        :block::float8,
        tokens + :per_second::float8 * GREATEST(extract(epoch FROM clock_timestamp() - filled_at), 0)
    ) AS tokens
    FROM endpoint_rates WHERE endpoint = :endpoint FOR UPDATE
), granted AS (
    SELECT endpoint, tokens,
        CASE WHEN paused_until > clock_timestamp() THEN 0 ELSE floor(tokens) END AS calls,
        COALESCE(GREATEST(extract(epoch FROM paused_until - clock_timestamp()), 0), 0) AS wait
    FROM filled
)
UPDATE endpoint_rates SET tokens = granted.tokens - granted.calls, filled_at = clock_timestamp()
FROM granted WHERE endpoint_rates.endpoint = granted.endpoint
RETURNING granted.calls, granted.wait

-- endpoint_pause: how long an endpoint without a limit is paused.
SELECT 0 AS calls, COALESCE(GREATEST(extract(epoch FROM paused_until - clock_timestamp()), 0), 0) AS wait
FROM endpoint_rates WHERE endpoint = :endpoint

-- pause_endpoint: no node calls it for some seconds.
INSERT INTO endpoint_rates (endpoint, tokens, paused_until)
VALUES (:endpoint, 0, clock_timestamp() + :seconds::float8 * interval '1 second')
ON CONFLICT (endpoint) DO UPDATE
SET paused_until = GREATEST(endpoint_rates.paused_until, excluded.paused_until)
RETURNING endpoint
