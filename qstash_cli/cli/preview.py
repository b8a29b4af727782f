"""Renders `--dry-run` and `--curl`: every request that a run would send, in order.

A preview is a `Result` like any other: `Context.perform` either sends a command's requests or
renders them here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, Literal, NamedTuple

from qstash_cli.client.request import Request
from qstash_cli.errors import BadInput
from qstash_cli.output.curl import curl_command, request_record, request_text
from qstash_cli.output.result import Result, View
from qstash_cli.output.safe import safe_text
from qstash_cli.protocol.headers import Headers

Form = Literal["text", "curl"]

_VIEW = View(columns=(), id=lambda _record: None)
_PUBLISH = "/v2/publish/"
_ENQUEUE = "/v2/enqueue/"
_BATCH = "/v2/batch"
# A request has no columns and no id.
_AS_TEXT = ("table", "tsv", "csv", "text", "ids")


class ExternalRequest(NamedTuple):
    """A request to a server other than QStash, sent without the token."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""


class Remark(NamedTuple):
    """A remark between requests; `item` replaces it among the items of a batch."""

    text: str
    item: dict[str, object]


_AnyRequest = Request[object] | ExternalRequest
Planned = _AnyRequest | Remark


class Preview(NamedTuple):
    """Renders requests as JSON, YAML, batch items or text.

    A `format` of json or yaml selects records, and jsonl selects batch items. `form` is the form of
    the text. A `query` selects from the records.
    """

    api_url: str
    form: Form
    format: str | None
    query: str | None

    def of(self, planned: Iterable[Planned], later: str) -> Result:
        """Returns the requests; in JSON, one request is an object, any other number is an array.

        `later` says which further requests depend on responses. The requests may be generated
        during rendering. Raises `BadInput` for a request that cannot be rendered.
        """
        if self.format == "jsonl":
            return self._result(chain.from_iterable(map(self._items, planned)))
        if self.format in {"json", "yaml"} or self.query is not None:
            return self._result(self._data(planned))
        text = self._texts(planned, later)
        return self._result(())._replace(text=text, forms=dict.fromkeys(_AS_TEXT, text))

    def _result(self, data: Any) -> Result:
        return Result(data=data, view=_VIEW, on_terminal="json", piped="json")

    def _data(self, planned: Iterable[Planned]) -> Any:
        records = (self._record(one) for one in planned if not isinstance(one, Remark))
        first = list(islice(records, 2))
        if len(first) == 1:
            return first[0]
        every = chain(first, records)
        return every if self.query is None else list(every)

    def _texts(self, planned: Iterable[Planned], later: str) -> Iterator[str]:
        between = "\n" if self.form == "text" else ""
        for number, one in enumerate(planned):
            yield f"{between if number else ''}{self._text(one)}"
        if later:
            yield f"{between}# {safe_text(later)}\n"

    def _text(self, one: Planned) -> str:
        if isinstance(one, Remark):
            return f"# {safe_text(one.text)}\n"
        parts, is_ours = self._parts(one)
        if self.form == "curl":
            return f"{curl_command(*parts, authorised=is_ours)}\n"
        return request_text(*parts, authorised=is_ours)

    def _record(self, request: _AnyRequest) -> dict[str, object]:
        parts, is_ours = self._parts(request)
        return request_record(*parts, authorised=is_ours)

    def _items(self, one: Planned) -> list[dict[str, object]]:
        if isinstance(one, Remark):
            return [one.item]
        if isinstance(one, Request):
            if one.path.startswith((_PUBLISH, _ENQUEUE)):
                return [batch_item(one)]
            if one.path == _BATCH:
                items: list[dict[str, object]] = json.loads(one.body)
                return items
        return [self._record(one)]

    def _parts(self, request: _AnyRequest) -> tuple[ExternalRequest, bool]:
        if isinstance(request, ExternalRequest):
            return request, False
        url = f"{self.api_url}{request.target}"
        return ExternalRequest(request.method, url, request.headers, request.body), True


def batch_item(request: Request[object]) -> dict[str, object]:
    """Returns a publish request as a batch item. Source: QStash docs, "Batch".

    Raises `BadInput` for a body that is not UTF-8, which a batch cannot contain.
    """
    destination, queue = request.path.removeprefix(_PUBLISH), None
    if request.path.startswith(_ENQUEUE):
        queue, _, destination = request.path.removeprefix(_ENQUEUE).partition("/")
    record: dict[str, object] = {"destination": destination, "headers": dict(request.headers)}
    if request.body:
        try:
            record["body"] = request.body.decode()
        except UnicodeDecodeError:
            encoded = base64.b64encode(request.body[:6]).decode()
            raise BadInput(
                f"a batch can only contain text, and the body is not UTF-8 (it starts {encoded}…)",
                hint="publish it on its own",
            ) from None
    if queue:
        record["queue"] = queue
    return record
