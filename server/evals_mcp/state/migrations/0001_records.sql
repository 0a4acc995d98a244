CREATE TABLE records (
    principal TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (principal, kind, name)
) WITHOUT ROWID;

CREATE INDEX records_by_time ON records (principal, kind, updated_at);
