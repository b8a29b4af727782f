"""Messages: get, cancel, cancel many, retry now. Source: QStash docs, "Messages"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.server.http.requests import account_of, bulk_parameters
from qstash_cli.server.http.responses import respond
from qstash_cli.server.http.views import messages as views
from qstash_cli.server.services import messages
from qstash_cli.server.services.bulk_cancel import parse_filter


async def _get(request: Request) -> Response:
    message_id = request.path_params["message_id"]
    return respond(views.message(await messages.get(account_of(request), message_id)))


async def _cancel(request: Request) -> Response:
    await messages.cancel(account_of(request), request.path_params["message_id"])
    return respond({"cancelled": 1}, 202)


async def _retry_now(request: Request) -> Response:
    message_id = request.path_params["message_id"]
    await messages.retry_now(account_of(request), message_id)
    # Guess: the documents describe no content; every SDK can parse JSON.
    return respond({"messageId": message_id})


async def _cancel_many(request: Request) -> Response:
    account, given = account_of(request), await bulk_parameters(request)
    # Ids take precedence over filters.
    if "messageIds" in given:
        cancelled = await messages.cancel_ids(account, given["messageIds"])
        return respond({"cancelled": cancelled}, 202)
    wanted = parse_filter(given)
    if given.get("async", ["false"])[-1].lower() == "true":
        action_id, total = await account.bulk_cancels.accept(wanted)
        return respond({"cancelled": total, "actionId": action_id}, 202)
    return respond({"cancelled": await account.bulk_cancels.finish(wanted)}, 202)


ROUTES = [
    Route("/v2/messages/{message_id}", _get, methods=["GET"]),
    Route("/v2/messages/{message_id}", _cancel, methods=["DELETE"]),
    Route("/v2/messages/{message_id}/retry", _retry_now, methods=["POST"]),
    Route("/v2/messages", _cancel_many, methods=["DELETE"]),
]
