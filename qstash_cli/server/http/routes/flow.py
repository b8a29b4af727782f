"""Flow control keys. Source: QStash docs, "Flow control"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from qstash_cli.protocol.durations import LONGEST_PERIOD_S
from qstash_cli.server.delivery import flow_control
from qstash_cli.server.delivery.flow_control import Flow
from qstash_cli.server.errors import ApiError
from qstash_cli.server.http.requests import parameters, service
from qstash_cli.server.http.responses import answer
from qstash_cli.server.parameters import number


async def _list(request: Request) -> Response:
    api = service(request)
    wanted = parameters(request).get("search", [""])[-1]
    now_ms = api.clock.now_ms()
    return answer([one.as_json(now_ms) for one in api.engine.flows if wanted in one.key])


async def _get(request: Request) -> Response:
    return answer(_flow(request).as_json(service(request).clock.now_ms()))


async def _pause(request: Request) -> Response:
    return await _change(request, {"is_paused": 1})


async def _resume(request: Request) -> Response:
    return await _change(request, {"is_paused": 0})


async def _pin(request: Request) -> Response:
    given = {name: number(values[-1]) for name, values in parameters(request).items()}
    if not given or given.keys() - {"parallelism", "rate", "period"} or 0 in given.values():
        raise ApiError(400, "pin takes parallelism, rate and period, each of at least 1")
    if given.get("period", 0) > LONGEST_PERIOD_S:
        raise ApiError(400, f"period must be at most {LONGEST_PERIOD_S} seconds, 7 days")
    values: dict[str, int] = {}
    if "parallelism" in given:
        values |= {"parallelism": given["parallelism"], "pins_parallelism": 1}
    if given.keys() & {"rate", "period"}:
        values |= {"pins_rate": 1}
        values |= {"rate": given["rate"]} if "rate" in given else {}
        values |= {"period_s": given["period"]} if "period" in given else {}
    return await _change(request, values)


async def _unpin(request: Request) -> Response:
    given = parameters(request)
    columns = {"parallelism": "pins_parallelism", "rate": "pins_rate"}
    return await _change(
        request, {column: 0 for name, column in columns.items() if given.get(name) == ["true"]}
    )


async def _reset(request: Request) -> Response:
    _flow(request).restart_period(service(request).clock.now_ms())
    return await _change(request, {})


async def _global(request: Request) -> Response:
    api = service(request)
    return answer(
        {
            "parallelismMax": api.limits.global_parallelism,
            "parallelismCount": api.engine.in_flight,
        }
    )


def _flow(request: Request) -> Flow:
    key = request.path_params["key"]
    found = service(request).engine.flow(key)
    if found is None:
        raise ApiError(404, f"flow control key {key} not found")
    return found


async def _change(request: Request, values: dict[str, int]) -> Response:
    api = service(request)
    key = request.path_params["key"]
    row = await api.store.run(lambda connection: flow_control.change(connection, key, values))
    api.engine.set_flow(row)
    return Response(status_code=200)


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
