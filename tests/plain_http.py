"""httpx for `http` URLs of this machine: no proxies, no TLS, and patience.

Reading the certificates of the authorities takes 50 ms of processor time for each client. A
busy machine may need longer for a response than the 5 s that httpx allows by default.
"""

from __future__ import annotations

import ssl
from functools import partial

import httpx

_NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_TIMEOUT_S = 60

Client = partial(httpx.Client, trust_env=False, verify=_NO_AUTHORITIES, timeout=_TIMEOUT_S)
get = partial(httpx.get, trust_env=False, verify=_NO_AUTHORITIES, timeout=_TIMEOUT_S)
post = partial(httpx.post, trust_env=False, verify=_NO_AUTHORITIES, timeout=_TIMEOUT_S)
put = partial(httpx.put, trust_env=False, verify=_NO_AUTHORITIES, timeout=_TIMEOUT_S)
request = partial(httpx.request, trust_env=False, verify=_NO_AUTHORITIES, timeout=_TIMEOUT_S)
