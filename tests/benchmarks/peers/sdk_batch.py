import json
import os
import sys

from qstash import QStash
from qstash.message import BatchJsonRequest

client = QStash(os.environ["QSTASH_TOKEN"], base_url=os.environ["QSTASH_URL"])
chunk: list[BatchJsonRequest] = []
with open(sys.argv[1]) as file:
    for line in file:
        chunk.append({"url": sys.argv[2], "body": json.loads(line)})
        if len(chunk) == 100:
            client.message.batch_json(chunk)
            chunk = []
if chunk:
    client.message.batch_json(chunk)
