-- A lease is counted instead of dated, since the clocks of two processes may differ.

ALTER TABLE evaluations ADD COLUMN lease_renewals INTEGER NOT NULL DEFAULT 0;
ALTER TABLE evaluations DROP COLUMN lease_until;
