"""Maps terms of other tools and APIs to commands, for hints."""

from __future__ import annotations

COMMANDS = {
    "send": "publish",
    "enqueue": "publish --queue NAME",
    "post": "publish",
    "trigger": "publish",
    "workflows": "workflow list",
    "runs": "workflow list",
    "login": "config login",
    "auth": "config login",
    "profile": "config list",
    "profiles": "config list",
    "events": "logs",
    "log": "logs",
    "cron": "schedule create",
    "schedules": "schedule list",
    "topics": "urlgroup list",
    "url-group": "urlgroup list",
    "url-groups": "urlgroup list",
    "urlgroups": "urlgroup list",
    "queues": "queue list",
    "messages": "message get ID",
    "cancel": "message cancel ID",
    "retry": "dlq retry ID",
    "server": "dev",
    "start": "dev",
    "serve": "dev",
    "tunnel": "listen",
    "receive": "listen",
    "key": "keys get",
    "signing-keys": "keys get",
    "diff": "plan",
    "deploy": "apply",
    "import": "apply",
    "health": "doctor",
    "status": "doctor",
}
IN_GROUPS = {
    "create": {"queue": "set", "urlgroup": "add", "config": "set", "flow": "pin"},
    "add": {"queue": "set", "config": "set", "schedule": "create"},
    "update": {"queue": "set", "urlgroup": "add", "schedule": "create", "config": "set"},
    "upsert": {"queue": "set", "urlgroup": "add", "schedule": "create"},
    "set": {"flow": "pin", "schedule": "create", "urlgroup": "add"},
    "get": {"workflow": "show", "workflow dlq": "show"},
    "show": {"dlq": "get", "schedule": "get", "queue": "get", "urlgroup": "get"},
    "remove": {"queue": "delete", "dlq": "delete", "schedule": "delete", "message": "cancel"},
    "retry": {"workflow": "dlq resume", "workflow dlq": "resume"},
    "resume": {"workflow": "dlq resume"},
    "restart": {"workflow": "dlq restart"},
    "delete": {"message": "cancel", "config": "remove"},
    "list": {"message": "actions", "keys": "get"},
    "start": {"queue": "resume", "schedule": "resume", "flow": "resume"},
    "stop": {"queue": "pause", "schedule": "pause", "flow": "pause"},
}


# Options of other tools, and of QStash's own API.
OPTIONS = {"--count": "--limit", "--max": "--limit", "--tail": "--follow"}


def command_for(name: str, group: str = "") -> str | None:
    """Returns the command that matches another tool's term, at the top level or within `group`."""
    if not group:
        found = COMMANDS.get(name)
        return found and f"qstash {found}"
    found = IN_GROUPS.get(name, {}).get(group)
    return found and f"qstash {group} {found}"
