import json
import sys

from qstash import Receiver

receiver = Receiver(current_signing_key=sys.argv[1], next_signing_key=sys.argv[2])
with open(sys.argv[3]) as file:
    for line in file:
        capture = json.loads(line)
        signature = capture["headers"]["Upstash-Signature"]
        receiver.verify(signature=signature, body=capture["body"], url=capture["url"])
        print(json.dumps({"valid": True, "url": capture["url"]}))
