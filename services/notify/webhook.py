"""Calls a subscriber: no redirects, only to the address that was checked, and five seconds for all of it."""

from __future__ import annotations

import socket
import time
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import urllib3

from cloud.settings import settings
from notify.delivery import Answer, Forbidden, check_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SECONDS = 5.0

Result = TypeVar("Result")


class HostNotFound(Exception):
    """The host has no address."""


def post(url: str, body: str, headers: Mapping[str, str]) -> Answer:
    """Posts a delivery; taken is what was answered with 2xx in time. What else a subscriber says is not read."""
    started = time.monotonic()
    try:
        answer = in_time(lambda: request(url, body.encode(), headers, SECONDS), SECONDS + 0.5)
    except Forbidden:
        return Answer(taken=False, error="forbidden_address")
    except HostNotFound:
        return Answer(taken=False, error="host_not_found", milliseconds=_since(started))
    except urllib3.exceptions.NewConnectionError:  # which to urllib3 is a time-out
        return Answer(taken=False, error="no_connection", milliseconds=_since(started))
    except (urllib3.exceptions.TimeoutError, TimeoutError):
        return Answer(taken=False, error="timed_out", milliseconds=_since(started))
    except (urllib3.exceptions.HTTPError, OSError):
        return Answer(taken=False, error="no_connection", milliseconds=_since(started))
    answer.close()
    return Answer(taken=200 <= answer.status < 300, status=answer.status, milliseconds=_since(started))


def in_time(call: Callable[[], Result], seconds: float) -> Result:
    """What the call returns or raises, or TimeoutError: a time-out of the socket begins anew with every byte that drips in."""
    done: SimpleQueue[Result | Exception] = SimpleQueue()

    def run() -> None:
        try:
            done.put(call())
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            done.put(error)

    Thread(target=run, daemon=True).start()
    try:
        result = done.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise result
    return result


def request(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> urllib3.BaseHTTPResponse:
    """The answer to a post, whose body is not read yet. The connection goes to the address that was checked, so that a second look-up
    cannot lead elsewhere.

    Raises Forbidden for an address that must not be called, HostNotFound, and the errors of urllib3.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address(parts.hostname or "", port, url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    with _pool(parts.scheme, address, port, parts.hostname or "") as pool:
        return pool.request(
            "POST",
            target,
            body=body,
            headers={"host": parts.netloc, **headers},
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=urllib3.Timeout(total=seconds),
        )


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _address(host: str, port: int, url: str) -> str:
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise HostNotFound(host) from error
    check_address(url, found, loopback_allowed=settings().loopback_webhooks, reachable=settings().reachable_networks)
    return found[0]


def _pool(scheme: str, address: str, port: int, host: str) -> urllib3.HTTPConnectionPool:
    if scheme == "https":
        return urllib3.HTTPSConnectionPool(address, port, server_hostname=host, assert_hostname=host)
    return urllib3.HTTPConnectionPool(address, port)
