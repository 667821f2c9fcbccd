"""Secrets, read once a minute at most."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from cloud.clients import secretsmanager
from cloud.settings import settings

_SECONDS = 60.0


class _Cached(NamedTuple):
    until: float
    value: str


_cache: dict[str, _Cached] = {}


def _read(name: str) -> str:
    cached = _cache.get(name)
    if cached and cached.until > time.monotonic():
        return cached.value
    value = secretsmanager().get_secret_value(SecretId=name)["SecretString"]
    _cache[name] = _Cached(time.monotonic() + _SECONDS, value)
    return value


def stack_secret() -> str:
    """The secret from which the keys of pseudonyms, receipts and sealed originals are derived."""
    return _read(settings().stack_secret)


def signing_secret_name(owner: str) -> str:
    """The name of the secret of a party (`party/ID`) or subscription (`subscription/ID`)."""
    return f"{settings().stack_name}/{owner}"


def signing_secrets(owner: str) -> list[str]:
    """The Standard Webhooks secrets of a party or subscription: the current one first, then, during a rotation, the previous one."""
    held = json.loads(_read(signing_secret_name(owner)))
    return [secret for secret in (held["current"], held.get("previous")) if secret]


def forget() -> None:
    """Drops the cache, for a process that goes on to another stack."""
    _cache.clear()
