"""Sends the items of `qstash batch` with `json` and `http.client`, as many per request."""

import http.client
import json
import os
import sys

host = os.environ["QSTASH_URL"].removeprefix("http://")
connection = http.client.HTTPConnection(host)
token = os.environ["QSTASH_TOKEN"]
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def post(chunk: list[dict[str, object]]) -> None:
    body = json.dumps(chunk, separators=(",", ":")).encode()
    connection.request("POST", "/v2/batch", body, headers)
    json.loads(connection.getresponse().read())


chunk: list[dict[str, object]] = []
with open(sys.argv[1]) as file:
    for number, line in enumerate(file, 1):
        own = {
            "Content-Type": "application/json",
            "Upstash-Deduplication-Id": f"batch_7YoJxFpwkEy5zBp378JgvD6YBDPBEqkB-{number}",
        }
        chunk.append({"destination": sys.argv[2], "headers": own, "body": line.rstrip("\n")})
        if len(chunk) == int(sys.argv[3]):
            post(chunk)
            chunk = []
if chunk:
    post(chunk)
