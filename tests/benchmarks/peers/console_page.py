"""An open page of the console: reads its stream, and its rows after each change.

The URL of the server is the only argument. Prints `open` once the stream is there.
"""

from __future__ import annotations

import http.client
import sys
from urllib.parse import urlsplit

_ROWS = "/console/messages/rows"


def main() -> None:
    """Reads until the server ends."""
    host = urlsplit(sys.argv[1]).netloc
    stream = http.client.HTTPConnection(host)
    stream.request("GET", "/console/events")
    events = stream.getresponse()
    rows = http.client.HTTPConnection(host)
    is_announced = False
    while line := events.readline():
        if not line.startswith(b"data:"):
            continue
        rows.request("GET", _ROWS)
        rows.getresponse().read()
        if not is_announced:
            sys.stdout.write(f"open {sys.argv[1]}\n")
            sys.stdout.flush()
            is_announced = True


if __name__ == "__main__":
    main()
