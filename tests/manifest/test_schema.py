"""Parsing manifests, and the problems that are reported."""

from __future__ import annotations

import pytest

from qstash_cli.errors import BadInput
from qstash_cli.manifest.account import RETURNED_OPTIONS
from qstash_cli.manifest.options import callback_keys, own_keys
from qstash_cli.manifest.resources import DesiredEndpoint, Manifest, Pin, Queue
from qstash_cli.manifest.schema import parse
from qstash_cli.manifest.validation import Validation
from qstash_cli.protocol.option_headers import encode
from qstash_cli.protocol.options import MessageOptions

BASE = '[schedules.s]\ndestination = "https://example.com"\ncron = "@daily"\n'


def read(text: str, **env: str) -> Manifest:
    return parse(text.encode(), "qstash.toml", env, Validation())


def refusal(text: str, **env: str) -> str:
    with pytest.raises(BadInput) as refused:
        read(text, **env)
    return f"{refused.value.message}\n{refused.value.hint}"


def options(text: str) -> MessageOptions:
    schedules = read(BASE + text).schedules
    assert schedules is not None
    return schedules["s"].options


CASES = {
    "TOML": (
        "[schedules.s", "qstash.toml is not valid TOML: ", "(at line 1, column 13, end of file)",
    ),
    "a key twice": ("[queues.a]\nparallelism=1\nparallelism=2", "at line 3", ""),
    "empty": ("# nothing\n", "qstash.toml is empty", "schedules"),
    "an unknown table": ("[schedule.s]", "schedule: unknown key of a manifest", "'schedules'?"),
    "an unknown key": (BASE + "retires = 3", "schedules.s.retires: ", "did you mean 'retries'?"),
    "a flag's spelling": (BASE + "retry-delay = '1'", "schedules.s.retry-delay", "'retry_delay'?"),
    "a key like none": (BASE + "xyz = 3", "schedules.s.xyz", "known keys: destination, cron"),
    "a key of publishes": (BASE + "dedup_id = 'a'", "schedules.s.dedup_id: unknown key", ""),
    "no destination": (
        "[schedules.s]\ncron = '@daily'", "schedules.s: missing key: destination", "",
    ),
    "no cron": (
        "[schedules.s]\ndestination = 'https://a.io'", "schedules.s: missing key: cron", "",
    ),
    "a cron": (BASE.replace("@daily", "61 * * * *"), "schedules.s.cron: ", "the minute is '61'"),
    "a zone": (BASE + "tz = 'Mars/Base'", "schedules.s.tz: not a time zone: 'Mars/Base'", ""),
    "two zones": (BASE.replace("@d", "TZ=UTC @d") + "tz = 'UTC'", "schedules.s.tz: ", "already"),
    "a scheme": (
        BASE.replace("https://", ""), "schedules.s.destination: ", "no http:// or https://",
    ),
    "loopback": (BASE.replace("example.com", "localhost"), "schedules.s.destination: ", "loopback"),
    "a callback to loopback": (BASE + "callback = 'http://127.0.0.1'", ".callback: ", "loopback"),
    "a callback without url": (
        BASE + "callback = {retries = 1}", ".callback: missing key: url", "",
    ),
    "a callback's key": (
        BASE + "callback = {url = 'https://a.io', label = 'x'}", "callback.label: unknown key", "",
    ),
    "a number as text": (BASE + "retries = 'many'", "schedules.s.retries: not a whole number", ""),
    "a switch as number": (
        BASE + "retries = true", "schedules.s.retries: expected a whole number", "",
    ),
    "a negative number": (BASE + "retries = -1", "schedules.s.retries: ", "at least 0"),
    "a duration": (BASE + "delay = '5 minutes'", "schedules.s.delay: not a duration", "90s"),
    "a float": (BASE + "delay = 1.5", "schedules.s.delay: expected a duration", ""),
    "a label": (BASE + "label = ['a', 1]", "schedules.s.label: expected a label, or a list", ""),
    "an empty label": (BASE + "label = ['a', '']", "schedules.s.label: empty label", ""),
    "an expression": (BASE + "retry_delay = 'import os'", "schedules.s.retry_delay: ", ""),
    "a method": (BASE + "method = 'FETCH'", "schedules.s.method: not an HTTP method", "PATCH"),
    "a rate without key": (BASE + "rate = 5", "schedules.s: rate, period and parallelism", ""),
    "paused": (BASE + "paused = 1", "schedules.s.paused: expected true or false", ""),
    "a body that is not text": (
        BASE + "body = {a = 1}", "schedules.s.body: expected a quoted string", "JSON",
    ),
    "two bodies": (
        BASE + "body = 'a'\nbody_base64 = 'YQ=='", "body and body_base64 cannot be combined", "",
    ),
    "base64": (BASE + "body_base64 = '!'", "schedules.s.body_base64: invalid base64", ""),
    "a redacted body": (BASE + f"body = 'REDACTED:{'0' * 64}'", ".body: ", "redacted body"),
    "a redacted header": (
        BASE + f"headers = {{X-A = 'REDACTED:{'a' * 64}'}}", "headers.X-A: ", "redacted header",
    ),
    "an option as header": (
        BASE + "headers = {Upstash-Retries = '3'}", "headers.Upstash-Retries: this is an option",
        "retries",
    ),
    "a header's name": (BASE + 'headers = {"a b" = "c"}', 'schedules.s.headers."a b": ', ""),
    "a header's value": (
        BASE + "headers = {A = 1}", "schedules.s.headers.A: expected a quoted string", "",
    ),
    "invalid headers": (
        BASE + "headers = 'A: b'", "schedules.s.headers: expected a table", "",
    ),
    "an id": ('[schedules."a b"]\ncron = "@daily"\ndestination = "https://a.io"',
              'schedules."a b": not a valid schedule name', ""),
    "a number for a table": ("schedules = 3", "schedules: expected a table", "[schedules.NAME]"),
    "a number for a resource": ("queues = {a = 3}", "queues.a: expected a table", "[queues.a]"),
    "a queue's parallelism": ("[queues.a]\nparallelism = 0", "queues.a.parallelism: ", "least 1"),
    "a queue's key": ("[queues.a]\nparallelizm = 1", "queues.a.parallelizm", "'parallelism'?"),
    "a group without endpoints": ("[urlgroups.a]", "urlgroups.a.endpoints: expected a list", ""),
    "an endpoint": ("[urlgroups.a]\nendpoints = ['a.io']", "urlgroups.a.endpoints: ", "http://"),
    "an endpoint's key": (
        "[urlgroups.a]\nendpoints = [{uri = 'https://a.io'}]", ".endpoints.uri: ", "'url'?",
    ),
    "an endpoint twice": (
        "[urlgroups.a]\nendpoints = ['https://a.io', {url = 'https://a.io', name = 'x'}]",
        "duplicate endpoint: https://a.io", "give both a name",
    ),
    "a name twice": (
        "[urlgroups.a]\nendpoints = [{url='https://a.io',name='x'}, {url='https://b.io',name='x'}]",
        "two endpoints have the same name: 'x'", "",
    ),
    "a pin of nothing": ("[flow.k]", "flow.k: it pins no rate or parallelism", ""),
    "a period alone": (
        "[flow.k]\nparallelism = 1\nperiod = 5", "flow.k.period: ", "requires a rate",
    ),
    "a variable": (BASE + "body = '${NOT_SET}'", "schedules.s.body: ", "not set: NOT_SET"),
    "no variable": (BASE + "body = '${1a}'", "schedules.s.body: expected a variable", "$${"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_problem_is_reported_with_file_and_key(case: tuple[str, str, str]) -> None:
    text, key, words = case

    message = refusal(text)

    assert "qstash.toml" in message
    assert key in message
    assert words in message


def test_all_problems_are_reported_at_once() -> None:
    message = refusal(BASE + "retires = 3\ndelay = 'soon'\n[queues.'a b']\n[flow.k]\nrate = 0")

    assert message.startswith("qstash.toml has 4 problems\n")
    assert [line.split(":")[0] for line in message.splitlines()[1:-1]] == [
        '  queues."a b"', "  flow.k.rate", "  schedules.s.retires", "  schedules.s.delay",
    ]  # fmt: skip


def test_errors_never_contain_values_of_secrets() -> None:
    message = refusal(BASE + "retries = '${API_TOKEN}'\ncallback = 'ftp://${PASSWORD}'",
                   API_TOKEN="hunter2", PASSWORD="swordfish")  # fmt: skip

    assert "schedules.s.retries: invalid value" in message
    assert "hunter2" not in message
    assert "swordfish" not in message


def test_invalid_utf_8_is_reported_with_its_line() -> None:
    with pytest.raises(BadInput, match=r"f is not valid UTF-8 \(at line 2\)"):
        parse(b"# \n[queues.\xff]", "f", {}, Validation())


def test_a_byte_order_mark_and_crlf_are_accepted() -> None:
    found = parse(b"\xef\xbb\xbf[queues.a]\r\nparallelism = 2\r\n", "f", {}, Validation())

    assert found.queues == {"a": Queue(parallelism=2)}


def test_validation_can_be_turned_off() -> None:
    found = parse(b"[schedules.s]\ndestination = 'example.com'\ncron = '@every 1h'", "f", {},
                  Validation(is_on=False))  # fmt: skip

    assert found.schedules is not None
    assert found.schedules["s"].destination == "example.com"


def test_a_plan_limits_delays_and_bodies() -> None:
    with pytest.raises(BadInput, match="exceeds the limit of the free plan: 8d"):
        parse(f"{BASE}delay = '8d'".encode(), "f", {}, Validation(plan="free"))


def test_kinds_without_a_table_are_none() -> None:
    found = read("[queues]")

    assert (found.queues, found.flow, found.urlgroups, found.schedules) == ({}, None, None, None)


def test_queues_pins_and_url_groups_are_parsed() -> None:
    found = read("""
        [urlgroups.orders]
        endpoints = ["https://a.io", {url = "https://b.io", name = "second"}]
        headers = {upstash-retries = "5", X-Team = "blue"}
        [queues.emails]
        parallelism = "${N:-2}"
        paused = true
        [flow."tenant:1"]
        rate = 10
        period = "1m"
    """)

    assert found.queues == {"emails": Queue(parallelism=2, paused=True)}
    assert found.flow == {"tenant:1": Pin(rate=10, period_s=60)}
    assert found.urlgroups is not None
    group = found.urlgroups["orders"]
    assert group.endpoints == (
        DesiredEndpoint(url="https://a.io"), DesiredEndpoint(url="https://b.io", name="second"),
    )  # fmt: skip
    assert group.headers == (("Upstash-Retries", "5"), ("Upstash-Forward-X-Team", "blue"))


EXAMPLES = {
    "method": ("'put'", "PUT"), "delay": ("'10m'", 600), "timeout": ("30", 30), "retries": ("0", 0),
    "retry_delay": ("'1000 * retried'", "1000 * retried"), "label": ("['a', 'b']", ("a", "b")),
    "flow_key": ("'k'\nrate = 1", "k"), "parallelism": ("2\nflow_key = 'k'", 2),
    "rate": ("5\nflow_key = 'k'", 5), "period": ("'1m'\nrate = 1\nflow_key = 'k'", 60),
    "redact": ("'body'", ("body",)), "callback": ("'https://a.io'", "https://a.io"),
    "failure_callback": ("'https://b.io'", "https://b.io"), "queue": ("'q'", "q"),
}  # fmt: skip


@pytest.mark.parametrize("key", sorted(own_keys().keys() - {"cron"}))
def test_every_schedule_option_is_a_key(key: str) -> None:
    text, value = EXAMPLES[key]

    assert getattr(options(f"{key} = {text}"), own_keys()[key][0]) == value


@pytest.mark.parametrize("key", sorted(callback_keys()))
@pytest.mark.parametrize("family", ["callback", "failure_callback"])
def test_every_callback_option_is_a_key_of_its_table(family: str, key: str) -> None:
    first, *_ = EXAMPLES[key][0].split("\n")

    found = options(f"[schedules.s.{family}]\nurl = 'https://a.io'\n{key} = {first}")

    names = {name for name, _ in encode(found)}
    prefix = "Upstash-Callback-" if family == "callback" else "Upstash-Failure-Callback-"
    assert any(name.startswith(prefix) for name in names), names


def test_every_schedule_option_is_either_returned_or_hidden() -> None:
    hidden = {"redact"}

    assert {name for name, _ in own_keys().values()} - hidden - {"cron"} == RETURNED_OPTIONS.keys()
