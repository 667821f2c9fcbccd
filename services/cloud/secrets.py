"""Secrets, read once a minute at most."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from cloud.clients import secretsmanager
from cloud.settings import settings

_SECONDS = 60.0
# Before a signature is turned away, a secret that was read longer ago is read anew: it may have been rotated.
FRESH = 5.0


class _Cached(NamedTuple):
    read_at: float
    value: str


_cache: dict[str, _Cached] = {}


def _read(name: str, max_age: float = _SECONDS) -> str:
    cached = _cache.get(name)
    if cached and time.monotonic() - cached.read_at < max_age:
        return cached.value
    read_at = time.monotonic()
    value = secretsmanager().get_secret_value(SecretId=name)["SecretString"]
    _cache[name] = _Cached(read_at, value)
    return value


def stack_secret() -> str:
    """The secret from which the keys of pseudonyms, receipts and sealed originals are derived."""
    return _read(settings().stack_secret)


def signing_secret_name(owner: str) -> str:
    """The name of the secret of a party (`party/ID`) or subscription (`subscription/ID`)."""
    return f"{settings().stack_name}/{owner}"


def signing_secrets(owner: str, max_age: float = _SECONDS) -> list[str]:
    """The Standard Webhooks secrets of a party or subscription: the current one first, then, during a rotation, the previous one."""
    held = json.loads(_read(signing_secret_name(owner), max_age))
    return [secret for secret in (held["current"], held.get("previous")) if secret]


def cipher_key(owner: str) -> str:
    """The key of a party whose wire format is encrypted (hexadecimal, agreed with it); empty if there is none."""
    try:
        held: dict[str, str] = json.loads(_read(signing_secret_name(owner)))
    except secretsmanager().exceptions.ResourceNotFoundException:
        return ""
    return held.get("cipher_key", "")


def forget() -> None:
    """Drops the cache, for a process that goes on to another stack."""
    _cache.clear()
