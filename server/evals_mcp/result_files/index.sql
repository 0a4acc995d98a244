-- The index of one result file: written once, then only read.

-- create: the verdicts, the rows in blocks, keys of their columns, and facts about the file.
CREATE TABLE verdicts (
    code INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    verdict TEXT,
    passed INTEGER,
    original TEXT,
    flipped TEXT,
    longer TEXT,
    rows INTEGER NOT NULL
);
CREATE TABLE blocks (
    first INTEGER PRIMARY KEY,
    starts BLOB NOT NULL,
    lengths BLOB NOT NULL,
    codes BLOB NOT NULL,
    scores BLOB
);
CREATE TABLE block_codes (code INTEGER NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (code, first)) WITHOUT ROWID;
CREATE TABLE scores (number INTEGER PRIMARY KEY, code INTEGER NOT NULL, score REAL NOT NULL);
CREATE TABLE keys (
    first INTEGER NOT NULL,
    keyed INTEGER NOT NULL,
    keys BLOB NOT NULL,
    PRIMARY KEY (first, keyed)
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- create_lookups: run after all rows are inserted. SQLite appends the row's number to the index.
CREATE INDEX scores_in_order ON scores (score);

-- add_verdict: one verdict without its score, and the number of rows that have it.
INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- add_block: arrays with one number for each row of a block: starts of 8 bytes, lengths and codes of 4, scores as doubles (NaN for none; NULL if no row has a score).
INSERT INTO blocks VALUES (?, ?, ?, ?, ?)

-- add_block_code: a verdict that occurs in a block.
INSERT INTO block_codes VALUES (?, ?)

-- add_score: the score of one row.
INSERT INTO scores VALUES (?, ?, ?)

-- add_keys: the keys of one column in a block, 8 bytes for each row; a column without any is null in all rows.
INSERT INTO keys VALUES (?, ?, ?)

-- add_fact: one fact about the whole file, as JSON.
INSERT INTO facts VALUES (?, ?)

-- facts: all facts.
SELECT name, value FROM facts

-- verdicts: all verdicts, in the order of their first occurrence.
SELECT state, verdict, NULL, passed, original, flipped, longer, rows FROM verdicts ORDER BY code

-- scores: every valid score, in the order of the scores.
SELECT score FROM scores WHERE code IN (SELECT code FROM verdicts WHERE state = 'ok') ORDER BY score

-- firsts: the first row of each block.
SELECT first FROM blocks ORDER BY first

-- block: the arrays of one block.
SELECT starts, lengths, codes, scores FROM blocks WHERE first = ?

-- keys: the keys of one column in one block.
SELECT keys FROM keys WHERE first = ? AND keyed = ?
