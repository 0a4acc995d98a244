-- usable from: 1
-- The rows of deleted evaluations, so that the count of all rows never falls.

CREATE TABLE deleted_rows (done_rows bigint NOT NULL, failed_rows bigint NOT NULL);
INSERT INTO deleted_rows (done_rows, failed_rows) VALUES (0, 0);
