"""Secrets, read once a minute at most; and the signing secrets of parties and subscriptions, made, rotated and taken away."""

from __future__ import annotations

import base64
import json
import secrets
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


def upstream(id: str) -> dict[str, str]:
    """What proves to a level above that we are ourselves, as its profile names it; nothing if nothing was put there."""
    try:
        held: dict[str, str] = json.loads(_read(signing_secret_name(f"upstream/{id}")))
    except secretsmanager().exceptions.ResourceNotFoundException:
        return {}
    return held


def put_upstream(id: str, held: dict[str, str]) -> None:
    """Keeps what proves to a level above that we are ourselves, in the place of what was there."""
    name, text = signing_secret_name(f"upstream/{id}"), json.dumps(held)
    _cache.pop(name, None)
    try:
        secretsmanager().create_secret(Name=name, SecretString=text)
    except secretsmanager().exceptions.ResourceExistsException:
        secretsmanager().put_secret_value(SecretId=name, SecretString=text)


# ---------------------------------------------------------------- signing secrets, written


def ensure_signing_secret(owner: str) -> str | None:
    """Makes the Standard Webhooks secret of a party or subscription unless there is one; the new one, None if there was one."""
    fresh = _fresh()
    try:
        secretsmanager().create_secret(Name=signing_secret_name(owner), SecretString=json.dumps({"current": fresh, "previous": None}))
    except secretsmanager().exceptions.ResourceExistsException:
        return None
    return fresh


def renew_signing_secret(owner: str) -> str:
    """A secret for an owner that has just begun: whatever an earlier one of the same name has left is good no more."""
    fresh = ensure_signing_secret(owner)
    if fresh is None:
        fresh = _fresh()
        _put(owner, {"current": fresh, "previous": None})
    return fresh


def rotate_signing_secret(owner: str) -> str:
    """The new secret, with which is signed from now on beside the one before; what else the owner's secret holds stays.

    Whoever holds the one before that cannot verify any more. Processes that run use it within a minute.
    """
    fresh = ensure_signing_secret(owner)
    if fresh is None:
        held, fresh = _held(owner), _fresh()
        _put(owner, held | {"current": fresh, "previous": held["current"]})
    return fresh


def finish_rotation(owner: str) -> None:
    """From now on only the current secret signs."""
    held = _held(owner)
    if held.get("previous"):
        _put(owner, held | {"previous": None})


def remove_signing_secret(owner: str) -> None:
    """Takes the secret away for good, if there is one."""
    name = signing_secret_name(owner)
    _cache.pop(name, None)
    try:
        secretsmanager().delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    except secretsmanager().exceptions.ResourceNotFoundException:
        return


def _fresh() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _held(owner: str) -> dict[str, str | None]:
    held: dict[str, str | None] = json.loads(_read(signing_secret_name(owner), 0.0))
    return held


def _put(owner: str, held: dict[str, str | None]) -> None:
    name = signing_secret_name(owner)
    _cache.pop(name, None)
    secretsmanager().put_secret_value(SecretId=name, SecretString=json.dumps(held))


def forget() -> None:
    """Drops the cache, for a process that goes on to another stack."""
    _cache.clear()
