import os
import sys

from qstash import QStash

client = QStash(os.environ["QSTASH_TOKEN"], base_url=os.environ["QSTASH_URL"])
print(client.message.publish_json(url=sys.argv[1], body={"name": "ada"}))
