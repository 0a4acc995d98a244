-- The SQL statements of the store that every database has, each after a comment
-- `-- name: description`. Times are Unix seconds.

-- add_file: announced if upload_key is set, else complete.
INSERT INTO files (id, owner, filename, purpose, kind, bytes, line_count, created_at, upload_key)
VALUES (:id, :owner, :filename, :purpose, :kind, :bytes, :line_count, :created_at, :upload_key)

-- complete_file: the bytes of an announced file are stored; the key becomes invalid.
UPDATE files SET bytes = :bytes, line_count = :line_count, upload_key = NULL
WHERE id = :id AND upload_key = :upload_key

-- awaited_file: an announced file whose bytes may still be sent with this key.
SELECT * FROM files WHERE id = :id AND upload_key = :upload_key

-- get_file: one file of this owner.
SELECT * FROM files WHERE id = :id AND owner = :owner

-- list_files: newest first, without announced files whose bytes have not arrived.
SELECT * FROM files
WHERE owner = :owner AND upload_key IS NULL AND purpose IN ('eval', 'eval-output')
ORDER BY created_at DESC, id DESC

-- list_benchmarks: newest first.
SELECT * FROM files WHERE owner = :owner AND purpose = 'benchmark'
ORDER BY created_at DESC, id DESC

-- unfinished_of_file: an evaluation that still reads the file.
SELECT id FROM evaluations
WHERE file_id = :id AND owner = :owner AND status IN ('pending', 'queued', 'running') LIMIT 1

-- created_with: the evaluation that an idempotency key has started.
SELECT id, request_digest FROM evaluations
WHERE owner = :owner AND idempotency_key = :idempotency_key

-- created_lately: the newest evaluation that a request without an idempotency key has started.
SELECT id FROM evaluations
WHERE owner = :owner AND created_at >= :since AND idempotency_key IS NULL
    AND request_digest = :request_digest
ORDER BY created_at DESC, id DESC LIMIT 1

-- add_status_update: one status change of an evaluation.
INSERT INTO status_updates (evaluation_id, status, message, at)
VALUES (:id, :status, :message, :now)

-- status_updates: the status changes of an evaluation, oldest first.
SELECT status, message, at FROM status_updates WHERE evaluation_id = :id ORDER BY sequence

-- count_evaluations: the evaluations of this owner that wait or run, and all of them.
SELECT COUNT(*) AS stored, COUNT(*) FILTER (WHERE status IN ('pending', 'queued', 'running')) AS unfinished
FROM evaluations WHERE owner = :owner

-- bytes_of: the bytes of all files of this owner.
SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes FROM files WHERE owner = :owner

-- delete_status_updates: all status changes of an evaluation.
DELETE FROM status_updates WHERE evaluation_id = :id

-- count_deleted_rows: keep the count of rows of an evaluation that is deleted.
UPDATE deleted_rows SET
    done_rows = done_rows + (SELECT COALESCE(SUM(done_rows), 0) FROM evaluations
        WHERE id = :id AND owner = :owner),
    failed_rows = failed_rows + (SELECT COALESCE(SUM(failed_rows), 0) FROM evaluations
        WHERE id = :id AND owner = :owner)

-- unfinished_by_status: how many evaluations of all owners have not ended.
SELECT status AS label, COUNT(*) AS value FROM evaluations
WHERE status IN ('pending', 'queued', 'running') GROUP BY status

-- delete_evaluation: one evaluation of this owner.
DELETE FROM evaluations WHERE id = :id AND owner = :owner

-- engine_id: the engine's own id.
SELECT id FROM engine
