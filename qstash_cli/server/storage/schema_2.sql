-- Version 2: a bulk cancel runs in the background, and a restart continues it.
ALTER TABLE bulk_actions ADD COLUMN processed INTEGER NOT NULL DEFAULT 0;
-- The live messages with sequence numbers in (next_seq, last_seq] are still to be looked at.
ALTER TABLE bulk_actions ADD COLUMN next_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bulk_actions ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;
-- NULL while the action is in progress. Those of version 1 ended within their request.
ALTER TABLE bulk_actions ADD COLUMN completed_ms INTEGER;
UPDATE bulk_actions SET processed = total, completed_ms = created_ms;
CREATE INDEX live_by_seq ON messages (seq) WHERE status = 'live';
