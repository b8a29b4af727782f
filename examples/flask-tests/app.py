"""A shop that charges an order an hour after it was placed, and reports every morning."""

import os
from collections.abc import Callable

from flask import Flask, Response, request
from qstash import QStash, Receiver
from qstash.errors import SignatureError


def create_app(url: str, charge: Callable[[int], bool]) -> Flask:
    """Returns the app. `url` is where QStash reaches it; `charge` calls the payment provider."""
    app = Flask(__name__)
    # Created here and not at import, so that tests can set the variables before.
    qstash = QStash(os.environ["QSTASH_TOKEN"])
    receiver = Receiver(
        current_signing_key=os.environ["QSTASH_CURRENT_SIGNING_KEY"],
        next_signing_key=os.environ["QSTASH_NEXT_SIGNING_KEY"],
    )
    charged: set[int] = set()

    @app.before_request
    def verify() -> Response | None:
        if not request.path.startswith("/qstash/"):
            return None
        try:
            receiver.verify(
                signature=request.headers.get("Upstash-Signature", ""),
                body=request.get_data(as_text=True),
                url=url + request.path,
            )
        except SignatureError:
            return Response("invalid signature", 401)
        return None

    @app.post("/orders/<int:number>")
    def order(number: int) -> tuple[str, int]:
        qstash.message.publish_json(
            url=f"{url}/qstash/charge", body={"order": number}, delay="1h", retries=3
        )
        return "ordered", 201

    @app.post("/qstash/charge")
    def charge_order() -> tuple[str, int]:
        number = request.get_json()["order"]
        # QStash delivers at least once: the same order may arrive again.
        if number not in charged:
            if not charge(number):
                return "the payment provider is not available", 503
            charged.add(number)
        return "charged", 200

    @app.post("/qstash/report")
    def report() -> tuple[str, int]:
        return "reported", 200

    return app


def create_schedules(url: str) -> None:
    """Creates the schedules, once for each deployment."""
    QStash(os.environ["QSTASH_TOKEN"]).schedule.create(
        destination=f"{url}/qstash/report",
        cron="CRON_TZ=Europe/Berlin 30 8 * * 1-5",
        schedule_id="report",
    )
