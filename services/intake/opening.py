"""From the text of a message to the record in it: strict JSON, the envelope of the profile, its cipher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.cipher import decrypt
from contract.refusals import Refused, refuse
from contract.wire import parsed

if TYPE_CHECKING:
    from intake.profile import Profile


def record(profile: Profile, wire: dict[str, Any], cipher_key: str) -> dict[str, Any]:
    """The one record within the envelope of the profile. Raises Refused, naming the part of the envelope that is at fault."""
    steps = [step.removesuffix("[]") for step in profile.unwrap.split(".")] if profile.unwrap else []
    if steps and profile.may_be_bare and steps[0] not in wire:
        return wire
    here: Any = wire
    for depth, step in enumerate(steps, start=1):
        place = ".".join(steps[:depth])
        if not isinstance(here, dict) or here.get(step) is None:
            raise refuse("missing_field", place)
        here = _entered(profile, here[step], place, cipher_key)
    if not isinstance(here, dict):
        raise refuse("malformed_field", ".".join(steps), "one record")
    return here


def _entered(profile: Profile, value: Any, place: str, cipher_key: str) -> Any:
    inner = _only(value, place)
    return _only(_opened(profile, inner, place, cipher_key), place) if isinstance(inner, str) else inner


def _only(value: Any, place: str) -> Any:
    if not isinstance(value, list):
        return value
    if len(value) != 1:
        raise refuse("malformed_field", place, "one record")
    return value[0]


def _opened(profile: Profile, sealed: str, place: str, cipher_key: str) -> Any:
    if not profile.ciphers:
        raise refuse("malformed_field", place, "one record")
    try:
        return parsed(decrypt(profile.ciphers, cipher_key, sealed))
    except Refused as refused:
        code = "too_large" if refused.reasons[0].code == "too_large" else "cannot_decrypt"
        raise refuse(code, place) from None
