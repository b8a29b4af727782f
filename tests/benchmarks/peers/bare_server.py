"""One Starlette route that reads the body and responds like a publish."""

import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_ANSWER = b'{"messageId":"msg_26hZCxZCuWyyTWPmSVBrNC1RADwpgWx"}'


async def publish(request: Request) -> Response:
    await request.body()
    return Response(_ANSWER, 201, media_type="application/json")


app = Starlette(routes=[Route("/v2/publish/{destination:path}", publish, methods=["POST"])])
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
listener.listen(2048)
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
config = uvicorn.Config(app, log_level="error", access_log=False, server_header=False)
uvicorn.Server(config).run(sockets=[listener])
