-- The rows of deleted evaluations, so that the count of all rows never falls.

CREATE TABLE deleted_rows (done_rows INTEGER NOT NULL, failed_rows INTEGER NOT NULL);
INSERT INTO deleted_rows (done_rows, failed_rows) VALUES (0, 0);
