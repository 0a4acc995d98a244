-- Shards: ranges of rows, and the two steps before and after them. Number -2 prepares an evaluation, -1 concludes it. Only the database's clock counts.

-- add_preparation: the first shard of a new evaluation; it waits while another one still generates the answers it takes.
INSERT INTO shards (evaluation_key, number, first_row, size, state)
SELECT waiting.key, -2, 0, 0, CASE WHEN EXISTS (
    SELECT 1 FROM evaluations AS earlier
    WHERE earlier.id = waiting.answers_from AND earlier.status IN ('pending', 'queued', 'running')
) THEN 'todo' ELSE 'queued' END
FROM evaluations AS waiting WHERE waiting.id = :evaluation_id
RETURNING evaluation_key, state

-- slots_of_owner: how many shards of all evaluations of this one's owner are queued or run.
SELECT count(*) AS slots FROM shards
JOIN evaluations ON evaluations.key = shards.evaluation_key
WHERE shards.state IN ('queued', 'doing')
    AND evaluations.owner = (SELECT owner FROM evaluations WHERE key = :key)

-- begun_shard: what a process that begins a shard learns of it.
RETURNING number, epoch, shards.claims AS shard_claims, calls, first_row, size, byte_at, row_at,
    shards.done_rows AS shard_done, shards.failed_rows AS shard_failed, slots, failure, evaluations.*

-- begin_shard: take a queued shard; nothing if it is another's or done, or if the evaluation has ended.
UPDATE shards SET state = 'doing', epoch = epoch + 1, claims = shards.claims + 1, holder = :holder,
    beat = now(), note = NULL
FROM evaluations
WHERE shards.evaluation_key = :key AND number = :number AND state = 'queued'
    AND evaluations.key = shards.evaluation_key
    AND evaluations.status IN ('pending', 'queued', 'running')
{begun_shard}

-- passes_through_queue: whether the share of a shard goes to the next one through the queue: another evaluation waits for a place, or a node has so few shards in hand that one more would make them more even.
SELECT EXISTS (SELECT 1 FROM shards WHERE state = 'queued' AND evaluation_key <> :key)
    OR (
        SELECT count(*) FROM shards WHERE state = 'doing' AND calls > 0 AND holder = :holder
    ) > 1 + (
        SELECT min(held) FROM (
            SELECT count(shards.number) AS held FROM nodes
            LEFT JOIN shards ON holder = nodes.id AND state = 'doing' AND calls > 0
            WHERE NOT stopping AND nodes.beat > now() - interval '30 seconds' GROUP BY nodes.id
        ) AS node
    ) AS passes

-- begin_next: take the next shard that nobody has begun, without a share of its own (calls = 0) until the one before it ends; nothing if this process has lost that one.
UPDATE shards SET state = 'doing', epoch = epoch + 1, claims = shards.claims + 1, holder = :holder,
    beat = now(), note = NULL, calls = 0
FROM evaluations
WHERE shards.evaluation_key = :key AND evaluations.key = shards.evaluation_key
    AND evaluations.status = 'running' AND number = (
        SELECT number FROM shards WHERE evaluation_key = :key AND state = 'todo' AND number >= 0
        ORDER BY number LIMIT 1
    ) AND EXISTS (
        SELECT 1 FROM shards AS earlier WHERE earlier.evaluation_key = :key
            AND earlier.number = :number AND earlier.epoch = :epoch AND earlier.state = 'doing'
    )
{begun_shard}

-- lock_pair: two shards of an evaluation, in the order of their numbers.
SELECT number FROM shards WHERE evaluation_key = :key AND number IN (:number, :next_number)
ORDER BY number FOR UPDATE

-- pass_share: a shard that was begun without a share gets that of the one before it, which has ended.
UPDATE shards SET calls = :calls
WHERE evaluation_key = :key AND number = :number AND epoch = :epoch AND state = 'doing'

-- has_share: a record if this process still has the shard, with a share of its own.
SELECT 1 AS has FROM shards WHERE evaluation_key = :key AND number = :number AND epoch = :epoch
    AND state = 'doing' AND calls > 0

-- give_back_next: a shard that was begun without a share goes back to those that nobody has begun.
UPDATE shards SET state = 'todo', note = NULL, claims = GREATEST(claims - 1, 0)
WHERE evaluation_key = :key AND number = :number AND epoch = :epoch AND state = 'doing'
    AND calls = 0

-- failed_rows: those of all shards of an evaluation.
SELECT COALESCE(sum(failed_rows), 0)::bigint AS failed FROM shards
WHERE evaluation_key = :key AND failed_rows > 0

-- done_numbers: the finished rows of a range.
SELECT row_number FROM row_ledger
WHERE evaluation_key = :key AND row_number >= :first_row AND row_number < :end_row

-- add_rows: store finished rows, and count those that are new, unless the shard has ended; return its epoch. Rows of a process that has lost the shard count too: they have been paid for.
WITH shard AS MATERIALIZED (
    SELECT epoch FROM shards
    WHERE evaluation_key = :key AND number = :number AND state <> 'done' FOR UPDATE
), added AS (
    INSERT INTO row_ledger (evaluation_key, row_number, state, outcome)
    SELECT :key, (line->>0)::bigint, line->>1, line->>2 FROM json_array_elements(:rows::json) AS line
    WHERE EXISTS (SELECT 1 FROM shard)
    ON CONFLICT DO NOTHING RETURNING state
), counted AS (
    SELECT count(*) AS stored, count(*) FILTER (WHERE state <> 'ok') AS failed FROM added
)
UPDATE shards
SET done_rows = done_rows + stored, failed_rows = failed_rows + failed,
    claims = CASE WHEN stored > 0 THEN 0 ELSE claims END
FROM shard, counted WHERE evaluation_key = :key AND number = :number
RETURNING shards.epoch

-- renew_shards: those that this process still has; whether each is to stop, and how many rows of its evaluation have failed elsewhere. Locked in the order of their numbers, as every statement for several does.
WITH held AS MATERIALIZED (
    SELECT shards.evaluation_key, shards.number, leased.note FROM shards
    JOIN unnest(:keys::bigint[], :numbers::integer[], :epochs::integer[], :notes::text[])
        AS leased (key, number, epoch, note)
        ON shards.evaluation_key = leased.key AND shards.number = leased.number
    WHERE shards.epoch = leased.epoch AND shards.state = 'doing'
    ORDER BY shards.evaluation_key, shards.number FOR UPDATE OF shards
)
UPDATE shards SET beat = now(), note = held.note
FROM held JOIN evaluations ON evaluations.key = held.evaluation_key
WHERE shards.evaluation_key = held.evaluation_key AND shards.number = held.number
RETURNING shards.evaluation_key, shards.number,
    evaluations.cancel_requested OR evaluations.failure IS NOT NULL AS stops,
    (SELECT COALESCE(sum(others.failed_rows), 0)::bigint FROM shards AS others
        WHERE others.evaluation_key = held.evaluation_key AND others.number <> held.number
            AND others.failed_rows > 0) AS failed_elsewhere

-- release_shard: give a shard back, so that any node begins it at once.
UPDATE shards SET state = 'queued', beat = now(), note = NULL, claims = GREATEST(claims - 1, 0)
WHERE evaluation_key = :key AND number = :number AND epoch = :epoch AND state = 'doing'

-- lock_evaluation: one process at a time ends a shard of an evaluation, so that only one finds that it was the last.
SELECT cancel_requested, failure, total_rows, status FROM evaluations WHERE key = :key FOR UPDATE

-- end_shard: changes nothing unless this process has the shard; returns its share of the calls.
UPDATE shards SET state = 'done', note = NULL, beat = now()
WHERE evaluation_key = :key AND number = :number AND epoch = :epoch AND state = 'doing'
RETURNING calls

-- queue_next: the next shard that nobody has begun gets a share of the calls, with `if_idle` only if no other one has any. Without a number, the share is the smallest of the evaluation.
UPDATE shards SET state = 'queued', beat = now(), calls = COALESCE(:calls::integer, (
    SELECT min(calls) FROM shards WHERE evaluation_key = :key AND calls > 0
))
WHERE evaluation_key = :key AND number = (
    SELECT number FROM shards WHERE evaluation_key = :key AND state = 'todo' AND number >= 0
    ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED
) AND NOT (:if_idle AND EXISTS (
    SELECT 1 FROM shards AS others
    WHERE others.evaluation_key = :key AND others.state IN ('queued', 'doing')
        AND others.number >= 0 AND others.calls > 0
))
RETURNING number

-- queue_conclusion: the last step, once no shard is queued or runs.
UPDATE shards SET state = 'queued', beat = now()
WHERE evaluation_key = :key AND number = -1 AND state = 'todo' AND NOT EXISTS (
    SELECT 1 FROM shards AS others
    WHERE others.evaluation_key = :key AND others.state IN ('queued', 'doing')
)
RETURNING number

-- fail_evaluation: note why an evaluation ends early; the first reason counts.
UPDATE evaluations SET failure = :failure WHERE key = :key AND failure IS NULL

-- add_shards: the ranges of an evaluation, and its conclusion.
INSERT INTO shards (evaluation_key, number, first_row, size, byte_at, row_at)
SELECT :key, parts.* FROM unnest(
    :numbers::integer[], :first_rows::bigint[], :sizes::bigint[], :bytes::bigint[], :rows::bigint[]
) AS parts
ON CONFLICT DO NOTHING

-- start_evaluation: its rows can be judged now.
UPDATE evaluations SET status = 'running', total_rows = :total_rows, slots = :slots, updated_at = :now
WHERE key = :key

-- check_evaluation: its data set is being checked.
UPDATE evaluations SET status = 'queued', updated_at = :now WHERE key = :key AND status = 'pending'

-- end_evaluation: with what its shards have counted.
UPDATE evaluations
SET status = :status, results = :results, result_file_id = :result_file_id, updated_at = :now,
    done_rows = counted.done_rows, failed_rows = counted.failed_rows
FROM (
    SELECT COALESCE(sum(done_rows), 0) AS done_rows, COALESCE(sum(failed_rows), 0) AS failed_rows
    FROM shards WHERE evaluation_key = :key AND number >= 0
) AS counted
WHERE key = :key AND status IN ('pending', 'queued', 'running')

-- delete_shards: those of an ended evaluation, whose record has their counts now. The conclusion stays until the rows are deleted, too.
DELETE FROM shards WHERE evaluation_key = :key AND number <> -1

-- delete_conclusion: nothing is left of the evaluation but its record and its result file.
DELETE FROM shards WHERE evaluation_key = :key AND number = -1

-- ended_with_rows_left: ended evaluations whose rows a process was deleting when it ended.
SELECT evaluation_key FROM shards
WHERE number = -1 AND state = 'done' AND beat < now() - :lease * interval '1 second'

-- end_preparation: take the first shard of an evaluation that nobody has begun.
UPDATE shards SET state = 'done'
WHERE number = -2 AND state IN ('todo', 'queued')
    AND evaluation_key = (SELECT key FROM evaluations WHERE id = :evaluation_id)
RETURNING evaluation_key

-- queue_waiting: evaluations that take the answers of others, all of which have ended.
UPDATE shards SET state = 'queued', beat = now()
FROM evaluations AS waiting
WHERE shards.number = -2 AND shards.state = 'todo' AND waiting.key = shards.evaluation_key
    AND waiting.status = 'pending' AND NOT EXISTS (
        SELECT 1 FROM evaluations AS earlier
        WHERE earlier.id = waiting.answers_from
            AND earlier.status IN ('pending', 'queued', 'running')
    )
RETURNING shards.evaluation_key, shards.number

-- only_one: whether this transaction is the only one that looks for silent shards now.
SELECT pg_try_advisory_xact_lock(7201944) AS is_only

-- silent_shards: those that nobody has said a word about for a lease: the ticket or its holder is gone. Not within a lease after a start of the database, when nobody could renew. Locked with their evaluations, so that nobody ends a shard meanwhile.
SELECT shards.evaluation_key, shards.number FROM shards
JOIN evaluations ON evaluations.key = shards.evaluation_key
WHERE shards.state IN ('queued', 'doing')
    AND evaluations.status IN ('pending', 'queued', 'running')
    AND shards.beat < now() - :lease * interval '1 second'
    AND pg_postmaster_start_time() < now() - :lease * interval '1 second'
ORDER BY shards.evaluation_key, shards.number
LIMIT 100 FOR UPDATE OF evaluations, shards SKIP LOCKED

-- queue_silent: queue them again; one that was begun without a share goes back to those that nobody has begun.
UPDATE shards SET beat = now(),
    state = CASE WHEN number >= 0 AND calls = 0 THEN 'todo' ELSE 'queued' END
FROM unnest(:keys::bigint[], :numbers::integer[]) AS silent (key, name)
WHERE evaluation_key = silent.key AND number = silent.name
RETURNING evaluation_key, number, state

-- notify_nodes: wake the nodes, which look at what they hold.
SELECT pg_notify('evals_control', :evaluation_id)

-- waiting_reason: why the shards of an evaluation make no progress.
SELECT count(*) AS running, count(*) FILTER (WHERE is_silent) AS silent,
    COALESCE(max(seconds) FILTER (WHERE is_silent), 0)::integer AS seconds, max(note) AS note,
    COALESCE(bool_or(cancel_requested), false) AS cancel_requested
FROM (
    SELECT note, cancel_requested, extract(epoch FROM now() - beat) AS seconds,
        beat < now() - :silence * interval '1 second' AS is_silent
    FROM shards JOIN evaluations ON evaluations.key = shards.evaluation_key
    WHERE evaluations.id = :evaluation_id AND shards.state = 'doing'
) AS held

-- clear_ledger_page: delete a page of rows of an ended evaluation.
DELETE FROM row_ledger WHERE evaluation_key = :key AND row_number IN (
    SELECT row_number FROM row_ledger WHERE evaluation_key = :key ORDER BY row_number LIMIT :limit
)

-- ledger_of_key: the finished rows in the order of the data set.
SELECT row_number, state, outcome FROM row_ledger WHERE evaluation_key = :key ORDER BY row_number

-- beat_node: what this node does.
INSERT INTO nodes (id, version, shards, stopping) VALUES (:id, :version, :shards, :stopping)
ON CONFLICT (id) DO UPDATE SET beat = now(), shards = :shards, stopping = :stopping

-- remove_node: it has ended in good order.
DELETE FROM nodes WHERE id = :id

-- remove_silent_nodes: those that have ended otherwise.
DELETE FROM nodes WHERE beat < now() - interval '1 hour'

-- note_status: one status change of an evaluation.
INSERT INTO status_updates (evaluation_id, status, message, at)
VALUES (:id, :status, :message, :now)
