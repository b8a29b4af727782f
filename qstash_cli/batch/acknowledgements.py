"""Determines which records of a batch a response acknowledges. Source: QStash docs, "Batch".

A response has an item for each record, in order: an object with the message's id, a list of such
objects for a URL group, or an object with an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from qstash_cli.batch.items import Record
from qstash_cli.batch.lines import named
from qstash_cli.errors import QstashError

_ID, _ERROR = "messageId", "error"
_message_id = itemgetter(_ID)


class OutcomeUnknown(QstashError):
    """Records were sent, but the response does not say whether QStash accepted them."""


class Acknowledgements(NamedTuple):
    """The items of a response. `are_all_new` means that each item is one new message."""

    items: Sequence[Any]
    are_all_new: bool


def acknowledgements(response: object, records: Sequence[Record]) -> Acknowledgements:
    """Returns the items of the response to these records.

    Raises `OutcomeUnknown` naming the first line that is neither acknowledged nor refused.
    """
    if not isinstance(response, list):
        raise _in_doubt(records, "QStash's response to a batch is not a list")
    if len(response) != len(records):
        raise _in_doubt(
            records, f"QStash's response to {len(records)} records has {len(response)} items"
        )
    if _are_all_new(response):
        return Acknowledgements(response, are_all_new=True)
    for record, item in zip(records, response, strict=True):
        if not (_is_acknowledged(item) or _is_refused(item)):
            raise _in_doubt(records, f"QStash's response has no {_ID} for line {record.line}")
    return Acknowledgements(response, are_all_new=False)


def messages_of(item: Any) -> list[dict[str, Any]]:
    """Returns the messages of an acknowledged record, one for each endpoint of a URL group."""
    return item if isinstance(item, list) else [item]


def error_of(item: Any) -> str | None:
    """Returns why QStash refused a record, None if it did not."""
    return str(item[_ERROR]) if _is_refused(item) else None


def _are_all_new(items: list[Any]) -> bool:
    # Nearly all responses are like this, with an item per record, so this avoids loops in Python.
    try:
        ids = list(map(_message_id, items))
    except (KeyError, TypeError):
        return False
    return set(map(type, ids)) <= {str} and all(ids) and set(map(len, items)) <= {1}


def _is_acknowledged(item: Any) -> bool:
    messages = messages_of(item)
    return bool(messages) and all(_is_message(message) for message in messages)


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or _ERROR in value:
        return False
    message_id = value.get(_ID)
    return isinstance(message_id, str) and bool(message_id)


def _is_refused(item: Any) -> bool:
    return isinstance(item, dict) and _ID not in item and isinstance(item.get(_ERROR), str)


def _in_doubt(records: Sequence[Record], what: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{what}; {named(records[0].line, records[-1].line)} may or may not have been sent",
        hint="check the API's URL with `qstash config show`",
    )
