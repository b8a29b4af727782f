"""A Django view that accepts only requests that QStash has signed.

Run: python manage.py runserver 3000
"""

import json
import os

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from qstash import Receiver
from qstash.errors import SignatureError

# The URL that messages are published to. Behind a proxy, build_absolute_uri() is often another one.
URL = os.environ["APP_URL"] + "/hook"

receiver = Receiver(
    current_signing_key=os.environ["QSTASH_CURRENT_SIGNING_KEY"],
    next_signing_key=os.environ["QSTASH_NEXT_SIGNING_KEY"],
)


# QStash has no CSRF token; the signature proves more.
@csrf_exempt
@require_POST
def hook(request: HttpRequest) -> HttpResponse:
    body = request.body.decode(errors="replace")
    try:
        receiver.verify(
            signature=request.headers.get("Upstash-Signature", ""),
            body=body,
            url=URL,
        )
    except SignatureError:
        return HttpResponse("invalid signature", status=401)
    print("received", json.loads(body))
    return HttpResponse("ok")
