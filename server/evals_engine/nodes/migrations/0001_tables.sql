-- usable from: 1
-- The tables of the engine. Times of records are Unix seconds, as in SQLite; times that are
-- compared with the database's own clock, such as leases, are timestamptz.

CREATE TABLE schema_version (
    -- The newest script that was run, and the oldest newest script that a node must know.
    version integer NOT NULL,
    usable_from integer NOT NULL
);

-- The engine's own id, which a restored copy keeps.
CREATE TABLE engine (id text NOT NULL);
INSERT INTO engine (id) VALUES (replace(gen_random_uuid()::text, '-', ''));

CREATE TABLE files (
    id text PRIMARY KEY,
    owner text NOT NULL,
    filename text NOT NULL,
    purpose text NOT NULL,
    kind text NOT NULL,
    bytes bigint NOT NULL DEFAULT 0,
    line_count bigint NOT NULL DEFAULT 0,
    created_at double precision NOT NULL,
    -- Set while an announced upload is awaited: allows sending the bytes, once.
    upload_key text
);

CREATE INDEX files_by_owner ON files (owner, created_at);

-- The bytes of files, 1 MiB each, the last of a file less. An upload is stored under an id of its
-- own, which becomes that of the file once the bytes are complete and checked.
CREATE TABLE file_chunks (
    file_id text NOT NULL,
    number integer NOT NULL,
    bytes bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_id, number)
);

-- Uncompressed, so that a part of a chunk can be read without the whole.
ALTER TABLE file_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Where rows of a data set begin, so that a shard reads its own bytes alone.
CREATE TABLE file_marks (
    file_id text PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    -- offsets[1] is the byte at which row 0 begins, offsets[2] that of row `every`, and so on.
    every integer NOT NULL,
    offsets bigint[] NOT NULL
);

CREATE TABLE evaluations (
    id text PRIMARY KEY,
    -- A short key for the tables with a record for each row or shard.
    key bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    owner text NOT NULL,
    type text NOT NULL,
    -- JSON as text, because jsonb refuses some characters. Without keys of external models.
    parameters text NOT NULL,
    -- Copies of parameters by which evaluations are found.
    model_id text,
    answers_from text,
    file_id text NOT NULL,
    status text NOT NULL,
    results text,
    result_file_id text,
    total_rows bigint,
    -- Rows of shards that are no longer stored; those of stored shards are counted there.
    done_rows bigint NOT NULL DEFAULT 0,
    failed_rows bigint NOT NULL DEFAULT 0,
    created_at double precision NOT NULL,
    updated_at double precision NOT NULL,
    cancel_requested boolean NOT NULL DEFAULT false,
    claims integer NOT NULL DEFAULT 0,
    -- Shards that may run at once, each with its share of num_workers; NULL before the rows are
    -- divided into shards.
    slots integer,
    -- JSON of a status change: why the evaluation ends early. Set by a node, read by the conclusion.
    failure text,
    -- JSON of the evidence of an evaluation that may stop early; no node has any yet.
    sequential text,
    -- Digests: a key is secret, and a body may contain the key of an external model.
    idempotency_key text,
    request_digest text
);

CREATE INDEX evaluations_by_owner ON evaluations (owner, created_at);
CREATE INDEX evaluations_unfinished ON evaluations (created_at)
    WHERE status IN ('pending', 'queued', 'running');
-- NULLs differ from each other: evaluations that were created without a key do not collide.
CREATE UNIQUE INDEX evaluations_by_idempotency_key ON evaluations (owner, idempotency_key);

CREATE TABLE status_updates (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    evaluation_id text NOT NULL REFERENCES evaluations (id),
    status text NOT NULL,
    message text NOT NULL,
    at double precision NOT NULL
);

CREATE INDEX status_updates_by_evaluation ON status_updates (evaluation_id);

-- A range of the rows of an evaluation. Number -2 is its preparation, -1 its conclusion.
CREATE TABLE shards (
    evaluation_key bigint NOT NULL,
    number integer NOT NULL,
    first_row bigint NOT NULL,
    size bigint NOT NULL,
    -- The byte of the data set at which the shard is read from, and the row that begins there.
    byte_at bigint NOT NULL DEFAULT 0,
    row_at bigint NOT NULL DEFAULT 0,
    -- todo, queued, doing or done
    state text NOT NULL DEFAULT 'todo',
    -- Counts who has begun the shard; a process whose epoch is no longer the shard's has lost it.
    epoch integer NOT NULL DEFAULT 0,
    holder text,
    -- How often it was begun without a row having been stored since.
    claims integer NOT NULL DEFAULT 0,
    -- Its share of the rows in flight of the evaluation.
    calls integer NOT NULL DEFAULT 0,
    beat timestamptz NOT NULL DEFAULT now(),
    done_rows bigint NOT NULL DEFAULT 0,
    failed_rows bigint NOT NULL DEFAULT 0,
    -- Why the shard makes no progress; NULL without a reason.
    note text,
    PRIMARY KEY (evaluation_key, number)
);

CREATE INDEX shards_todo ON shards (evaluation_key, number) WHERE state = 'todo';
CREATE INDEX shards_leased ON shards (beat) WHERE state IN ('queued', 'doing');
CREATE INDEX shards_failed ON shards (evaluation_key) INCLUDE (failed_rows) WHERE failed_rows > 0;
CREATE INDEX shards_ended ON shards (beat) WHERE number = -1 AND state = 'done';

-- One record per finished row. A row that two processes finish is stored once.
CREATE TABLE row_ledger (
    evaluation_key bigint NOT NULL,
    row_number bigint NOT NULL,
    state text NOT NULL,
    outcome text NOT NULL,
    PRIMARY KEY (evaluation_key, row_number)
) PARTITION BY HASH (evaluation_key);

DO $$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format(
            'CREATE TABLE row_ledger_%s PARTITION OF row_ledger'
            ' FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
            part, part
        );
    END LOOP;
END
$$;

-- Calls that all nodes together may still make to a model endpoint.
CREATE TABLE endpoint_rates (
    endpoint text PRIMARY KEY,
    tokens double precision NOT NULL,
    filled_at timestamptz NOT NULL DEFAULT now(),
    paused_until timestamptz
);

-- The processes that work on shards, for those who watch them.
CREATE TABLE nodes (
    id text PRIMARY KEY,
    version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat timestamptz NOT NULL DEFAULT now(),
    shards integer NOT NULL DEFAULT 0,
    stopping boolean NOT NULL DEFAULT false
);
