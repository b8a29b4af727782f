"""Example arguments of every command, for tests that run all of them."""

from __future__ import annotations

from collections.abc import Iterator

from qstash_cli.cli.index import INDEX

_TO = "https://example.com/hook"
_FILTER = ("--label", "nightly", "--yes")
# Commands that call QStash.
ASKING: dict[str, tuple[str, ...]] = {
    "publish": (_TO, "a=1"),
    "batch": ("messages.jsonl",),
    "message get": ("msg_1",),
    "message show": ("msg_1",),
    "message cancel": _FILTER,
    "message wait": ("msg_1", "--wait-timeout", "1s"),
    "message run-now": ("msg_1",),
    "message actions": (),
    "message action": ("bulk_1",),
    "logs": ("--since", "1h"),
    "schedule create": (_TO, "--cron", "@daily", "--id", "report"),
    "schedule list": (),
    "schedule get": ("report",),
    "schedule pause": ("report",),
    "schedule resume": ("report",),
    "schedule delete": ("report", "--yes"),
    "schedule run": ("report",),
    "urlgroup list": (),
    "urlgroup get": ("team",),
    "urlgroup add": ("team", _TO),
    "urlgroup remove": ("team", _TO),
    "urlgroup headers": ("team", "-H", "Upstash-Retries: 1"),
    "urlgroup delete": ("team", "--yes"),
    "urlgroup check": ("team",),
    "queue list": (),
    "queue get": ("orders",),
    "queue set": ("orders", "--parallelism", "2"),
    "queue pause": ("orders",),
    "queue resume": ("orders",),
    "queue delete": ("orders", "--yes"),
    "queue wait": ("orders", "--idle", "--wait-timeout", "1s"),
    "flow list": (),
    "flow get": ("api",),
    "flow pause": ("api",),
    "flow resume": ("api",),
    "flow pin": ("api", "--rate", "5"),
    "flow unpin": ("api", "--rate"),
    "flow reset": ("api",),
    "flow global": (),
    "workflow list": (),
    "workflow show": ("wfr_1",),
    "workflow cancel": ("--all", "--yes"),
    "workflow wait": ("wfr_1", "--wait-timeout", "1s"),
    "workflow notify": ("paid", "--data", "x"),
    "workflow dlq list": (),
    "workflow dlq show": ("1725323658779-0",),
    "workflow dlq resume": _FILTER,
    "workflow dlq restart": _FILTER,
    "workflow dlq delete": _FILTER,
    "workflow dlq retry-callback": ("1725323658779-0",),
    "dlq list": (),
    "dlq get": ("1725323658779-0",),
    "dlq group": (),
    "dlq export": (),
    "dlq retry": _FILTER,
    "dlq delete": _FILTER,
    "check": ("--dlq-max", "0", "--flow", "api", "--waiting-max", "0"),
    "replay": ("1725323658779-0", "--to", "http://127.0.0.1:9/"),
    "keys get": (),
    "keys rotate": ("--yes",),
    "plan": (),
    "apply": ("--yes",),
    "export": (),
    "api": ("GET", "/v2/logs"),
    "doctor": (),
    "dev clock": (),
    "dev snapshot": ("save", "snapshot.db"),
}
# Commands that do not call QStash, and end by themselves.
OTHERS: dict[str, tuple[str, ...]] = {
    "schedule next": ("0 3 * * *",),
    "verify": ("--signature", "a.b.c", "--body", "x"),
    "sign": ("--url", _TO, "--body", "x", "--dev"),
    "probe": ("http://127.0.0.1:9/", "--dev"),
    "retries": (),
    "config list": (),
    "config show": (),
    "config set": ("other", "--token-env", "OTHER_TOKEN"),
    "config login": ("other", "--with-token"),
    "config use": ("prod",),
    "config remove": ("prod", "--yes"),
    "config path": (),
    "config env": ("prod",),
    "demo": (),
    "completion bash": (),
    "completion zsh": (),
    "completion fish": (),
    "completion powershell": (),
    "completion install": ("bash", "--print"),
    "help": ("exit-codes",),
}
# Commands that run until they are stopped.
ENDLESS = ("listen", "dev", "top", "mcp")


def names() -> Iterator[str]:
    """Yields the name of every command."""
    return (name for name, _ in INDEX.all_commands())


def argv(name: str) -> tuple[str, ...]:
    """Returns the command line of a command with example arguments."""
    return (*name.split(), *(ASKING | OTHERS)[name])
