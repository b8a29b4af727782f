"""Messages as items of a batch, from which they can be published or delivered again.

The fields are those of QStash's batch items, and three more: `bodyBase64` is a body that is not
UTF-8, and `messageId` and `dlqId` identify the original.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from qstash_cli.errors import BadInput
from qstash_cli.protocol.delivery import Delivery
from qstash_cli.protocol.option_headers import decode, encode
from qstash_cli.protocol.options import MessageOptions
from qstash_cli.protocol.records import DlqEntry
from qstash_cli.protocol.redelivery import of_message

IDENTIFYING = ("messageId", "dlqId")


def item_of(entry: DlqEntry) -> dict[str, Any]:
    """Returns the item that publishes the message of an entry again.

    Its destination is the URL of the entry, even if the message was published to a URL group, whose
    other endpoints have got it. Raises `BadInput` like `of_message`.
    """
    delivery = of_message(entry)
    options = MessageOptions(
        method=delivery.method,
        retries=entry.get("maxRetries"),
        retry_delay=entry.get("retryDelayExpression") or None,
        label=tuple(entry.get("labels") or ([entry["label"]] if entry.get("label") else ())),
        flow_key=entry.get("flowControlKey") or None,
        rate=entry.get("rate") or None,
        period_s=entry.get("period") or None,
        parallelism=entry.get("parallelism") or None,
        callback=entry.get("callback") or None,
        failure_callback=entry.get("failureCallback") or None,
        headers=delivery.headers,
    )
    headers: dict[str, str] = {}
    for name, value in encode(options, forwards_all=True):
        # JSON has one value for each name. HTTP allows to combine several (RFC 9110, 5.3).
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    item: dict[str, Any] = {"destination": delivery.url, "headers": headers}
    if delivery.body:
        item |= _body(delivery.body)
    if entry.get("queueName"):
        item["queue"] = entry["queueName"]
    return item | {"messageId": entry["messageId"], "dlqId": entry["dlqId"]}


def delivery_of(item: Mapping[str, Any]) -> Delivery:
    """Returns the delivery of an item to its destination. Raises `BadInput`."""
    headers, url = item.get("headers") or {}, item.get("destination")
    if not isinstance(url, str) or not isinstance(headers, dict):
        raise BadInput("not a message: it needs a destination, and an object of headers")
    body = item.get("body") or ""
    if not isinstance(body, str):
        raise BadInput("the body is not a string")
    for name, value in headers.items():
        if isinstance(value, dict | list | bool | None):
            raise BadInput(f"the header value is not a string: {name}")
    options = decode((name, str(value)) for name, value in headers.items())
    return Delivery(
        message_id=str(item.get("messageId") or "msg_exported"),
        method=options.method or "POST",
        url=url,
        body=decoded_body(item) if "bodyBase64" in item else body.encode(),
        headers=options.headers,
    )


def decoded_body(item: Mapping[str, Any]) -> bytes:
    """Returns the bytes of `bodyBase64`. Raises `BadInput`."""
    try:
        return b64decode(item["bodyBase64"], validate=True)
    except (TypeError, ValueError):
        raise BadInput("the field is not base64: bodyBase64") from None


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"bodyBase64": b64encode(body).decode()}
