-- The index of one result file: written once, then only read.

-- create: position and verdict of each row, and facts about the file.
CREATE TABLE rows (
    number INTEGER PRIMARY KEY,
    start INTEGER NOT NULL,
    length INTEGER NOT NULL,
    state TEXT NOT NULL,
    verdict TEXT,
    score REAL,
    passed INTEGER,
    original TEXT,
    flipped TEXT
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);

-- create_lookups: run after all rows are inserted. SQLite appends the row's number to each index.
CREATE INDEX rows_by_outcome ON rows (state, passed);
CREATE INDEX rows_by_score ON rows (score) WHERE score IS NOT NULL;
CREATE INDEX rows_by_disagreement ON rows (original) WHERE original != flipped;

-- add_row: one row of the file.
INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- add_fact: one fact about the whole file, as JSON.
INSERT INTO facts VALUES (?, ?)

-- facts: all facts.
SELECT name, value FROM facts

-- scores: every valid score, in the order of the scores.
SELECT score FROM rows WHERE state = 'ok' AND score IS NOT NULL ORDER BY score

-- all_rows: every row, in the order of the file.
SELECT * FROM rows ORDER BY number
