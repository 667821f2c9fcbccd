"""A delivery: what is sent to a subscriber, where it may go, and what an answer means. Pure."""

from __future__ import annotations

import ipaddress
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook

from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Delivery(Model):
    """One event for one subscriber, as it waits in the delivery queue.

    The first try carries the event; a later one names its place in the feed (`shard`, `position`), how often it was tried, since when,
    and with which answer. A `probe` is sent to a subscriber that is down.
    """

    subscription: str
    event_id: str
    shard: int
    position: int
    event: dict[str, Any] | None = None
    tries: int = 0
    first_at: datetime
    answer: str = ""
    milliseconds: int = 0
    probe: bool = False


class Answer(NamedTuple):
    """What a subscriber answered: the status, or in `error` why there is none; and after how many milliseconds."""

    taken: bool
    status: int | None = None
    error: str = ""
    milliseconds: int = 0

    @property
    def text(self) -> str:
        """The answer in a word: `204`, or the error."""
        return str(self.status) if self.status is not None else self.error


# Compatible addresses and those of NAT64 (RFC 6052), local ones too: the last 32 bits are an IPv4 address.
_CARRYING_IPV4 = tuple(ipaddress.IPv6Network(text) for text in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48"))


class Forbidden(Exception):
    """The address of a webhook is one that the stack must not call."""


def text_of(event: dict[str, Any]) -> str:
    """The body of a delivery."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def proof_of(event_id: str, body: str, secrets: Iterable[str], now: datetime) -> dict[str, str]:
    """What shows that a delivery is ours (Standard Webhooks): headers of a webhook, attributes of a message.

    During a rotation it is signed with both secrets. `now` is in UTC.
    """
    signatures = [Webhook(secret).sign(event_id, now, body) for secret in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def check_url(url: str, *, loopback_allowed: bool) -> None:
    """Raises Forbidden unless the URL is HTTPS, names a host and no user, and no address that must not be called.

    A local stack may call its own machine in plain HTTP. What a host name leads to is looked at when it is called (`check_address`).
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Forbidden("not a URL") from None
    if not host or parts.username or parts.password or parts.fragment or not url.isascii() or any(mark.isspace() for mark in url):
        raise Forbidden("not a URL of a host")
    if parts.scheme != "https" and not (loopback_allowed and parts.scheme == "http" and host in {"127.0.0.1", "localhost", "::1"}):
        raise Forbidden("not https")


def check_address(url: str, addresses: Iterable[str], *, loopback_allowed: bool, reachable: Iterable[Network] = ()) -> None:
    """Raises Forbidden unless the URL is HTTPS and every address that its host resolves to is public, or in a reachable network.

    Link-local addresses, where the metadata of machines are answered, are never called. A local stack may also call loopback, in plain
    HTTP.
    """
    found = [_plain(ipaddress.ip_address(address)) for address in addresses]
    if loopback_allowed and found and all(address.is_loopback for address in found):
        return
    check_url(url, loopback_allowed=False)
    networks = tuple(reachable)
    if not found or not all(_may_be_called(address, networks) for address in found):
        raise Forbidden("not a public address")


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address within one of IPv6 (mapped, compatible, translated, tunnelled) is where the call would come out."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _CARRYING_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _may_be_called(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: tuple[Network, ...]) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_loopback:
        return False
    return address.is_global or any(address in network for network in networks if network.version == address.version)
