"""The HTTP client of `qstash dev` in a bare loop; prints requests per second.

`bare_deliveries.py TIMES WORKERS BODY URL...` posts the body TIMES times, from this number of
workers. Each worker posts to one of the URLs, one request after the other.
"""

import asyncio
import itertools
import sys
import time

import httpx2


async def _post(
    client: httpx2.AsyncClient, url: str, body: bytes, turns: "itertools.count[int]", times: int
) -> None:
    while next(turns) < times:
        await client.post(url, content=body, headers={"Content-Type": "application/json"})


async def main(times: int, workers: int, body: bytes, urls: list[str]) -> None:
    limits = httpx2.Limits(max_connections=workers, max_keepalive_connections=workers)
    async with httpx2.AsyncClient(trust_env=False, timeout=None, limits=limits) as client:
        started_at, turns = time.perf_counter(), itertools.count()
        each = zip(range(workers), itertools.cycle(urls))
        await asyncio.gather(*(_post(client, url, body, turns, times) for _, url in each))
        print(times / (time.perf_counter() - started_at))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode(), sys.argv[4:]))
