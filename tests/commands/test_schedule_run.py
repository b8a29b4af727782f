"""`schedule run` publishes a schedule's request once; `create` reports the messages a day."""

from __future__ import annotations

from qstash_cli.protocol.dev_credentials import DEV_USER
from tests.handlers import running_handler
from tests.in_process import Qstash
from tests.sink import Sink

_YEARLY = ("--cron", "0 0 1 1 *", "--id", "report")


def test_a_run_delivers_the_message_and_does_not_change_the_schedule(local: Qstash) -> None:
    with running_handler() as handler:
        local(
            "schedule", "create", f"{handler.address}/hook", "-d", "x=1", *_YEARLY, "-X", "PUT",
            "-H", "Content-Type: text/x", "-H", "X-A: 1", "--retries", "1", "--label", "night",
        )  # fmt: skip
        before = local("schedule", "get", "report").json

        run = local("schedule", "run", "report", "--wait")

    assert run.code == 0, run
    assert "note: the delivery has no Upstash-Schedule-Id header" in run.err
    (taken,) = handler.taken
    assert (taken.method, taken.path, taken.body) == ("PUT", "/hook", b"x=1")
    assert (taken.header("content-type"), taken.header("x-a")) == ("text/x", "1")
    assert taken.header("upstash-schedule-id") == ""
    assert taken.header("upstash-message-id") == run.out.strip()
    logged = local("logs", "--message", run.out.strip(), "-o", "json").json[0]
    assert (logged["labels"], logged["maxRetries"]) == (["night"], 1)
    assert local("schedule", "get", "report").json == before


def test_a_run_publishes_to_groups_through_queues_and_without_a_delay(
    local: Qstash, sink: Sink
) -> None:
    local("urlgroup", "add", "team", f"{sink.url}/a", f"{sink.url}/b")
    local("schedule", "create", "team", *_YEARLY, "--queue", "orders", "--delay", "10m")

    run = local("schedule", "run", "report", "--wait", "-q")

    assert run.code == 0, run
    assert "without the schedule's delay" in run.err
    assert sorted(one.path for one in sink.received) == ["/a", "/b"]
    assert len(run.out.split()) == 2


def test_a_run_keeps_the_delay_of_the_schedule_and_can_be_previewed(
    local: Qstash, sink: Sink
) -> None:
    local("schedule", "create", sink.url, "-d", "x", *_YEARLY, "--delay", "10m")

    shown = local("schedule", "run", "report", "--dry-run")
    run = local("schedule", "run", "report")

    assert "Upstash-Delay: 10m" in shown.out
    assert "Upstash-Cron" not in shown.out
    message = local("message", "get", run.out.strip()).json
    assert message["notBefore"] - message["createdAt"] == 600_000


def test_a_run_that_is_not_delivered_exits_with_8(local: Qstash, sink: Sink) -> None:
    sink.statuses = [500]
    local("schedule", "create", sink.url, *_YEARLY, "--retries", "0")

    assert local("schedule", "run", "report", "--wait").code == 8


def test_a_redacted_schedule_is_refused_and_an_unknown_one_not_found(
    local: Qstash, sink: Sink
) -> None:
    local("schedule", "create", sink.url, "-d", "secret", *_YEARLY, "--redact", "body")

    refused, unknown = local("schedule", "run", "report"), local("schedule", "run", "nobody")

    assert (refused.code, unknown.code) == (2, 4)
    assert "its body is redacted" in refused.err
    assert local("logs").out == ""


def test_create_reports_the_number_of_messages_a_day(local: Qstash, sink: Sink) -> None:
    local("urlgroup", "add", "team", f"{sink.url}/a", f"{sink.url}/b", f"{sink.url}/c")
    local.home.mkdir()
    (local.home / "config.toml").touch(mode=0o600)
    (local.home / "config.toml").write_text(
        f'[profiles.small]\napi_url = "{local.env["QSTASH_URL"]}"\ntoken = "{DEV_USER.token}"\n'
        'plan = "free"\n'
    )

    def output(destination: str, cron: str, *argv: str) -> str:
        run = local("schedule", "create", destination, "--cron", cron, *argv)
        assert run.code == 0, run
        return run.err

    assert output(sink.url, "@hourly") == "note: the schedule publishes about 24 messages a day\n"
    assert (
        output(sink.url, "0 0 1 * *")
        == "note: the schedule publishes about one message in 30 days\n"
    )
    callback = ("--callback", sink.url)
    assert (
        output("team", "@daily", *callback)
        == "note: the schedule publishes about 6 messages a day\n"
    )
    assert output(sink.url, "* * * * *", "-p", "small") == (
        "warning: the schedule publishes about 1,440 messages a day, "
        "and the free plan allows 1,000\n"
    )
