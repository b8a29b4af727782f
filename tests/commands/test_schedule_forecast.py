from __future__ import annotations

from tests.in_process import Qstash

_TO = ("https://example.com/hook", "--cron")


def test_a_list_on_a_terminal_forecasts_the_messages_of_active_schedules(local: Qstash) -> None:
    local("schedule", "create", *_TO, "0 * * * *", "--callback", "https://example.com/c")
    local("schedule", "create", *_TO, "* * * * *", "--id", "paused")
    local("schedule", "pause", "paused")

    on_terminal = local("schedule", "list", tty=True)
    piped = local("schedule", "list")

    assert "without retries, the schedules publish about 48 messages a day" in on_terminal.err
    assert piped.err == ""
