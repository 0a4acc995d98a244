-- The engine's own id, which moves with its data folder.

CREATE TABLE engine (id TEXT NOT NULL);
INSERT INTO engine (id) VALUES (lower(hex(randomblob(16))));
