"""Reads the DLQ with `json` and `http.client`, and counts entries by status, URL and response."""

import http.client
import json
import os
from collections import Counter

host = os.environ["QSTASH_URL"].removeprefix("http://")
connection = http.client.HTTPConnection(host)
headers = {"Authorization": f"Bearer {os.environ['QSTASH_TOKEN']}"}
counts: Counter[tuple[object, ...]] = Counter()
cursor = ""
while True:
    target = f"/v2/dlq?count=100{f'&cursor={cursor}' if cursor else ''}"
    connection.request("GET", target, headers=headers)
    page = json.loads(connection.getresponse().read())
    for entry in page["messages"]:
        counts[entry["responseStatus"], entry["url"], entry.get("responseBody")] += 1
    cursor = page.get("cursor", "")
    if not cursor:
        break
for group, number in counts.most_common():
    print(number, *group)
