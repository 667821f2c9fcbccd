"""Asks intake what it holds of records, a hundred to a call, by a function that answers nobody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cloud.clients import lambda_
from cloud.settings import settings
from contract.upward import MOST, Answer, Question
from notify.upward.encoding import wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contract.upward import Revealed
    from notify.upward.profile import Section


class NotRevealed(Exception):
    """Intake did not answer: a fault of ours, and nothing moves."""


def reveal(upstream: str, section: Section, refs: Iterable[str]) -> dict[str, Revealed]:
    """What intake holds of these records, as far as this kind of record needs it, by ref. Raises NotRevealed."""
    asked = wanted(section)
    found: dict[str, Revealed] = {}
    for group in _hundreds(dict.fromkeys(refs)):
        question = Question(upstream=upstream, refs=group, fields=asked.fields, parts=asked.parts)
        found |= {record.ref: record for record in _ask(question).records}
    return found


def _hundreds(refs: Iterable[str]) -> Iterator[tuple[str, ...]]:
    listed = tuple(refs)
    for start in range(0, len(listed), MOST):
        yield listed[start : start + MOST]


def _ask(question: Question) -> Answer:
    text = question.model_dump_json().encode()
    answer = lambda_().invoke(FunctionName=settings().reveal_upward_function, Payload=text)
    payload = answer["Payload"].read()
    if answer.get("FunctionError"):
        raise NotRevealed(str(json.loads(payload).get("errorType", "")))
    return Answer.model_validate_json(payload)
