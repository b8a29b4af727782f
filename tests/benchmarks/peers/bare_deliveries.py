"""The client that delivers, posting the same bodies in a bare loop; prints requests per second."""

import asyncio
import sys
import time

import httpx2


async def main(url: str, times: int, body: bytes) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=None) as client:
        await client.post(url, content=body)
        started_at = time.perf_counter()
        for _ in range(times):
            await client.post(url, content=body, headers={"Content-Type": "application/json"})
        print(times / (time.perf_counter() - started_at))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()))
