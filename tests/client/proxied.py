"""The host and the credentials of tests with proxies."""

from __future__ import annotations

import base64

# Only the proxies of these tests resolve this name.
HOST = "qstash.invalid"
URL = f"https://{HOST}"
PASSWORD = "p@ss:w/rd"
CREDENTIALS = f"me:{PASSWORD}"
BASIC = b"Basic " + base64.b64encode(CREDENTIALS.encode())
QUOTED = "me:p%40ss%3Aw%2Frd"
