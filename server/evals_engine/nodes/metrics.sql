-- Figures of all nodes, for those who watch them. Only the database's clock counts.

-- all_rows: the rows that were ever finished, and those of them without a verdict.
SELECT (deleted_rows.done_rows + ended.done + unfinished.done)::float8 AS done,
    (deleted_rows.failed_rows + ended.failed + unfinished.failed)::float8 AS failed
FROM deleted_rows, (
    SELECT COALESCE(sum(done_rows), 0) AS done, COALESCE(sum(failed_rows), 0) AS failed
    FROM evaluations
) AS ended, (
    SELECT COALESCE(sum(shards.done_rows), 0) AS done,
        COALESCE(sum(shards.failed_rows), 0) AS failed
    FROM shards JOIN evaluations ON evaluations.key = shards.evaluation_key
    WHERE evaluations.status IN ('pending', 'queued', 'running')
) AS unfinished

-- leases_by_state: shards in hand, by whether their holder has been heard of lately.
SELECT label, count(*) FILTER (WHERE is_silent = (label = 'silent')) AS value
FROM (VALUES ('held'), ('silent')) AS states (label) LEFT JOIN (
    SELECT beat < now() - :silence * interval '1 second' AS is_silent FROM shards
    WHERE state = 'doing'
) AS leased ON true
GROUP BY label

-- waiting_tickets: how many tickets wait, and for how long the oldest one has.
SELECT count(*) AS tickets,
    COALESCE(GREATEST(extract(epoch FROM max(now() - at)), 0), 0)::float8 AS seconds
FROM procrastinate_jobs LEFT JOIN procrastinate_events
    ON job_id = procrastinate_jobs.id AND procrastinate_events.type = 'deferred'
WHERE status = 'todo'

-- shards_by_state: those of evaluations that have not ended.
SELECT shards.state AS label, count(*) AS value
FROM shards JOIN evaluations ON evaluations.key = shards.evaluation_key
WHERE evaluations.status IN ('pending', 'queued', 'running') GROUP BY 1

-- nodes_by_state: the processes that work on shards.
SELECT CASE WHEN beat < now() - :silence * interval '1 second' THEN 'silent'
    WHEN stopping THEN 'stopping' ELSE 'alive' END AS label, count(*) AS value
FROM nodes GROUP BY 1

-- endpoint_pauses: for how many seconds no node calls an endpoint.
SELECT endpoint AS label,
    COALESCE(GREATEST(extract(epoch FROM paused_until - now()), 0), 0)::float8 AS value
FROM endpoint_rates ORDER BY endpoint LIMIT :limit
