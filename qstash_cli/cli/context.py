"""The context of a run: streams, system, options, and the client created from them.

The environment, the streams, the clock and randomness enter the program only here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TextIO, TypeVar

from qstash_cli.cli.configuration import Configuration
from qstash_cli.cli.display import Display
from qstash_cli.cli.exchanges import Exchanges
from qstash_cli.cli.run_options import ConnectionOptions, RunOptions
from qstash_cli.cli.streams import Streams, open_streams
from qstash_cli.cli.system import System
from qstash_cli.errors import BadInput
from qstash_cli.files import read_file
from qstash_cli.output.waiting import LiveLine

if TYPE_CHECKING:
    from qstash_cli.client.client import Client
    from qstash_cli.output.terminal import TerminalInfo

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Context(Exchanges, Display):
    """The context of one command run. It is immutable: other options create another context."""

    streams: Streams
    system: System
    options: RunOptions = field(default_factory=RunOptions)
    live_line: LiveLine = field(default_factory=LiveLine)
    # False for callers on whose behalf no file may be read.
    reads_files: bool = True

    @classmethod
    def from_process(cls) -> Context:
        """Returns the context of this process, without options."""
        from qstash_cli.config.unattended import is_attended

        system = System.from_process()
        env = system.env
        streams = open_streams(
            env.get("COLUMNS", ""), env.get("LINES", ""), is_attended=is_attended(env)
        )
        return cls(streams=streams, system=system)

    def with_options(self, options: RunOptions) -> Context:
        """Returns this context with other options."""
        return replace(self, options=options)

    def with_connection(self, connection: ConnectionOptions) -> Context:
        """Returns this context with another connection to QStash."""
        return self.with_options(self.options._replace(connection=connection))

    @cached_property
    def config(self) -> Configuration:
        """The profile, credentials and signing keys of this run."""
        return Configuration(self.system, self.options, self.warn)

    @property
    def api_url(self) -> str:
        """The base URL of the API, even without credentials."""
        return self.config.api_url

    @cached_property
    def client(self) -> Client:
        """The client of QStash's API, which connects on the first request."""
        settings = self.config.settings
        return self.open_client(
            settings.api_url,
            settings.token,
            is_local=settings.is_local,
            request_timeout_s=self.options.connection.request_timeout,
            max_wait_s=self.options.connection.max_wait,
        )

    @property
    def client_if_open(self) -> Client | None:
        """The client, or None if no request has needed it."""
        return self.__dict__.get("client")

    def open_client(
        self,
        api_url: str,
        token: str,
        *,
        is_local: bool,
        request_timeout_s: float = 60,
        max_wait_s: float = 10,
    ) -> Client:
        """Returns a client for another URL or token. The caller closes it."""
        from qstash_cli.client.client import Client, ClientConfig

        config = ClientConfig(
            now=self.system.now,
            sleep=self.system.sleep,
            trace=self._trace if self.options.output.verbose else None,
            waiting=self.waiting,
            request_timeout_s=request_timeout_s,
            max_wait_s=max_wait_s,
        )
        return Client(api_url, token, is_local=is_local, config=config)

    def close(self) -> None:
        """Closes the client."""
        if self.client_if_open is not None:
            self.client.close()

    def new_id(self, prefix: str) -> str:
        """Returns a new random id, such as `dedup_` and 28 characters."""
        from qstash_cli.protocol.ids import new_id

        return new_id(prefix, self.system.random_bytes)

    def out_terminal(self) -> TerminalInfo:
        """Returns the terminal information of standard output."""
        return self._terminal(self.streams.out, is_terminal=self.streams.out_is_terminal)

    def err_terminal(self) -> TerminalInfo:
        """Returns the terminal information of standard error."""
        return self._terminal(self.streams.err, is_terminal=self.streams.err_is_terminal)

    def _terminal(self, stream: TextIO, *, is_terminal: bool) -> TerminalInfo:
        from qstash_cli.output.terminal import TerminalInfo, can_encode_blocks, has_colour

        return TerminalInfo(
            is_terminal=is_terminal,
            width=self.streams.columns,
            colour=has_colour(self.system.env, is_terminal=is_terminal),
            now=self.system.now,
            time_zone=None,
            has_blocks=can_encode_blocks(stream),
        )

    def note(self, text: str) -> None:
        """Writes a note to standard error."""
        self._write_message(text, "note")

    def warn(self, text: str) -> None:
        """Writes a warning to standard error."""
        self._write_message(text, "warning")

    @property
    def account(self) -> str:
        """The account that a question is about, such as `profile prod, eu-central-1`.

        Raises as `Configuration.settings` does.
        """
        from qstash_cli.config.urls import REGION_URLS, region_of

        settings = self.config.settings
        return f"{settings.source}, {region_of(settings.api_url, REGION_URLS) or settings.api_url}"

    @property
    def account_phrase(self) -> str:
        """The account with its preposition: `of profile prod, ...`, `on the development server`."""
        from qstash_cli.config.sources import DEV_SOURCE

        is_server = self.config.settings.source == DEV_SOURCE
        return f"{'on' if is_server else 'of'} {self.account}"

    def note_forecast(self, subject: str, messages_per_day: float) -> None:
        """Reports the number of messages from schedules, as a warning if it exceeds the plan."""
        from qstash_cli.protocol.volume import forecast

        settings = self.config.settings_if_any
        estimate = forecast(subject, messages_per_day, settings.plan if settings else None)
        (self.warn if estimate.exceeds_plan else self.note)(estimate.text)

    def report_count(self, count: int, noun: tuple[str, str]) -> None:
        """Reports the number of rows below a table on a terminal.

        `noun` is the noun in singular and plural.
        """
        from qstash_cli.output.failure import write_dim

        terminal = self.err_terminal()
        if terminal.is_terminal:
            text = f"{count} {noun[0] if count == 1 else noun[1]}"
            write_dim(text, self.streams.err, colour=terminal.colour)

    def report_done(self, sentence: Callable[[], str]) -> None:
        """Writes on a terminal what the command has changed; --quiet omits it."""
        if self.streams.err_is_terminal and not self.options.output.quiet and (text := sentence()):
            self.say(text)

    def say(self, text: str) -> None:
        """Writes a sentence without a label to standard error."""
        from qstash_cli.output.safe import safe_text

        self.streams.err.write(f"{safe_text(text)}\n")
        self.streams.err.flush()

    def _write_message(self, text: str, kind: str) -> None:
        from qstash_cli.output.failure import write_message

        write_message(text, self.streams.err, kind)

    def _trace(self, line: str) -> None:
        """Writes a line about a request or response to standard error."""
        from qstash_cli.output.safe import safe_text

        self.streams.err.write(f"{safe_text(line)}\n")

    def confirm(
        self, question: str, *, yes: bool, make_question: Callable[[], str] | None = None
    ) -> None:
        """Asks for confirmation, unless nothing will be sent.

        `make_question` creates the question, for questions that need a request. It is called only
        if the user can answer.

        Raises `SilentExit` if the user declines, and `BadInput` if no user can answer.
        """
        if yes or self.options.connection.preview:
            return
        streams = self.streams
        can_ask = streams.stdin_is_terminal and streams.err_is_terminal
        if not can_ask or self.options.automation.no_input:
            raise BadInput(f"not confirmed: {question}", hint="add --yes; nothing was sent")
        from qstash_cli.cli import prompts

        prompts.confirm(make_question() if make_question else question, streams.stdin, streams.err)

    def read_secret(self, what: str) -> str:
        """Prompts for a secret without echo, or reads a line of standard input without a terminal.

        Raises `BadInput` with --no-input on a terminal, and `Interrupted` at the end of input.
        """
        if not self.streams.stdin_is_terminal:
            return self.streams.stdin.readline().decode(errors="replace").strip()
        if self.options.automation.no_input:
            raise BadInput(f"--no-input: no {what} is given", hint="pipe it into the command")
        from qstash_cli.cli import prompts

        return prompts.secret(what, self.streams.err)

    def read_body(self, spec: str) -> bytes:
        """Returns the bytes of `TEXT`, `@FILE` or `-`. Raises `BadInput` naming the file."""
        if spec == "-":
            return self.streams.stdin.read()
        if spec.startswith("@"):
            if not self.reads_files:
                raise BadInput(
                    f"files are not read here: {spec}", hint="give the text itself, without @"
                )
            return read_file(spec[1:])
        return spec.encode(errors="surrogateescape")

    def warn_of_unused_input(self) -> None:
        """Warns about data on standard input that no option reads."""
        from qstash_cli.cli.streams import has_data

        if has_data(self.streams.stdin):
            self.warn(
                "standard input has data that is not used; add `-d -` to read the body from it"
            )
