import sys

from qstash import Receiver

receiver = Receiver(current_signing_key=sys.argv[1], next_signing_key=sys.argv[2])
receiver.verify(signature=sys.argv[3], body=sys.argv[4], url=sys.argv[5])
