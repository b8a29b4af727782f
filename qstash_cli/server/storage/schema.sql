-- Version 1 of the tables. Files of users have it: add a change as a new script, see database.py.
CREATE TABLE IF NOT EXISTS messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL,          -- live, cancelling, delivered, failed, cancelled
  due_ms INTEGER NOT NULL,       -- the next attempt of a live message
  ended_ms INTEGER,
  retried INTEGER NOT NULL DEFAULT 0,
  url TEXT NOT NULL,
  host TEXT NOT NULL,
  path TEXT NOT NULL,
  options TEXT NOT NULL,         -- the option headers, as JSON pairs
  body BLOB NOT NULL,
  created_ms INTEGER NOT NULL,
  not_before_ms INTEGER NOT NULL,
  caller_ip TEXT NOT NULL,
  topic TEXT,
  endpoint TEXT,
  schedule_id TEXT,
  queue TEXT,
  flow_key TEXT,
  callback_of TEXT,              -- the id of the message that it reports on
  labels TEXT NOT NULL           -- ",a,b,"
);
CREATE INDEX IF NOT EXISTS live_messages ON messages (due_ms) WHERE status = 'live';
CREATE INDEX IF NOT EXISTS cancelling_messages ON messages (id) WHERE status = 'cancelling';

CREATE TABLE IF NOT EXISTS logs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  state TEXT NOT NULL,
  details TEXT NOT NULL          -- what this step adds, as JSON
);
CREATE INDEX IF NOT EXISTS logs_of_message ON logs (message_id);

CREATE TABLE IF NOT EXISTS dlq (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  message_id TEXT NOT NULL,
  failed_ms INTEGER NOT NULL,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS deduplication (
  key TEXT PRIMARY KEY,
  message_id TEXT NOT NULL,
  until_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS end_of_deduplication ON deduplication (until_ms);

CREATE TABLE IF NOT EXISTS signing_keys (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  current TEXT NOT NULL,
  next TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS topics (
  name TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  endpoints TEXT NOT NULL,       -- JSON
  headers TEXT NOT NULL          -- JSON pairs
);

CREATE TABLE IF NOT EXISTS queues (
  name TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  parallelism INTEGER NOT NULL DEFAULT 1,
  is_paused INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS flows (
  key TEXT PRIMARY KEY,
  parallelism INTEGER NOT NULL DEFAULT 0,
  rate INTEGER NOT NULL DEFAULT 0,
  period_s INTEGER NOT NULL DEFAULT 1,
  is_paused INTEGER NOT NULL DEFAULT 0,
  pins_parallelism INTEGER NOT NULL DEFAULT 0,
  pins_rate INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS schedules (
  id TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  cron TEXT NOT NULL,
  destination TEXT NOT NULL,
  headers TEXT NOT NULL,         -- the option headers, as JSON pairs
  body BLOB NOT NULL,
  caller_ip TEXT NOT NULL,
  is_paused INTEGER NOT NULL DEFAULT 0,
  next_ms INTEGER NOT NULL,
  last_ms INTEGER,
  last_ids TEXT NOT NULL DEFAULT '[]',
  error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS live_of_queue ON messages (queue) WHERE status = 'live';

CREATE TABLE IF NOT EXISTS bulk_actions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  filter TEXT NOT NULL,          -- JSON
  total INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
);
