"""Completion as shells request it, and as users see it after TAB."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests.e2e.completing_shell import LISTING, NEW_LINE, Terminal
from tests.e2e.conftest import plain_environment, run
from tests.in_process import Qstash

SCRIPTS = Path(__file__).parents[2] / "completions"
# zsh and fish are tested if installed; .ci/run installs them where possible.
STARTED: dict[str, tuple[list[str], str]] = {
    "bash": (["--norc", "--noprofile", "-i"], f"source {SCRIPTS}/qstash.bash"),
    "zsh": (["-f", "-i"], f"autoload -U compinit && compinit -u -D && source {SCRIPTS}/_qstash"),
    "fish": (["--no-config", "-i"], f"source {SCRIPTS}/qstash.fish"),
}
PRESENT = [shell for shell in STARTED if shutil.which(shell)]
DESCRIBING = [shell for shell in PRESENT if shell != "bash"]
# A person who completes a name does not wait longer than 0.3 s for the server, but a test does.
# Python imports a module of this name at start-up.
PATIENT = "from qstash_cli.completion import remote_values\n\nremote_values._LIMIT_S = 60\n"
HOSTILE = "x $(touch pwned)`touch pwned`'\"\\;touch pwned:"


def test_bash_is_installed() -> None:
    assert "bash" in PRESENT


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("qstash pub", {"publish"}),
        ("qstash dlq re", {"retry"}),
        ("qstash dlq list --lab", {"--label"}),
        ("qstash workflow d", {"dlq"}),
        ("qstash --dev queue l", {"list"}),
        ("qstash workflow dlq re", {"resume", "restart", "retry-callback"}),
        ("qstash --dev workflow dlq del", {"delete"}),
        ("qstash workflow dlq list --callb", {"--callback-state"}),
        ("qstash workflow dlq list --callback-state f", {"failed"}),
        ("qstash workflow dlq nonsense ", set()),
        ("qstash publish --retr", {"--retries", "--retry-delay"}),
        ("QSTASH_DEV=1 'qstash' \"pub", {"publish"}),
        ("qstash logs --state failed,del", {"failed,delivered"}),
        ("qstash logs --state=DEL", {"--state=DELIVERED"}),
        ("qstash schedule next x --tz Europe/Berl", {"Europe/Berlin"}),
        ("qstash publish https://a -H Content-T", {"Content-Type:"}),
        ("qstash publish https://a --callback-header Upstash-Me", {"Upstash-Method:"}),
        ("qstash publish https://a --callback-method P", {"POST", "PUT", "PATCH"}),
        ("qstash logs -o j", {"json", "jsonl"}),
        ("qstash sign -o c", {"csv", "curl"}),
        ("qstash completion z", {"zsh"}),
        ("qstash completion install z", {"zsh"}),
        ("qstash config set a --plan p", {"payg"}),
        ("qstash batch x --format ", {"jsonl", "csv"}),
        ("qstash help exit", {"exit-codes"}),
        ("qstash api P", {"POST", "PUT", "PATCH"}),
        ("qstash nonsense ", set()),
        ("", {"publish"}),
    ],
)
def test_local_values_are_completed(line: str, expected: set[str], qstash: Qstash) -> None:
    done = qstash(_QSTASH_COMPLETE="zsh", _QSTASH_LINE=line)

    values = {row.partition("\t")[0] for row in done.out.splitlines()[1:]}
    assert (done.code, done.err) == (0, "")
    assert values == expected or (line == "" and expected < values)


def test_local_completion_imports_no_slow_module(tmp_path: Path) -> None:
    script = (
        "import sys, qstash_cli.__main__ as program\n"
        "sys.argv = ['qstash']\n"
        "try: program.main()\n"
        "except SystemExit: print(*sys.modules)"
    )
    asking = {"_QSTASH_COMPLETE": "fish", "_QSTASH_LINE": "qstash queue "}
    done = run([sys.executable, "-c", script], plain_environment(tmp_path) | asking)

    modules = set(done.stdout.splitlines()[-1].split())
    assert "\npause\tPause " in done.stdout
    assert modules & {"asyncio", "httpx", "httpx2", "rich", "platformdirs", "tomllib"} == set()


@dataclass
class Account:
    """A server with resources of every kind, and the environment to reach it."""

    env: dict[str, str]
    dlq_ids: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    home = tmp_path_factory.mktemp("account")

    def refuse(_request: Received) -> tuple[int, bytes]:
        return 503, b"no"

    with running_server(ServerConfig(port=0)) as url, running_endpoint(refuse) as sink:
        credentials = {"QSTASH_URL": url, "QSTASH_TOKEN": DEV_USER.token}
        qstash = Qstash(home / "config", credentials)
        for command in (
            ("queue", "set", "orders", "--parallelism", "3"),
            ("queue", "set", "mails"),
            ("urlgroup", "add", "team", "https://example.com/a"),
            ("schedule", "create", "https://example.com/", "--cron", "@daily", "--id", "report"),
            ("schedule", "create", "https://example.com/", "--cron", "@daily", "--id", "backup"),
            ("flow", "pin", "api", "--rate", "5"),
            ("flow", "pin", HOSTILE, "--rate", "5"),
            (
                "config",
                "set",
                "staging",
                "--api-url",
                "https://staging.example",
                "--token-env",
                "A",
            ),
            ("config", "set", "prod", "--token-env", "A"),
        ):
            assert qstash(*command).code == 0
        for name in ("first", "second"):
            qstash("publish", f"{sink.url}/{name}", "--retries", "0", "--wait")
        yield Account(
            {"QSTASH_CONFIG_DIR": str(home / "config"), "XDG_CACHE_HOME": str(home / "cache")}
            | credentials,
            qstash("dlq", "list", "-q").out.split(),
        )


@pytest.fixture
def terminal(account: Account, tmp_path: Path) -> Iterator[Callable[[str], Terminal]]:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(PATIENT)
    patient = {"PYTHONPATH": str(tmp_path / "site")}
    started: list[Terminal] = []

    def start(shell: str) -> Terminal:
        arguments, source = STARTED[shell]
        started.append(Terminal([shell, *arguments], tmp_path, account.env | patient, source))
        return started[-1]

    yield start
    for one in started:
        one.child.close(force=True)


@pytest.mark.parametrize("shell", PRESENT)
def test_candidates_are_listed_and_a_single_one_is_inserted(
    shell: str, terminal: Callable[[str], Terminal]
) -> None:
    shown = terminal(shell)

    shown.child.send(f"qstash queue get {LISTING[shell]}")
    listed = shown.wait_for("mails", "orders")
    shown.child.send(f"{NEW_LINE}qstash queue get o\t")
    put_in = shown.wait_for("orders")
    shown.child.send(" --query parallelism\r")

    assert "mails" in listed
    assert "orders" in listed
    assert "orders" in put_in
    assert "3\r\n" in shown.wait_for("3\r\n")


@pytest.mark.parametrize("shell", PRESENT)
def test_the_commands_of_a_group_in_a_group_are_listed(
    shell: str, terminal: Callable[[str], Terminal]
) -> None:
    shown = terminal(shell)

    shown.child.send(f"qstash workflow dlq re{LISTING[shell]}")
    listed = shown.wait_for("restart", "resume", "retry-callback")

    assert all(name in listed for name in ("restart", "resume", "retry-callback"))


@pytest.mark.parametrize("shell", DESCRIBING)
def test_candidates_have_descriptions(
    shell: str, terminal: Callable[[str], Terminal], account: Account
) -> None:
    shown = terminal(shell)

    for line, texts in (
        (
            "dlq get ",
            [*(one[-5:] for one in account.dlq_ids), "503 http://127.0.0.1:", "/first", "/second"],
        ),
        ("schedule get ", ["report", "backup", "@daily https://example.com/"]),
        (
            "config use ",
            ["staging", "https://staging.example", "prod", "https://qstash.upstash.io"],
        ),
        ("logs -p ", ["staging", "https://staging.example", "prod"]),
    ):
        shown.child.send(f"{NEW_LINE}qstash {line}{LISTING[shell]}")
        seen = shown.wait_for(*texts)
        assert [text for text in texts if text not in seen] == [], seen


@pytest.mark.parametrize("shell", PRESENT)
def test_a_name_with_shell_code_is_inserted_quoted_and_never_run(
    shell: str, terminal: Callable[[str], Terminal], tmp_path: Path
) -> None:
    shown = terminal(shell)

    shown.child.send("qstash flow get x\t")
    assert "pwned" in shown.wait_for("pwned")
    shown.child.send(" --query rateMax; echo do''ne\r")

    assert "5\r\n" in shown.wait_for("done")
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("shell", PRESENT)
def test_files_are_completed_for_file_arguments(
    shell: str, terminal: Callable[[str], Terminal], tmp_path: Path
) -> None:
    (tmp_path / "order number one.json").write_text('"the body"')
    shown = terminal(shell)

    shown.child.send("qstash publish https://example.com -d @order\t")
    shown.wait_for("one.json")
    shown.child.send(" --curl; echo do''ne\r")

    assert "the body" in shown.wait_for("done")
