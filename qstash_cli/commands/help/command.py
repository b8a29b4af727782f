"""`qstash help`: a topic, or the help of a command."""

from __future__ import annotations

from typing import Annotated

from qstash_cli.cli.context import Context
from qstash_cli.cli.flags import Argument
from qstash_cli.cli.registry import command, group
from qstash_cli.commands.help.topics import TOPICS
from qstash_cli.errors import BadInput
from qstash_cli.output.result import Column, Result, View
from qstash_cli.protocol.suggestions import did_you_mean

app = group()
_VIEW = View(columns=(Column(name="topic", of="topic"), Column(name="text", of="text")), id="topic")


@command(app, connects=False, view=_VIEW)
def help(  # noqa: A001 - the word of the command line
    ctx: Context,  # noqa: ARG001 - every command has it
    words: Annotated[
        list[str] | None,
        Argument("Topic or command", "TOPIC", complete="topic"),
    ] = None,
) -> Result:
    """Show a topic or the help of a command.

    \b
    qstash help exit-codes
    qstash help retries
    qstash help dlq retry
    """
    name = " ".join(words or ())
    if name and name not in TOPICS:
        raise BadInput(
            f"no such topic or command: {name!r}",
            hint=did_you_mean(name, TOPICS) or f"the topics are {', '.join(TOPICS)}",
        )
    text = TOPICS[name]() if name else "\n".join(f"qstash help {topic}" for topic in TOPICS)
    return Result(data={"topic": name, "text": text}, view=_VIEW, text=text)
