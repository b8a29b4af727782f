"""The format of errors, warnings and notes."""

import io
import json

from qstash_cli.errors import NotFound, QstashError
from qstash_cli.output.failure import write_failure, write_message

ERROR = NotFound("no such message: msg_1\x1b[2J", hint="see `qstash logs`", status=404)


def _reported(error: QstashError, *, as_json: bool = False, colour: bool = False) -> str:
    err = io.StringIO()
    write_failure(error, as_json=as_json, err=err, colour=colour)
    return err.getvalue()


def test_a_failure_has_an_error_and_a_hint() -> None:
    reported = _reported(ERROR)

    assert reported == "error: no such message: msg_1\\x1b[2J\nhint: see `qstash logs`\n"


def test_a_failure_without_a_hint_is_one_line() -> None:
    assert _reported(QstashError("refused")) == "error: refused\n"


def test_a_failure_as_json_always_has_the_same_keys() -> None:
    reported = _reported(ERROR, as_json=True)

    assert "\x1b" not in reported
    assert json.loads(reported) == {
        "code": "not_found", "message": ERROR.message, "status": 404, "hint": ERROR.hint,
    }  # fmt: skip
    assert json.loads(_reported(QstashError("no"), as_json=True)) == {
        "code": "refused", "message": "no", "status": None, "hint": "",
    }  # fmt: skip


def test_only_the_labels_are_coloured() -> None:
    reported = _reported(ERROR, colour=True)

    assert reported.startswith("\x1b[1;31merror:\x1b[0m no such")
    assert "\n\x1b[1mhint:\x1b[0m see" in reported


def test_a_message_is_a_labelled_line() -> None:
    err = io.StringIO()

    write_message("quotes were trimmed\x07", err, "warning")

    assert err.getvalue() == "warning: quotes were trimmed\\x07\n"
