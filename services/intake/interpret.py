"""From the bytes of a message to the canonical message, by the profile of the party that sent it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from contract.messages import MESSAGES, CaseCommand, Envelope, Said
from contract.refusals import from_validation, refuse
from intake.profile import CANONICAL, load, translate

MAX_BYTES = 65_536


def check_size(body: str) -> None:
    """Raises Refused (`too_large`)."""
    if len(body.encode()) > MAX_BYTES:
        raise refuse("too_large")


def interpret(body: str, profile_id: str, province_code: str) -> Said:
    """The canonical message. Raises Refused with every reason found."""
    wire = _json_object(body)
    return _canonical(wire) if profile_id == CANONICAL else translate(load(profile_id), wire, province_code)


def _json_object(body: str) -> dict[str, Any]:
    try:
        parsed = json.loads(body, object_pairs_hook=_each_name_once, parse_constant=_no_number)
        # Half a character (an escaped surrogate that stands alone) is JSON to Python, and no text to anybody else.
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise refuse("not_json") from None
    if not isinstance(parsed, dict):
        raise refuse("not_json")
    return parsed


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise ValueError("a name stands twice, so that it would be guessed which value counts")
    return named


def _no_number(constant: str) -> Any:
    raise ValueError(constant)


def _canonical(wire: dict[str, Any]) -> Said:
    try:
        envelope = Envelope.model_validate(wire)
        model = MESSAGES.get(envelope.type)
        if model is None:
            raise refuse("unknown_type", "type")
        if model is CaseCommand:
            raise refuse("not_accepted_here", "type")
        message = model.model_validate(envelope.data)
    except ValidationError as error:
        raise from_validation(error) from None
    assert not isinstance(message, CaseCommand)  # noqa: S101 - refused above; this tells the type checker
    return message
