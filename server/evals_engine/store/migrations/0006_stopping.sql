-- The evidence, as JSON, of an evaluation that may stop early; NULL for any other.

ALTER TABLE evaluations ADD COLUMN sequential TEXT;
