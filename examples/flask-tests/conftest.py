"""Serves the app on a free port, where the local QStash delivers to it."""

import threading
from collections.abc import Iterator

import pytest
from app import create_app
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from qstash_cli.testing import LocalQStash


class Shop:
    """The running app, and what its payment provider did."""

    def __init__(self) -> None:
        self.charged: list[int] = []
        self.failures = 0
        # The app needs the URL of the server, so it is passed to the server afterwards.
        self.server = make_server("127.0.0.1", 0, Flask("shop"), threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.server.app = self.app = create_app(self.url, self.charge)

    def charge(self, number: int) -> bool:
        """Charges an order, unless the provider is to fail."""
        if self.failures:
            self.failures -= 1
            return False
        self.charged.append(number)
        return True

    @property
    def client(self) -> FlaskClient:
        """Calls the app directly."""
        return self.app.test_client()


@pytest.fixture
def shop(qstash: LocalQStash) -> Iterator[Shop]:
    """The app, which needs the variables of `qstash`."""
    shop = Shop()
    thread = threading.Thread(target=shop.server.serve_forever, args=(0.01,))
    thread.start()
    yield shop
    shop.server.shutdown()
    thread.join()
    shop.server.server_close()
