"""The text of a message, whoever sent it: its size, the strict JSON that it must be, and the short hash that tells it from others."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from contract.refusals import refuse

MAX_BYTES = 65_536

_NO_CHARACTER = re.compile("[\ufffe\uffff]")


def check_size(body: str) -> None:
    """Raises Refused (`too_large`)."""
    if len(body.encode()) > MAX_BYTES:
        raise refuse("too_large")


def json_object(text: str) -> dict[str, Any]:
    """The object that the text is. Raises Refused (`not_json`)."""
    value = parsed(text)
    if not isinstance(value, dict):
        raise refuse("not_json")
    return value


def parsed(text: str) -> Any:
    """What the text says, if it says it once and in characters that every queue takes. Raises Refused (`not_json`)."""
    try:
        value = json.loads(text, object_pairs_hook=_each_name_once, parse_constant=_no_number)
        # Half a character (an escaped surrogate that stands alone) is JSON to Python, and no text to anybody else.
        plain = json.dumps(value, ensure_ascii=False)
        plain.encode()
        if _NO_CHARACTER.search(plain):
            raise ValueError("what no queue takes")
    except (ValueError, RecursionError):
        raise refuse("not_json") from None
    return value


def digest(body: str) -> str:
    """A short hash of a message's bytes, which tells apart two messages that a party sent under one id."""
    return hashlib.sha256(body.encode()).hexdigest()[:12]


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise ValueError("a name stands twice, so that it would be guessed which value counts")
    return named


def _no_number(constant: str) -> Any:
    raise ValueError(constant)
