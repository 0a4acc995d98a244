-- Creates that a client may send again. Both columns are digests, because a key is secret and a
-- body may contain the key of an external model.

ALTER TABLE evaluations ADD COLUMN idempotency_key TEXT;
ALTER TABLE evaluations ADD COLUMN request_digest TEXT;

-- NULLs differ from each other: evaluations that were created without a key do not collide.
CREATE UNIQUE INDEX evaluations_by_idempotency_key ON evaluations (owner, idempotency_key);
