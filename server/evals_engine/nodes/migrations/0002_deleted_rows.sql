-- usable from: 2
-- The rows of deleted evaluations, so that the count of all rows never falls. Nodes that know 0001 alone would give
-- a shard that was begun ahead no calls, so they may not use these tables.

CREATE TABLE deleted_rows (done_rows bigint NOT NULL, failed_rows bigint NOT NULL);
INSERT INTO deleted_rows (done_rows, failed_rows) VALUES (0, 0);
