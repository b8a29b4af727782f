"""Without colour, output contains no escape bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.run import ServerConfig, running_server
from tests.e2e.conftest import QSTASH, Dev
from tests.every_command import ASKING, OTHERS, argv
from tests.in_process import Qstash
from tests.sink import Sink
from tests.stopping import stopped_later

# Whether there is a terminal, and its environment variables.
_PLAIN: dict[str, tuple[bool, dict[str, str]]] = {
    "NO_COLOR": (True, {"NO_COLOR": "1"}),
    "TERM=dumb": (True, {"TERM": "dumb"}),
    "a pipe": (False, {}),
}


@pytest.fixture
def busy(
    qstash: Qstash, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Qstash]:
    """`qstash` with a server that has resources of every kind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "qstash.toml").write_text("[queues.orders]\nparallelism = 3\n")
    (tmp_path / "messages.jsonl").write_text('{"destination":"https://example.com/","body":"1"}\n')
    sink.statuses = [503, 200]
    with stopped_later(
        running_server(ServerConfig(port=0, routes=(("https://example.com", sink.url),)))
    ) as url:
        qstash.env |= {
            "QSTASH_URL": url,
            "QSTASH_TOKEN": DEV_USER.token,
            "QSTASH_CURRENT_SIGNING_KEY": DEV_USER.current_signing_key,
        }
        for words in (
            ("publish", "https://example.com/", "a=1", "--retries", "0", "--wait"),
            ("schedule", "create", "https://example.com/", "--cron", "@daily", "--id", "report"),
            ("urlgroup", "add", "team", "https://example.com/a"),
            ("queue", "set", "orders"),
            ("flow", "pin", "api", "--rate", "5"),
            ("config", "set", "prod", "--token-env", "QSTASH_TOKEN"),
        ):
            qstash(*words)
        yield qstash


@pytest.mark.parametrize("environment", _PLAIN)
def test_no_command_prints_an_escape_byte(
    busy: Qstash, environment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    is_terminal, env = _PLAIN[environment]
    busy.env |= env
    # The demo prints to the real standard output; test_dev.py covers it.
    for name in (one for one in ASKING | OTHERS if one != "demo"):
        for words in (argv(name), (*name.split(), "--help"), (*name.split(), "--wrong")):
            run = busy(*words, tty=is_terminal)
            assert "\x1b" not in run.out + run.err, run
    assert "\x1b" not in "".join(capsys.readouterr())


def test_terminals_get_colours(busy: Qstash) -> None:
    run = busy("publish", "example.com/a", tty=True)

    assert run.err.startswith("\x1b[1;31merror:")


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "CLICOLOR_FORCE"])
@pytest.mark.parametrize(
    "words", [("logs", "-o", "json"), ("logs", "-o", "table"), ("publish", "example.com/a")]
)
def test_forced_colours_reach_a_pipe(busy: Qstash, words: tuple[str, ...], variable: str) -> None:
    busy.env[variable] = "1"
    coloured = busy(*words)
    plain = busy(*words, NO_COLOR="1")

    assert "\x1b[" in coloured.out + coloured.err, coloured
    assert "\x1b" not in plain.out + plain.err, plain


def test_json_output_ends_cleanly_on_a_closed_pipe(
    start_dev: Callable[..., Dev], sink: Sink
) -> None:
    dev = start_dev("--port", "0")
    body = "".join(f'{{"n":{n}}}\n' for n in range(500))
    assert dev.qstash("batch", "-", "--to", sink.url, "--delay", "1d", stdin=body).returncode == 0

    for formatted in ("json", "jsonl", "csv", "table"):
        done = subprocess.run(  # noqa: S603 - the pipe is the point
            ["/bin/bash", "-o", "pipefail", "-c",
             f"{' '.join(QSTASH)} logs --all -o {formatted} | head -1"],
            env=dev.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), formatted
        assert done.stdout.count("\n") == 1
