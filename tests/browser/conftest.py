"""The console in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

from qstash_cli.protocol.dev_credentials import DEV_USER
from qstash_cli.server.http.local_endpoint import LocalEndpoint, Received, running_endpoint
from qstash_cli.server.run import ServerConfig, running_server
from tests import plain_http

# By default it is 5 s.
expect.set_options(timeout=30_000)

CHROMIUM = shutil.which("chromium")
# Without them Chromium asks hosts of its own; a root user has no sandbox.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
EXPECTED_DIALOGS = {
    "Retry 1 entry?",
    "Cancel this workflow run?",
    "Retry 130 entries?",
    "Delete all 3 matching entries permanently?",
    "Delete 2 entries permanently?",
}
NOT_RUN = "not run: there is no chromium"


@dataclass(frozen=True)
class Dev:
    """A server with the console."""

    url: str

    def publish(self, destination: str, body: str | bytes = "{}", **options: str) -> str:
        """Publishes a message, and returns its id."""
        headers = {f"Upstash-{name.replace('_', '-')}": value for name, value in options.items()}
        response = plain_http.post(
            f"{self.url}/v2/publish/{destination}",
            content=body,
            headers={"Authorization": f"Bearer {DEV_USER.token}"} | headers,
        )
        assert response.status_code == 201, response.text
        return str(response.json()["messageId"])


def running_dev(port: int = 0) -> AbstractContextManager[str]:
    """Returns a server with the console, as a context manager of its URL."""
    return running_server(ServerConfig(port=port, has_console=True))


@pytest.fixture
def dev() -> Iterator[Dev]:
    with running_dev() as url:
        yield Dev(url)


class Endpoint:
    """An endpoint that fails as long as `status` is not 200."""

    def __init__(self) -> None:
        self.status = 200
        self.running: LocalEndpoint

    def respond(self, _request: Received) -> tuple[int, bytes]:
        """Responds with the status."""
        return self.status, b"upstream is down" if self.status != 200 else b"thanks"

    @property
    def url(self) -> str:
        """The URL of the endpoint."""
        return f"{self.running.url}/hook"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    with running_endpoint(made.respond, 0) as running:
        made.running = running
        yield made


# Not for the whole session: Playwright keeps an event loop running in this thread, with which the
# tests of other modules cannot run theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        # `.ci/run` installs Chromium; elsewhere this is reported as not run, and not as passed.
        pytest.skip(NOT_RUN)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A context whose pages may neither fail, nor open a dialog, nor leave this machine."""
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    problems: list[str] = []
    made.on("weberror", lambda error: problems.append(f"error: {error.error}"))
    made.on("request", lambda request: _note_foreign(request.url, problems))
    made.on("dialog", lambda dialog: _note_dialog(dialog, problems))
    yield made
    made.close()
    assert problems == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def _note_dialog(dialog: Dialog, problems: list[str]) -> None:
    if dialog.message in EXPECTED_DIALOGS:
        dialog.accept()
        return
    problems.append(f"dialog: {dialog.message}")
    dialog.dismiss()


def _note_foreign(url: str, problems: list[str]) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
        problems.append(f"request to {url}")
