"""httpx for `http` URLs of this machine: no proxies, and no TLS.

Reading the certificates of the authorities takes 50 ms of processor time for each client.
"""

from __future__ import annotations

import ssl
from functools import partial

import httpx

_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

Client = partial(httpx.Client, trust_env=False, verify=_NO_AUTHORITIES)
get = partial(httpx.get, trust_env=False, verify=_NO_AUTHORITIES)
post = partial(httpx.post, trust_env=False, verify=_NO_AUTHORITIES)
put = partial(httpx.put, trust_env=False, verify=_NO_AUTHORITIES)
request = partial(httpx.request, trust_env=False, verify=_NO_AUTHORITIES)
