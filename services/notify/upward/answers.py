"""What the level above said, as outcomes: accepted, there already, no such service event, refused; or that nothing can be said yet. Pure.

Of what it wrote nothing is kept but the name that the profile gives to a text: it may quote a person.
"""

from __future__ import annotations

import html
import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from notify.upward.profile import Answers

ERROR = "error"
"""The name of the reason, or its beginning, where something failed there."""

_LEAST_ERROR = 500
_IN_XML = re.compile(r">\s*(\{.*\})\s*<", re.S)
_NOT_NOW = {401, 403, 404, 405, 407, 408, 421, 425, 426, 429}


class Verdict(StrEnum):
    """What one answer means for a record, or for all records of its call."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    NO_EVENT = "NO_EVENT"
    REFUSED = "REFUSED"
    FAILED = "FAILED"
    FAULT = "FAULT"


class Said(NamedTuple):
    """A verdict, and the name of its reason."""

    verdict: Verdict
    code: str = ""


class Down(Exception):
    """The level above takes nothing now, from us at least; the text says why, in a word."""


class Fault(Down):
    """It found fault with us: or with a record, if it takes others."""


def read(answers: Answers, status: int, body: bytes, count: int) -> list[Said] | Said:
    """One answer for each of so many records, or one for all of them. FAILED is an error there that may be of one record; FAULT is said
    of a part of the records only.

    Raises Down for what is no answer, and Fault for what is wrong with us and not with a record: nothing is lost by it.
    """
    if status >= _LEAST_ERROR:
        return Said(Verdict.FAILED, f"{ERROR}:http_{status}")
    if status in _NOT_NOW or 300 <= status < 400:
        raise Down(f"http_{status}")
    answer = _parsed(body)
    if answer is None:
        raise Down("no_answer")
    each = _at(answer, answers.records_at) if answers.records_at else None
    if isinstance(each, list) and len(each) == count:
        return _checked([_said(answers, one, str(answers.record_success_at), str(answers.record_text_at)) for one in each])
    return _checked([_said(answers, answer, answers.success_at, answers.text_at)])[0]


def token_in(status: int, body: bytes) -> tuple[str, int]:
    """The token that was given, and for how many seconds. Raises Down."""
    answer = _parsed(body) or {}
    token, seconds = str(answer.get("access_token") or ""), str(answer.get("expires_in") or "")
    if status != 200 or not token or not seconds.isdigit():
        raise Down("no_token")
    return token, int(seconds)


def _checked(said: list[Said]) -> list[Said]:
    if all(one.verdict is Verdict.FAULT for one in said):
        raise Fault(said[0].code)
    return said


def _said(answers: Answers, answer: Any, success_at: str, text_at: str) -> Said:
    if str(_at(answer, success_at)).lower() in answers.success:
        return Said(Verdict.ACCEPTED)
    text = str(_at(answer, text_at) or "")
    if _is_one_of(answers.duplicates, text):
        return Said(Verdict.DUPLICATE, "duplicate")
    if _is_one_of(answers.no_event, text):
        return Said(Verdict.NO_EVENT, "no_event")
    if not text or _is_one_of(answers.faults, text):
        return Said(Verdict.FAULT, "fault" if text else "no_answer")
    if _is_one_of(answers.errors, text):
        return Said(Verdict.FAILED, ERROR)
    return Said(Verdict.REFUSED, next((name for name, texts in answers.refusals.items() if _is_one_of(texts, text)), "other"))


def _is_one_of(texts: Sequence[str], text: str) -> bool:
    return any(part in text for part in texts)


def _parsed(body: bytes) -> dict[str, Any] | None:
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("<"):
        inner = _IN_XML.search(text)
        text = html.unescape(inner[1]) if inner else ""
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _at(held: Any, path: str) -> Any:
    for step in path.split("."):
        held = held.get(step) if isinstance(held, dict) else None
    return held
