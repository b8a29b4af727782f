"""The index of commands by name. Imports a command's module when the command is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from qstash_cli.cli.registry import Command, CommandGroup


class Entry(NamedTuple):
    """A top-level name: its help line in `qstash --help` and its section there.

    `module` is relative to `qstash_cli.commands`. If it is empty, the name is the module.
    """

    name: str
    help: str
    section: str
    module: str = ""


SEND, INSPECT, FIX = "Send", "Inspect", "Fix"
ROUTE, VERIFY, ACCOUNT, LOCAL = "Schedule & route", "Verify", "Account & config", "Local"

COMMANDS = (
    Entry("publish", "Publish a message", SEND),
    Entry("batch", "Publish the records of a file", SEND, "batch.command"),
    Entry("message", "Show, cancel and wait for messages", INSPECT, "message.command"),
    Entry("logs", "List what happened to messages", INSPECT, "logs.command"),
    Entry("top", "Watch queues, deliveries, the DLQ and schedules live", INSPECT),
    Entry(
        "workflow", "List, cancel, resume and wait for workflow runs", INSPECT, "workflow.command"
    ),
    Entry("check", "Monitor DLQ depth, queue lag and failed schedules", INSPECT, "check.command"),
    Entry("dlq", "List, retry and delete undelivered messages", FIX, "dlq.command"),
    Entry("replay", "Deliver a message again from this machine", FIX),
    Entry("schedule", "Manage schedules (messages published by cron)", ROUTE),
    Entry("urlgroup", "Manage URL groups (one message to many endpoints)", ROUTE),
    Entry(
        "queue", "Manage queues (ordered delivery with limited parallelism)", ROUTE, "queue.command"
    ),
    Entry("flow", "Manage flow control (rate and parallelism of a key)", ROUTE),
    Entry("verify", "Verify a signature offline", VERIFY, "verify.command"),
    Entry("sign", "Sign a request like QStash, for tests", VERIFY),
    Entry("probe", "Test whether an endpoint verifies signatures", VERIFY),
    Entry("keys", "Get and rotate the signing keys", VERIFY, "keys.command"),
    Entry("config", "Manage profiles (credentials and settings)", ACCOUNT, "config.command"),
    Entry("doctor", "Diagnose credentials, network and clock", ACCOUNT, "doctor.command"),
    Entry("plan", "Preview what `apply` would change", ACCOUNT, "manifest.plan"),
    Entry("apply", "Apply a manifest to the account", ACCOUNT, "manifest.apply"),
    Entry("export", "Write a manifest of the account", ACCOUNT, "manifest.export"),
    Entry("api", "Call any API endpoint", ACCOUNT),
    Entry("dev", "Run the embedded QStash server", LOCAL, "dev.command"),
    Entry("demo", "Show a delivery end to end, without an account", LOCAL),
    Entry(
        "listen", "Receive requests locally and verify their signatures", LOCAL, "listen.command"
    ),
    Entry("mcp", "Serve MCP tools to agents", LOCAL),
    Entry("retries", "Show when each retry of a message happens", LOCAL),
    Entry("completion", "Install or print the completion script of a shell", LOCAL),
    Entry("help", "Show a topic, such as callbacks, exit-codes or options", LOCAL, "help.command"),
)
EXAMPLES = """\
qstash demo                                        try it without an account
qstash dev                                         run QStash on this machine
qstash publish https://example.com/hook name=ada   publish a message"""
# QStash's API calls a URL group a topic.
ALIASES = {"topic": "urlgroup"}


class CommandIndex(NamedTuple):
    """The top-level names of commands."""

    entries: tuple[Entry, ...]
    aliases: Mapping[str, str]

    @property
    def helps(self) -> dict[str, str]:
        """The help line of each name."""
        return {entry.name: entry.help for entry in self.entries}

    def name_of(self, text: str) -> str | None:
        """Returns the name for a text on the command line, or None if there is no such command."""
        name = self.aliases.get(text, text)
        return name if any(entry.name == name for entry in self.entries) else None

    def group(self, name: str) -> CommandGroup:
        """Imports and returns the command group of a name."""
        module = next(entry.module for entry in self.entries if entry.name == name) or name
        found: CommandGroup = import_module(f"qstash_cli.commands.{module}").app
        return found

    def all_commands(self) -> Iterator[tuple[str, Command]]:
        """Yields every command with its full name, such as `dlq retry`. Imports all of them."""
        for entry in self.entries:
            yield from self.commands_of(entry)

    def commands_of(self, entry: Entry) -> Iterator[tuple[str, Command]]:
        """Yields the commands of an entry with their full names."""
        yield from self.group(entry.name).commands(entry.name)


INDEX = CommandIndex(COMMANDS, ALIASES)
