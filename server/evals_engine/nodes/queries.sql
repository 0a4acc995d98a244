-- The SQL statements of records and files where PostgreSQL needs other text than SQLite, and those of chunks. The columns done_rows and failed_rows of an evaluation include what its stored shards count.

-- add_evaluation: a new evaluation.
INSERT INTO evaluations
    (id, owner, type, parameters, model_id, answers_from, file_id, status, created_at, updated_at,
     idempotency_key, request_digest)
VALUES
    (:id, :owner, :type, :parameters, :model_id, :answers_from, :file_id, 'pending', :now, :now,
     :idempotency_key, :request_digest)
ON CONFLICT DO NOTHING

-- counted_evaluations: the beginning of a query for evaluations, with the rows that their stored shards count.
SELECT evaluations.*, evaluations.done_rows + live.done AS done_rows,
    evaluations.failed_rows + live.failed AS failed_rows
FROM evaluations CROSS JOIN LATERAL (
    SELECT COALESCE(sum(shards.done_rows), 0)::bigint AS done,
        COALESCE(sum(shards.failed_rows), 0)::bigint AS failed
    FROM shards WHERE evaluation_key = evaluations.key AND number >= 0
) AS live

-- get_evaluation: one evaluation of this owner.
{counted_evaluations}
WHERE id = :id AND owner = :owner

-- list_evaluations: newest first; a NULL status matches all.
{counted_evaluations}
WHERE owner = :owner AND type <> 'benchmark'
    AND (:status::text IS NULL OR status = :status)
ORDER BY created_at DESC, id DESC LIMIT :limit

-- list_benchmark_evaluations: a page, newest first; NULL matches all.
{counted_evaluations}
WHERE owner = :owner AND type = 'benchmark'
    AND (:status::text IS NULL OR status IN (:status, :or_status))
    AND (:model_id::text IS NULL OR model_id = :model_id)
ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset

-- count_benchmark_evaluations: the number on all pages.
SELECT count(*) AS total FROM evaluations
WHERE owner = :owner AND type = 'benchmark'
    AND (:status::text IS NULL OR status IN (:status, :or_status))
    AND (:model_id::text IS NULL OR model_id = :model_id)

-- request_cancel: ask all nodes to stop an evaluation; it stays locked until the transaction ends.
UPDATE evaluations SET cancel_requested = true, updated_at = :now
WHERE id = :id AND owner = :owner AND status IN ('pending', 'queued', 'running')

-- end_waiting: end an evaluation that no node has begun.
UPDATE evaluations SET status = :status, results = :results, updated_at = :now WHERE id = :id

-- result_file_of_ended: a record if the evaluation of this owner has ended.
SELECT result_file_id AS file_id FROM evaluations
WHERE id = :id AND owner = :owner AND status NOT IN ('pending', 'queued', 'running')
FOR UPDATE

-- delete_ledger: all rows and shards of an evaluation.
WITH deleted AS (
    SELECT key FROM evaluations WHERE id = :id AND owner = :owner
), without_shards AS (
    DELETE FROM shards WHERE evaluation_key IN (SELECT key FROM deleted)
)
DELETE FROM row_ledger WHERE evaluation_key IN (SELECT key FROM deleted)

-- finished_rows: the finished rows in the order of the data set.
SELECT row_number, state, outcome FROM row_ledger
WHERE evaluation_key = (SELECT key FROM evaluations WHERE id = :id)
ORDER BY row_number

-- delete_file: one file of this owner, with its bytes.
WITH deleted AS (
    DELETE FROM files WHERE id = :id AND owner = :owner RETURNING id
)
DELETE FROM file_chunks WHERE file_id IN (SELECT id FROM deleted)

-- add_chunk: some of the bytes of a part or a file.
INSERT INTO file_chunks (file_id, number, bytes) VALUES (:file_id, :number, :bytes)

-- read_chunk: the bytes of a chunk from one on.
SELECT substring(bytes FROM :start) AS bytes FROM file_chunks
WHERE file_id = :file_id AND number = :number

-- has_chunks: a record if a file has bytes.
SELECT 1 AS has FROM file_chunks WHERE file_id = :file_id LIMIT 1

-- keep_part: let the bytes of a part be those of a file.
UPDATE file_chunks SET file_id = :file_id WHERE file_id = :part_id

-- delete_chunks: the bytes of a part.
DELETE FROM file_chunks WHERE file_id = :file_id

-- delete_abandoned: bytes without a record, of a process that ended while it wrote them.
DELETE FROM file_chunks
WHERE stored_at < now() - :seconds * interval '1 second'
    AND NOT EXISTS (SELECT 1 FROM files WHERE files.id = file_chunks.file_id)

-- add_marks: where the rows of a file begin.
INSERT INTO file_marks (file_id, every, offsets) VALUES (:file_id, :every, :offsets)

-- marks: where the rows of a file begin.
SELECT every, offsets FROM file_marks WHERE file_id = :file_id
