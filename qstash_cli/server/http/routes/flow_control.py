"""Flow control keys. Source: QStash docs, "Flow control"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.durations import LONGEST_PERIOD_S
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import account_of, parameters
from qstash_cli.server.http.responses import respond
from qstash_cli.server.http.views import resources as views
from qstash_cli.server.parameters import number
from qstash_cli.server.services import flow_control


async def _list(request: Request) -> Response:
    search = parameters(request).get("search", [""])[-1]
    return respond([views.flow(one) for one in flow_control.list_all(account_of(request), search)])


async def _get(request: Request) -> Response:
    return respond(views.flow(flow_control.get(account_of(request), _key(request))))


async def _pause(request: Request) -> Response:
    await flow_control.pause(account_of(request), _key(request), is_paused=True)
    return Response(status_code=200)


async def _resume(request: Request) -> Response:
    await flow_control.pause(account_of(request), _key(request), is_paused=False)
    return Response(status_code=200)


async def _pin(request: Request) -> Response:
    given = {name: number(values[-1]) for name, values in parameters(request).items()}
    if not given or given.keys() - {"parallelism", "rate", "period"} or 0 in given.values():
        raise ApiError(400, "pin takes parallelism, rate and period, each of at least 1")
    if given.get("period", 0) > LONGEST_PERIOD_S:
        raise ApiError(400, f"period must be at most {LONGEST_PERIOD_S} seconds, 7 days")
    await flow_control.pin(
        account_of(request),
        _key(request),
        parallelism=given.get("parallelism"),
        rate=given.get("rate"),
        period_s=given.get("period"),
    )
    return Response(status_code=200)


async def _unpin(request: Request) -> Response:
    given = parameters(request)
    await flow_control.unpin(
        account_of(request),
        _key(request),
        parallelism=given.get("parallelism") == ["true"],
        rate=given.get("rate") == ["true"],
    )
    return Response(status_code=200)


async def _reset(request: Request) -> Response:
    await flow_control.reset_rate(account_of(request), _key(request))
    return Response(status_code=200)


async def _global(request: Request) -> Response:
    limit, in_flight = flow_control.global_parallelism(account_of(request))
    return respond({"parallelismMax": limit, "parallelismCount": in_flight})


def _key(request: Request) -> str:
    key: str = request.path_params["key"]
    return key


ROUTES = [
    Route("/v2/flowControl", _list, methods=["GET"]),
    Route("/v2/globalParallelism", _global, methods=["GET"]),
    *(
        Route(f"/v2/flowControl/{{key:path}}/{name}", action, methods=["POST"])
        for name, action in (
            ("pause", _pause),
            ("resume", _resume),
            ("pin", _pin),
            ("unpin", _unpin),
            ("resetRate", _reset),
            ("reset", _reset),
        )
    ),
    Route("/v2/flowControl/{key:path}", _get, methods=["GET"]),
]
