"""From the bytes of a message to the canonical message, by the profile of the party that sent it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from contract.commands import COMMAND_TYPE
from contract.messages import MESSAGES, Envelope, Said
from contract.refusals import from_validation, refuse
from contract.wire import json_object
from intake.opening import record
from intake.profile import CANONICAL, load
from intake.translate import raw, translate

_SPOKEN = ("level", "tags", "comment")


def interpret(body: str, profile_id: str, province_code: str, cipher_key: str = "") -> Said:
    """The canonical message. `cipher_key` (hexadecimal) opens what the profile lets be encrypted.

    Raises Refused with every reason found.
    """
    wire = json_object(body)
    if profile_id == CANONICAL:
        return _canonical(wire)
    profile = load(profile_id)
    return translate(profile, record(profile, wire, cipher_key), province_code)


def spoken(body: str, profile_id: str, cipher_key: str = "") -> tuple[Any, Any, Any]:
    """Level, tags and text exactly as they were sent, None where absent: what a correction may not change.

    Raises Refused where the record cannot be read at all.
    """
    wire = json_object(body)
    if profile_id == CANONICAL:
        data = wire.get("data")
        level, tags, comment = (data.get(name) if isinstance(data, dict) else None for name in _SPOKEN)
        return level, tags, comment
    profile = load(profile_id)
    said = record(profile, wire, cipher_key)
    fields = profile.rating.fields if profile.rating else {}
    level, tags, comment = (raw(said, fields[name]) if name in fields else None for name in _SPOKEN)
    return level, tags, comment


def _canonical(wire: dict[str, Any]) -> Said:
    try:
        envelope = Envelope.model_validate(wire)
        model = MESSAGES.get(envelope.type)
        if model is None:
            raise refuse("not_accepted_here" if envelope.type == COMMAND_TYPE else "unknown_type", "type")
        return model.model_validate(envelope.data)
    except ValidationError as error:
        raise from_validation(error) from None
