"""A FastAPI endpoint that accepts only requests that QStash has signed.

Run: uvicorn app:app --port 3000
"""

import json
import os
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from qstash import Receiver
from qstash.errors import SignatureError

# The URL that messages are published to. Behind a proxy, request.url is often another one.
URL = os.environ["APP_URL"] + "/hook"

app = FastAPI()
receiver = Receiver(
    current_signing_key=os.environ["QSTASH_CURRENT_SIGNING_KEY"],
    next_signing_key=os.environ["QSTASH_NEXT_SIGNING_KEY"],
)


async def verified_body(request: Request) -> str:
    body = (await request.body()).decode(errors="replace")
    try:
        receiver.verify(
            signature=request.headers.get("Upstash-Signature", ""),
            body=body,
            url=URL,
        )
    except SignatureError as error:
        raise HTTPException(401, "invalid signature") from error
    return body


@app.post("/hook")
async def hook(body: Annotated[str, Depends(verified_body)]) -> str:
    print("received", json.loads(body))
    return "ok"
