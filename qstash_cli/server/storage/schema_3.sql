-- Version 3: runs of Upstash Workflow.
CREATE TABLE workflow_runs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,              -- may be used again once the run has ended
  url TEXT NOT NULL,
  state TEXT NOT NULL,           -- RUN_STARTED, RUN_SUCCESS, RUN_FAILED, RUN_CANCELED
  options TEXT NOT NULL,         -- the option headers of the trigger, as JSON pairs
  flow_key TEXT,
  queue TEXT,
  labels TEXT NOT NULL,          -- ",a,b,"
  caller_ip TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  size_bytes INTEGER NOT NULL DEFAULT 0,
  is_untested INTEGER NOT NULL DEFAULT 0, -- triggered without an SDK, which may not be there
  response BLOB,                 -- what the workflow has returned
  invoker_seq INTEGER,           -- the run that invoked it,
  invoker TEXT,                  -- and its step, URL and headers, as JSON
  dlq_id TEXT,
  failure_message_id TEXT        -- the message that reports the failure
);
CREATE UNIQUE INDEX live_workflow_runs ON workflow_runs (id) WHERE state = 'RUN_STARTED';
CREATE INDEX workflow_runs_by_id ON workflow_runs (id);
CREATE INDEX workflow_runs_by_invoker ON workflow_runs (invoker_seq);

-- The steps of each run in the order in which they were submitted.
CREATE TABLE workflow_steps (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  run_seq INTEGER NOT NULL,
  key TEXT NOT NULL,             -- identifies the step in its run
  message_id TEXT NOT NULL,
  call_type TEXT NOT NULL,
  body BLOB NOT NULL,
  created_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX workflow_steps_of_run ON workflow_steps (run_seq, key);
CREATE INDEX workflow_steps_by_message ON workflow_steps (message_id);

-- The steps that wait for an event. The message is due at the deadline.
CREATE TABLE workflow_waits (
  message_id TEXT PRIMARY KEY,
  run_seq INTEGER NOT NULL,
  key TEXT NOT NULL,
  event_id TEXT NOT NULL,
  step TEXT NOT NULL,            -- JSON
  waiter TEXT NOT NULL,          -- what is listed about it, as JSON
  created_ms INTEGER NOT NULL,
  deadline_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX workflow_waits_of_run ON workflow_waits (run_seq, key);
CREATE INDEX workflow_waits_of_event ON workflow_waits (event_id);

-- Events for one run that nothing has waited for yet.
CREATE TABLE workflow_events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  run_seq INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  data BLOB NOT NULL
);
CREATE INDEX workflow_events_of_run ON workflow_events (run_seq, event_id);

-- The run that a message belongs to, and how: step, toCallback, fromCallback or failureCall.
ALTER TABLE messages ADD COLUMN run_seq INTEGER;
ALTER TABLE messages ADD COLUMN call_type TEXT;
CREATE INDEX messages_of_run ON messages (run_seq) WHERE run_seq IS NOT NULL;
