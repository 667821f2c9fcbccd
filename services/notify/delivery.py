"""A delivery: what is sent to a subscriber, where it may go, and what an answer means. Pure."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook

from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


class Delivery(Model):
    """One event for one subscriber, as it waits in the delivery queue."""

    subscription: str
    event: dict[str, Any]


class Forbidden(Exception):
    """The address of a webhook is one that the stack must not call."""


def signed(event: dict[str, Any], secrets: Iterable[str], now: datetime) -> tuple[str, dict[str, str]]:
    """Body and headers of a delivery (Standard Webhooks). During a rotation it is signed with both secrets. `now` is in UTC."""
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    signatures = [Webhook(secret).sign(event["id"], now, body) for secret in secrets]
    headers = {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return body, headers


def check_address(url: str, addresses: Iterable[str], *, loopback_allowed: bool) -> None:
    """Raises Forbidden unless the URL is HTTPS and every address that its host resolves to is public.

    A local stack may also call loopback, in plain HTTP.
    """
    found = [ipaddress.ip_address(address) for address in addresses]
    if loopback_allowed and found and all(address.is_loopback for address in found):
        return
    if urlsplit(url).scheme != "https":
        raise Forbidden("not https")
    if not found or not all(address.is_global for address in found):
        raise Forbidden("not a public address")
