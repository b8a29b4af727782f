"""What one run of the program has of the world. The environment, the streams, the clock and
randomness enter here and nowhere else.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO, TypeVar

from qstash_cli.cli.exchanges import Exchanges
from qstash_cli.cli.run_options import AutomationOptions, ConnectionOptions, OutputOptions
from qstash_cli.errors import BadCredentials, BadInput
from qstash_cli.files import read_file

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from qstash_cli.client.client import Client
    from qstash_cli.config.credentials import Settings
    from qstash_cli.config.profiles import Profiles
    from qstash_cli.config.signing_keys import Keys
    from qstash_cli.config.sources import ConnectionFlags
    from qstash_cli.output.progress import StatusLine
    from qstash_cli.output.terminal import TerminalInfo

T = TypeVar("T")


@dataclass(kw_only=True)
class Context(Exchanges):
    """One run: its surroundings, and the options that every command has.

    `now` is in unix seconds, `sleep` takes seconds. `run_command` returns what a program printed.
    `started_at_s` is the unix time at which the process began, or a later one.
    """

    env: Mapping[str, str]
    home: Path
    stdin: BinaryIO
    out: TextIO
    err: TextIO
    stdin_is_terminal: bool
    out_is_terminal: bool
    err_is_terminal: bool
    columns: int
    now: Callable[[], float]
    sleep: Callable[[float], None]
    random_bytes: Callable[[int], bytes]
    run_command: Callable[[Sequence[str]], str]
    started_at_s: Callable[[], float] = lambda: math.inf
    output: OutputOptions = field(default_factory=OutputOptions)
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    automation: AutomationOptions = field(default_factory=AutomationOptions)

    @classmethod
    def from_process(cls) -> Context:
        """The surroundings of this process."""
        import time

        from qstash_cli.cli.streams import open_streams
        from qstash_cli.config.token_command import printed
        from qstash_cli.output.terminal import columns_of
        from qstash_cli.process import started_at_s

        streams = open_streams()
        return cls(
            env=os.environ,
            home=Path.home(),
            stdin=streams.stdin,
            out=streams.out,
            err=streams.err,
            stdin_is_terminal=streams.stdin.isatty(),
            out_is_terminal=streams.out.isatty(),
            err_is_terminal=streams.err.isatty(),
            columns=columns_of(os.environ.get("COLUMNS", ""), streams.out),
            now=time.time,
            sleep=time.sleep,
            random_bytes=os.urandom,
            run_command=printed,
            started_at_s=started_at_s,
        )

    def terminal(self) -> TerminalInfo:
        """What standard output is."""
        return self._look_of(is_terminal=self.out_is_terminal)

    def look_of_stderr(self) -> TerminalInfo:
        """What standard error is."""
        return self._look_of(is_terminal=self.err_is_terminal)

    def _look_of(self, *, is_terminal: bool) -> TerminalInfo:
        from qstash_cli.output.terminal import TerminalInfo

        plain = bool(self.env.get("NO_COLOR")) or self.env.get("TERM") == "dumb"
        return TerminalInfo(
            is_terminal=is_terminal,
            width=self.columns,
            colour=is_terminal and not plain,
            now=self.now,
            time_zone=None,
        )

    def new_id(self, prefix: str) -> str:
        """A fresh random id such as `dedup_` and 28 characters."""
        from qstash_cli.protocol.ids import new_id

        return new_id(prefix, self.random_bytes)

    @cached_property
    def variables(self) -> Mapping[str, str]:
        """The environment, or the file that stands for it. Raises `BadInput`."""
        if self.connection.env_file is None:
            return self.env
        from qstash_cli.config.env_file import variables

        return variables(self.connection.env_file, self.env)

    @property
    def config_file(self) -> Path:
        """Where the profiles are."""
        from qstash_cli.config.paths import config_file

        return config_file(self.variables, self.home)

    @cached_property
    def profiles(self) -> Profiles:
        """The profiles of the configuration file, which is made private if it holds secrets."""
        from qstash_cli.config.profiles import Profiles, load, restrict

        if self.automation.no_config:
            return Profiles()
        found = load(self.config_file)
        has_secrets = any(profile.has_secrets for profile in found.profiles.values())
        if has_secrets and (changed := restrict(self.config_file)):
            self.warn(changed)
        return found

    @cached_property
    def settings(self) -> Settings:
        """Which QStash to talk to. Raises `BadCredentials` or `BadInput`."""
        from qstash_cli.config.credentials import resolve

        settings = resolve(self.given, self.variables, self.profiles, self.run_command)
        for warning in settings.warnings:
            self.warn(warning)
        return settings

    @property
    def signing_keys(self) -> Keys:
        """The signing keys that are configured, None for one that is not."""
        from qstash_cli.config.signing_keys import signing_keys

        return signing_keys(self.given, self.variables, self.profiles)

    @property
    def regional_keys(self) -> dict[str, Keys]:
        """The signing keys of each region that the environment has some of."""
        from qstash_cli.config.signing_keys import regional_keys

        return regional_keys(self.variables)

    @property
    def api_url(self) -> str:
        """The API's base URL, even where there is no token for it."""
        from qstash_cli.config.credentials import base_url

        return base_url(self.given, self.variables, self.profiles)

    @property
    def settings_if_any(self) -> Settings | None:
        """The settings, or None where there are no credentials, for what needs none."""
        try:
            return self.settings
        except BadCredentials:
            return None

    @property
    def given(self) -> ConnectionFlags:
        """What the flags say of the connection."""
        from qstash_cli.config.sources import ConnectionFlags

        flags = self.connection
        return ConnectionFlags(
            api_url=flags.api_url,
            token=flags.token,
            profile=flags.profile,
            env_file=flags.env_file,
            dev=flags.dev,
            insecure=flags.insecure,
        )

    @cached_property
    def client(self) -> Client:
        """The connection to QStash."""
        from qstash_cli.client.client import Client, ClientConfig

        return Client(
            self.settings.api_url,
            self.settings.token,
            is_local=self.settings.is_local,
            config=ClientConfig(
                now=self.now,
                sleep=self.sleep,
                trace=self.trace if self.output.verbose else None,
                request_timeout_s=self.connection.request_timeout,
                max_wait_s=self.connection.max_wait,
            ),
        )

    def close(self) -> None:
        """Closes what was opened."""
        if "client" in self.__dict__:
            self.client.close()

    def note(self, text: str) -> None:
        """Tells the user something on standard error."""
        self._talk(text, "note")

    def warn(self, text: str) -> None:
        """Warns the user on standard error."""
        self._talk(text, "warning")

    def _talk(self, text: str, kind: str) -> None:
        from qstash_cli.output.failure import write_talk

        write_talk(text, self.err, kind)

    def warn_of_unused_input(self) -> None:
        """Warns of data on standard input, which is not read: nobody asked for that."""
        from qstash_cli.cli.streams import has_data

        if has_data(self.stdin):
            self.warn(
                "standard input has data that is not used; add `-d -` to read the body from it"
            )

    def trace(self, line: str) -> None:
        """Shows a line of what goes over the wire, on standard error."""
        from qstash_cli.output.safe import safe_text

        self.err.write(f"{safe_text(line)}\n")

    def status(self) -> AbstractContextManager[StatusLine]:
        """A line on standard error that can be updated, silent off a terminal."""
        from qstash_cli.output.progress import status

        return status(self.look_of_stderr(), self.err)

    def confirm(self, question: str, *, yes: bool, asked: Callable[[], str] | None = None) -> None:
        """Returns if the user agrees, and without asking where nothing will be sent.

        `asked` makes the question where there is somebody to ask, for one that needs a request.

        Raises `Interrupted` if they do not, and `BadInput` where nobody can be asked.
        """
        if yes or self.connection.preview:
            return
        asks = self.stdin_is_terminal and self.err_is_terminal and not self.automation.no_input
        if not asks:
            raise BadInput(f"not confirmed: {question}", hint="add --yes; nothing was sent")
        from qstash_cli.cli import prompts

        prompts.confirm(asked() if asked else question, self.stdin, self.err)

    def read_secret(self, what: str) -> str:
        """A secret typed at a hidden prompt, or the first line of standard input off a terminal.

        Raises `BadInput` where nobody is to be asked, and `Interrupted` at the end of input.
        """
        if not self.stdin_is_terminal:
            return self.stdin.readline().decode(errors="replace").strip()
        if self.automation.no_input:
            raise BadInput(f"--no-input: no {what} is given", hint="pipe it into the command")
        from qstash_cli.cli import prompts

        return prompts.secret(what, self.err)

    def read_body(self, spec: str) -> bytes:
        """The bytes that `TEXT`, `@FILE` or `-` stand for. Raises `BadInput` naming the file."""
        if spec == "-":
            return self.stdin.read()
        if spec.startswith("@"):
            return read_file(spec[1:])
        return spec.encode(errors="surrogateescape")
