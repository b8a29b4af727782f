"""A Flask endpoint that accepts only requests that QStash has signed.

Run: flask --app app run --port 3000
"""

import json
import os

from flask import Flask, request
from qstash import Receiver
from qstash.errors import SignatureError

# The URL that messages are published to. Behind a proxy, request.url is often another one.
URL = os.environ["APP_URL"] + "/hook"

app = Flask(__name__)
receiver = Receiver(
    current_signing_key=os.environ["QSTASH_CURRENT_SIGNING_KEY"],
    next_signing_key=os.environ["QSTASH_NEXT_SIGNING_KEY"],
)


@app.post("/hook")
def hook() -> tuple[str, int]:
    body = request.get_data(as_text=True)
    try:
        receiver.verify(
            signature=request.headers.get("Upstash-Signature", ""),
            body=body,
            url=URL,
        )
    except SignatureError:
        return "invalid signature", 401
    print("received", json.loads(body))
    return "ok", 200
