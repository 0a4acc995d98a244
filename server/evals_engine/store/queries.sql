-- Every statement that the store runs. `-- name` begins one; times are Unix seconds.

-- add_file: announced with an upload_key, or whole without one.
INSERT INTO files (id, owner, filename, purpose, kind, bytes, line_count, created_at, upload_key)
VALUES (:id, :owner, :filename, :purpose, :kind, :bytes, :line_count, :created_at, :upload_key)

-- complete_file: the announced bytes have arrived; the key is spent.
UPDATE files SET bytes = :bytes, line_count = :line_count, upload_key = NULL
WHERE id = :id AND upload_key = :upload_key

-- awaited_file: a file whose bytes may still be sent with this key.
SELECT * FROM files WHERE id = :id AND upload_key = :upload_key

-- get_file: one file of this owner.
SELECT * FROM files WHERE id = :id AND owner = :owner

-- list_files: the newest first, without announced ones that never came.
SELECT * FROM files
WHERE owner = :owner AND upload_key IS NULL AND purpose IN ('eval', 'eval-output')
ORDER BY created_at DESC, id DESC

-- list_benchmarks: the newest first.
SELECT * FROM files WHERE owner = :owner AND purpose = 'benchmark'
ORDER BY created_at DESC, id DESC

-- delete_file: gone for this owner.
DELETE FROM files WHERE id = :id AND owner = :owner

-- file_ids: every file that has a record.
SELECT id FROM files

-- unfinished_of_file: evaluations that still read the file.
SELECT id FROM evaluations
WHERE file_id = :id AND owner = :owner AND status IN ('pending', 'queued', 'running')

-- count_unfinished: evaluations of this owner that wait or run.
SELECT COUNT(*) AS unfinished FROM evaluations
WHERE owner = :owner AND status IN ('pending', 'queued', 'running')

-- add_evaluation: a new one, leased by its creator where only that process can run it.
INSERT INTO evaluations
    (id, owner, type, parameters, file_id, status, created_at, updated_at, lease_owner, lease_until,
     idempotency_key, request_digest)
VALUES
    (:id, :owner, :type, :parameters, :file_id, 'pending', :now, :now, :lease_owner, :lease_until,
     :idempotency_key, :request_digest)
ON CONFLICT DO NOTHING

-- created_with: what a key has started.
SELECT id, request_digest FROM evaluations
WHERE owner = :owner AND idempotency_key = :idempotency_key

-- get_evaluation: one evaluation of this owner.
SELECT * FROM evaluations WHERE id = :id AND owner = :owner

-- list_evaluations: the newest first; a NULL status takes all.
SELECT * FROM evaluations
WHERE owner = :owner AND type <> 'benchmark' AND (:status IS NULL OR status = :status)
ORDER BY created_at DESC, id DESC LIMIT :limit

-- list_benchmark_evaluations: a page, the newest first; NULL takes all.
SELECT * FROM evaluations
WHERE owner = :owner AND type = 'benchmark'
    AND (:status IS NULL OR status IN (:status, :or_status))
    AND (:model_id IS NULL OR json_extract(parameters, '$.model_id') = :model_id)
ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset

-- count_benchmark_evaluations: of all pages.
SELECT count(*) AS total FROM evaluations
WHERE owner = :owner AND type = 'benchmark'
    AND (:status IS NULL OR status IN (:status, :or_status))
    AND (:model_id IS NULL OR json_extract(parameters, '$.model_id') = :model_id)

-- add_status_update: one step in an evaluation's life.
INSERT INTO status_updates (evaluation_id, status, message, at)
VALUES (:id, :status, :message, :now)

-- status_updates: an evaluation's life in order.
SELECT status, message, at FROM status_updates WHERE evaluation_id = :id ORDER BY sequence

-- cancel_waiting: end what no process has begun.
UPDATE evaluations SET status = :status, results = :results, updated_at = :now
WHERE id = :id AND owner = :owner AND status = 'pending' AND lease_owner IS NULL

-- request_cancel: ask whoever runs it to stop.
UPDATE evaluations SET cancel_requested = 1, updated_at = :now
WHERE id = :id AND owner = :owner AND status IN ('pending', 'queued', 'running')

-- claim: take the oldest evaluation that nobody runs, or that this process was given at birth.
UPDATE evaluations SET lease_owner = :lease_owner, lease_until = :lease_until
WHERE id = (
    SELECT id FROM evaluations
    WHERE status IN ('pending', 'queued', 'running')
        AND (
            lease_owner IS NULL OR lease_owner = :lease_owner
            OR lease_until < :now OR lease_until > :latest
        )
        AND id NOT IN (SELECT value FROM json_each(:running))
        AND owner NOT IN (SELECT value FROM json_each(:busy))
    ORDER BY created_at LIMIT 1
)
RETURNING *

-- renew_leases: this process is alive; answers what it still owns and what it is to stop.
UPDATE evaluations SET lease_until = :lease_until
WHERE lease_owner = :lease_owner AND status IN ('pending', 'queued', 'running')
RETURNING id, cancel_requested

-- release_lease: another process may go on at once.
UPDATE evaluations SET lease_owner = NULL, lease_until = NULL
WHERE id = :id AND lease_owner = :lease_owner

-- set_status: a step by the process that runs it; nothing happens once the lease is another's.
UPDATE evaluations SET status = :status, updated_at = :now, total_rows = :total_rows
WHERE id = :id AND lease_owner = :lease_owner

-- count_rows: rows that this batch adds; nothing happens once the lease is another's.
UPDATE evaluations
SET done_rows = done_rows + :done, failed_rows = failed_rows + :failed, updated_at = :now
WHERE id = :id AND lease_owner = :lease_owner

-- add_row: a finished row; a second finish of the same row is dropped.
INSERT INTO row_ledger (evaluation_id, row_number, state, outcome)
VALUES (:id, :row_number, :state, :outcome)
ON CONFLICT (evaluation_id, row_number) DO NOTHING

-- done_row_numbers: rows that need not be run again.
SELECT row_number FROM row_ledger WHERE evaluation_id = :id ORDER BY row_number

-- ledger: finished rows in the order of the data set.
SELECT row_number, state, outcome FROM row_ledger WHERE evaluation_id = :id ORDER BY row_number

-- finish: the end of an evaluation, written by the process that ran it.
UPDATE evaluations
SET status = :status, results = :results, updated_at = :now, lease_owner = NULL, lease_until = NULL
WHERE id = :id AND lease_owner = :lease_owner

-- clear_ledger: the result file holds the rows now; a page of them.
DELETE FROM row_ledger WHERE evaluation_id = :id AND row_number IN (
    SELECT row_number FROM row_ledger WHERE evaluation_id = :id ORDER BY row_number LIMIT :limit
)
