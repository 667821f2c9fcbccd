"""Calls a subscriber: no redirects, only to the address that was checked, and no longer than five seconds between two bytes.

One that drips its answer is ended by the function's own time-out; a delivery has the function to itself (batches of one).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3

from cloud.settings import settings
from notify.delivery import check_address

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = 5.0


class NotTaken(Exception):
    """The subscriber did not answer 2xx in time; the delivery is tried again."""


def post(url: str, body: str, headers: Mapping[str, str]) -> int:
    """Posts a delivery and returns the status. Raises NotTaken, or Forbidden for an address that must not be called."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address(parts.hostname or "", port, url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        # The connection goes to the address that was checked, so that a second look-up cannot lead elsewhere.
        with _pool(parts.scheme, address, port, parts.hostname or "") as pool:
            answer = pool.request(
                "POST",
                target,
                body=body.encode(),
                headers={"host": parts.netloc, **headers},
                redirect=False,
                retries=False,
                preload_content=False,  # the status is all that counts; what else a subscriber says is not read
                timeout=_SECONDS,
            )
    except urllib3.exceptions.HTTPError as error:
        raise NotTaken(type(error).__name__) from error
    answer.close()
    if not 200 <= answer.status < 300:
        raise NotTaken(f"status {answer.status}")
    return answer.status


def _address(host: str, port: int, url: str) -> str:
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        raise NotTaken("host not found") from error
    check_address(url, found, loopback_allowed=settings().loopback_webhooks)
    return found[0]


def _pool(scheme: str, address: str, port: int, host: str) -> urllib3.HTTPConnectionPool:
    if scheme == "https":
        return urllib3.HTTPSConnectionPool(address, port, server_hostname=host, assert_hostname=host)
    return urllib3.HTTPConnectionPool(address, port)
