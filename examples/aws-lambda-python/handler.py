"""An AWS Lambda function that accepts only requests that QStash has signed.

Deploy: handler.hook, behind a function URL or an HTTP API (payload format 2.0)
"""

import base64
import json
import os
from typing import Any

from qstash import Receiver
from qstash.errors import SignatureError

# The URL that messages are published to: the function URL or your own domain.
URL = os.environ["APP_URL"] + "/hook"

receiver = Receiver(
    current_signing_key=os.environ["QSTASH_CURRENT_SIGNING_KEY"],
    next_signing_key=os.environ["QSTASH_NEXT_SIGNING_KEY"],
)


def hook(event: dict[str, Any], context: object) -> dict[str, Any]:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode(errors="replace")
    try:
        receiver.verify(
            signature=event["headers"].get("upstash-signature", ""),
            body=body,
            url=URL,
        )
    except SignatureError:
        return {"statusCode": 401, "body": "invalid signature"}
    print("received", json.loads(body))
    return {"statusCode": 200, "body": "ok"}
