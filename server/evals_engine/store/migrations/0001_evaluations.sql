-- Files, evaluations and the ledger of finished rows. Times are Unix seconds.

CREATE TABLE files (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    filename TEXT NOT NULL,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0,
    line_count INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    -- Set while an announced upload is awaited: allows sending the bytes, once.
    upload_key TEXT
);

CREATE INDEX files_by_owner ON files (owner, created_at);

CREATE TABLE evaluations (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    type TEXT NOT NULL,
    -- JSON, without keys of external models.
    parameters TEXT NOT NULL,
    file_id TEXT NOT NULL,
    status TEXT NOT NULL,
    results TEXT,
    total_rows INTEGER,
    done_rows INTEGER NOT NULL DEFAULT 0,
    failed_rows INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    -- The id of the process that runs the evaluation, and the end of its lease.
    lease_owner TEXT,
    lease_until REAL
);

CREATE INDEX evaluations_by_owner ON evaluations (owner, created_at);
CREATE INDEX evaluations_by_status ON evaluations (status, created_at);

CREATE TABLE status_updates (
    sequence INTEGER PRIMARY KEY,
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    at REAL NOT NULL
);

CREATE INDEX status_updates_by_evaluation ON status_updates (evaluation_id);

-- One record per finished row. A row that two processes finish is stored once.
CREATE TABLE row_ledger (
    evaluation_id TEXT NOT NULL REFERENCES evaluations (id),
    row_number INTEGER NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (evaluation_id, row_number)
);
