"""A bad rating with its case, and the parties of the province that deal with it."""

from __future__ import annotations

from typing import Any

from rectify import cases
from said import bad_rating, event, letter

UNIT = {"role": "COORDINATOR", "party": "xihu-hall"}
RECTIFIER = {"role": "RECTIFIER", "party": "xihu-hall", "who": "p-2"}
DESK = {"role": "CALLBACK_DESK", "party": "hotline-12345", "who": "agent-3"}
SUPERVISOR = {"role": "SUPERVISOR", "party": "zhejiang-supervision", "who": "s-1"}
REVIEWER = {"role": "REVIEWER", "party": "zhejiang-supervision", "who": "reviewer-1"}
RATER = {"role": "RATER", "party": "hall-devices", "who": "rater"}

DONE = {"action_kind": "REDONE", "cause": "OTHER", "text": "已重新办理", "evidence": ["file-1"]}

# What the province of the tests asks for, beyond the deadlines of its file.
RULES: dict[str, Any] = {
    "rectify_complex": {"value": 15, "unit": "WORKDAY"},
    "post_rectify_callback": {"value": 5, "unit": "WORKDAY"},
    "extension": {"max_count": 1, "value": 5, "unit": "WORKDAY"},
}


def rated(bed: Any, **changes: Any) -> str:
    """The case of a bad rating, real-name unless `rater` is None."""
    bed.accept(letter(event()), letter(bad_rating(**changes)))
    bed.flow()
    (case,) = cases.all_open()
    return case.case_id


def facts(answer: Any) -> tuple[str, ...]:
    """What a command led to; it must have been carried out."""
    assert not answer.codes, answer.codes
    return tuple(answer.facts)


def up_to_verified(bed: Any, case_id: str, finding: str = "SIMPLE", **said: Any) -> None:
    """Assigned, contacted, verified."""
    facts(bed.order("ASSIGN", case_id, **UNIT, person="p-2"))
    facts(bed.order("CONTACT", case_id, **UNIT))
    facts(bed.order("VERIFY", case_id, **UNIT, finding=finding, text="经核实属实", **said))


def up_to_replied(bed: Any, case_id: str) -> None:
    """Put right and replied."""
    up_to_verified(bed, case_id)
    facts(bed.order("ACT", case_id, **RECTIFIER, **DONE))
    facts(bed.order("REPLY", case_id, **UNIT, text="已为您重新办理"))
