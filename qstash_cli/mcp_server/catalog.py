"""The commands that are offered as tools, and when to use each.

The arguments, their descriptions and the results come from the registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from qstash_cli.cli.index import INDEX
from qstash_cli.cli.registry import Command


class Entry(NamedTuple):
    """A command that is offered as a tool. `when` says what the tool is for.

    `omits` are parameters that the tool does not have. A tool that `is_local` reads files or the
    configuration of this machine. `is_destructive` and `is_idempotent` are hints for clients about
    tools that write.
    """

    command: str
    when: str
    omits: tuple[str, ...] = ()
    is_local: bool = False
    writes: bool = False
    is_destructive: bool = False
    is_idempotent: bool = False

    @property
    def name(self) -> str:
        """The name of the tool, such as `dlq_list`."""
        return self.command.replace(" ", "_").replace("-", "_")


_READS = (
    Entry(
        "message show",
        "Start here to find out why one message failed or where it is: its stored message, every "
        "attempt with the endpoint's response, and its DLQ entry.",
    ),
    Entry(
        "logs",
        "Use it to find messages by label, state, URL, queue or time, and what happened to them. "
        "With by_message there is one record per message, with stats only numbers.",
        ("follow",),
    ),
    Entry("dlq list", "Use it to see which messages failed after their last retry."),
    Entry(
        "dlq group",
        "Use it first if many messages failed: it groups DLQ entries by cause.",
    ),
    Entry("dlq get", "Use it for the whole last response of one DLQ entry."),
    Entry(
        "workflow list",
        "Use it to find runs of Upstash Workflow by state, URL, label or time.",
    ),
    Entry(
        "workflow show",
        "Use it to find out why one workflow run failed or what it waits for: its steps with "
        "results and errors.",
    ),
    Entry(
        "workflow dlq list",
        "Use it to see which failed workflow runs can be resumed or restarted.",
    ),
    Entry("workflow dlq show", "Use it for the whole last response of one failed workflow run."),
    Entry("check", "Use it to see whether DLQ, queues and schedules are within limits."),
    Entry("schedule list", "Use it to see all schedules with their last and next runs."),
    Entry("schedule get", "Use it for every setting of one schedule."),
    Entry("schedule next", "Use it to see when a cron expression matches."),
    Entry("queue list", "Use it to see which queues are paused or have a lag."),
    Entry("queue get", "Use it for the parallelism, lag and state of one queue."),
    Entry("urlgroup list", "Use it to see which endpoints get the messages of a URL group."),
    Entry("flow list", "Use it to see which flow control keys make messages wait."),
    Entry(
        "verify",
        "Use it to find out why an endpoint refuses a signature: give the Upstash-Signature "
        "header, the body as the endpoint received it, and its URL.",
        # The result has the claims, marked as untrusted.
        ("claims",),
    ),
    Entry("retries", "Use it to see when each retry of a message happens."),
    Entry(
        "plan",
        "Use it to compare a manifest (a qstash.toml in the project) with the account.",
        is_local=True,
    ),
    Entry(
        "doctor",
        "Use it if other tools report missing credentials, a refused token or no connection.",
        is_local=True,
    ),
)
_WRITES = (
    Entry("publish", "Use it to send a message to a URL, a URL group or a queue.", ("items",)),
    Entry(
        "message cancel",
        "Use it to stop messages that are not delivered yet, by id or by filter.",
        is_destructive=True,
        is_idempotent=True,
    ),
    Entry("message run-now", "Use it to deliver waiting messages at once."),
    Entry(
        "dlq retry",
        "Use it once the cause of the failures is fixed. It delivers the messages again.",
    ),
    Entry(
        "dlq delete",
        "Use it only if nobody needs the messages: they cannot be restored.",
        is_destructive=True,
        is_idempotent=True,
    ),
    Entry(
        "workflow dlq resume",
        "Use it once the cause of the failure is fixed. It starts a new run that continues at the "
        "step that failed.",
    ),
    Entry(
        "workflow dlq restart",
        "Use it in place of workflow_dlq_resume if the finished steps must run again, too.",
    ),
    Entry(
        "workflow dlq delete",
        "Use it only if nobody needs the runs: they cannot be resumed or restarted any more.",
        is_destructive=True,
        is_idempotent=True,
    ),
    Entry(
        "workflow dlq retry-callback",
        "Use it if a failed run is to be reported to its failure callback again.",
    ),
    Entry(
        "workflow cancel",
        "Use it to stop workflow runs that have not ended, by id or by URL.",
        is_destructive=True,
        is_idempotent=True,
    ),
    Entry("workflow notify", "Use it to continue workflow runs that wait for an event."),
    Entry("schedule pause", "Use it to stop a schedule for now.", is_idempotent=True),
    Entry("schedule resume", "Use it to start a paused schedule again.", is_idempotent=True),
    Entry("schedule run", "Use it to publish the message of a schedule once, now."),
    Entry("queue pause", "Use it to stop the deliveries of a queue for now.", is_idempotent=True),
    Entry("queue resume", "Use it to start the deliveries of a paused queue.", is_idempotent=True),
)
ENTRIES = (*_READS, *(one._replace(writes=True) for one in _WRITES))


class Tool(NamedTuple):
    """A tool: its entry in the catalog, and the command of the registry."""

    entry: Entry
    command: Command


def tools(*, writes: bool, local: bool) -> Iterator[Tool]:
    """Yields the tools, with those that write and those of this machine only if requested.

    Imports the modules of the commands.
    """
    for entry in ENTRIES:
        if (entry.writes and not writes) or (entry.is_local and not local):
            continue
        found = _command(entry.command)
        if found is not None:
            yield Tool(entry, found)


def _command(name: str) -> Command | None:
    first, *rest = name.split()
    group = INDEX.group(first)
    return group.select(rest).command
