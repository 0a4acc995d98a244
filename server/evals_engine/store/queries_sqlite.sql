-- The SQL statements of SQLite: where another database needs other text, and runs of one machine.

-- delete_file: one file of this owner.
DELETE FROM files WHERE id = :id AND owner = :owner

-- file_ids: the ids of all files that have a record.
SELECT id FROM files

-- add_evaluation: a new evaluation, leased if only the process that creates it can run it.
INSERT INTO evaluations
    (id, owner, type, parameters, file_id, status, created_at, updated_at, lease_owner,
     idempotency_key, request_digest)
VALUES
    (:id, :owner, :type, :parameters, :file_id, 'pending', :now, :now, :lease_owner,
     :idempotency_key, :request_digest)
ON CONFLICT DO NOTHING

-- get_evaluation: one evaluation of this owner.
SELECT * FROM evaluations WHERE id = :id AND owner = :owner

-- list_evaluations: newest first; a NULL status matches all.
SELECT * FROM evaluations
WHERE owner = :owner AND type <> 'benchmark' AND (:status IS NULL OR status = :status)
ORDER BY created_at DESC, id DESC LIMIT :limit

-- list_benchmark_evaluations: a page, newest first; NULL matches all.
SELECT * FROM evaluations
WHERE owner = :owner AND type = 'benchmark'
    AND (:status IS NULL OR status IN (:status, :or_status))
    AND (:model_id IS NULL OR json_extract(parameters, '$.model_id') = :model_id)
ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset

-- count_benchmark_evaluations: the number on all pages.
SELECT count(*) AS total FROM evaluations
WHERE owner = :owner AND type = 'benchmark'
    AND (:status IS NULL OR status IN (:status, :or_status))
    AND (:model_id IS NULL OR json_extract(parameters, '$.model_id') = :model_id)

-- cancel_waiting: end an evaluation that no process has started.
UPDATE evaluations SET status = :status, results = :results, updated_at = :now
WHERE id = :id AND owner = :owner AND status = 'pending' AND lease_owner IS NULL

-- request_cancel: ask the process that runs the evaluation to stop.
UPDATE evaluations SET cancel_requested = 1, updated_at = :now
WHERE id = :id AND owner = :owner AND status IN ('pending', 'queued', 'running')

-- leases_of_others: the leases on unfinished evaluations that other processes hold.
SELECT id, lease_owner, lease_renewals FROM evaluations
WHERE lease_owner <> :lease_owner AND status IN ('pending', 'queued', 'running')

-- claim: lease the oldest evaluation that waits for no other one's answers, and that is without a lease, or leased to this process when it was created, or whose lease is silent and has not been renewed since.
UPDATE evaluations
SET lease_owner = :lease_owner, lease_renewals = lease_renewals + 1, claims = claims + 1
WHERE id = (
    SELECT id FROM evaluations
    WHERE status IN ('pending', 'queued', 'running')
        AND (
            lease_owner IS NULL OR lease_owner = :lease_owner
            OR EXISTS (
                SELECT 1 FROM json_each(:silent)
                WHERE json_extract(value, '$.evaluation_id') = evaluations.id
                    AND json_extract(value, '$.process_id') = lease_owner
                    AND json_extract(value, '$.renewals') = lease_renewals
            )
        )
        AND id NOT IN (SELECT value FROM json_each(:running))
        AND NOT EXISTS (
            SELECT 1 FROM evaluations AS earlier
            WHERE earlier.id = json_extract(evaluations.parameters, '$.answers_from')
                AND earlier.status IN ('pending', 'queued', 'running')
        )
        AND owner NOT IN (SELECT value FROM json_each(:busy))
    ORDER BY created_at LIMIT 1
)
RETURNING *

-- renew_leases: renew all leases of this process; return their evaluations.
UPDATE evaluations SET lease_renewals = lease_renewals + 1
WHERE lease_owner = :lease_owner AND status IN ('pending', 'queued', 'running')
RETURNING id, cancel_requested

-- release_lease: let another process claim the evaluation at once.
UPDATE evaluations SET lease_owner = NULL, claims = claims - 1
WHERE id = :id AND lease_owner = :lease_owner

-- set_status: changes nothing unless this process has the lease.
UPDATE evaluations SET status = :status, updated_at = :now, total_rows = :total_rows
WHERE id = :id AND lease_owner = :lease_owner

-- count_rows: add to the counts; changes nothing unless this process has the lease.
UPDATE evaluations
SET done_rows = done_rows + :done, failed_rows = failed_rows + :failed, updated_at = :now,
    sequential = COALESCE(:sequential, sequential)
WHERE id = :id AND lease_owner = :lease_owner

-- add_row: a finished row; ignored if the row is in the ledger already.
INSERT INTO row_ledger (evaluation_id, row_number, state, outcome)
VALUES (:id, :row_number, :state, :outcome)
ON CONFLICT (evaluation_id, row_number) DO NOTHING

-- done_row_numbers: the numbers of the finished rows.
SELECT row_number FROM row_ledger WHERE evaluation_id = :id ORDER BY row_number

-- ledger: the finished rows in the order of the data set.
SELECT row_number, state, outcome FROM row_ledger WHERE evaluation_id = :id ORDER BY row_number

-- finish: end an evaluation; changes nothing unless this process has the lease.
UPDATE evaluations
SET status = :status, results = :results, updated_at = :now, lease_owner = NULL
WHERE id = :id AND lease_owner = :lease_owner

-- clear_ledger: delete a page of rows.
DELETE FROM row_ledger WHERE evaluation_id = :id AND row_number IN (
    SELECT row_number FROM row_ledger WHERE evaluation_id = :id ORDER BY row_number LIMIT :limit
)

-- ended_with_rows: those with a result file and rows in the ledger that cannot be continued.
SELECT id FROM evaluations
WHERE status NOT IN ('pending', 'queued', 'running')
    AND json_extract(results, '$.result_file_id') IS NOT NULL
    AND COALESCE(json_extract(results, '$.sequential.rows_not_judged'), 0) = 0
    AND EXISTS (SELECT 1 FROM row_ledger WHERE evaluation_id = evaluations.id)

-- result_file_of_ended: a record if the evaluation of this owner has ended.
SELECT json_extract(results, '$.result_file_id') AS file_id FROM evaluations
WHERE id = :id AND owner = :owner AND status NOT IN ('pending', 'queued', 'running')

-- all_rows: the rows that were ever finished, and those of them without a verdict.
SELECT deleted_rows.done_rows + COALESCE(SUM(evaluations.done_rows), 0) AS done,
    deleted_rows.failed_rows + COALESCE(SUM(evaluations.failed_rows), 0) AS failed
FROM deleted_rows LEFT JOIN evaluations ON true GROUP BY deleted_rows.rowid

-- leases_by_state: evaluations that a process runs; whether it still renews, others see later.
SELECT 'held' AS label, COUNT(*) AS value FROM evaluations
WHERE lease_owner IS NOT NULL AND status IN ('pending', 'queued', 'running')

-- delete_ledger: all rows of an evaluation.
DELETE FROM row_ledger WHERE evaluation_id = :id
