"""What a case costs: each kind of command, and a sweep beside ever more open cases.

Everything goes through the real handlers. The open cases that nothing is due of are copies, in the model's table, of heads that a handler
wrote.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from cloud import due
from contract.codes import (
    ActorRole,
    ApplicantType,
    CaseAction,
    HandlingType,
    IdentityMode,
    Level,
    Provenance,
    RatingChannel,
    RatingKind,
    ServiceChannel,
)
from contract.events import BadRatingAccepted, event_id
from contract.ledger import RatingFacts
from contract.zone import SHANGHAI
from haochaping.casework import envelope
from haochaping.measure import ours
from haochaping.measure.model import size_of
from haochaping.measure.modelled import modelled
from haochaping.sending import Letter
from rectify.app import command, deadlines, handle
from rectify.naming import case_id_of, receipt_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from haochaping.measure.model import Model

    Handler = Callable[[dict[str, Any], Any], Any]

CASES, SIZES, DUE = 50, (100, 1_000, 10_000, 100_000), 10
_NOW = datetime(2026, 11, 24, 15, tzinfo=SHANGHAI)
_TABLE, _INBOX = "cases_table", "rectify_inbox_url"
_SAMPLES = 20


class Kind(NamedTuple):
    """A command as it usually is, and who sends it."""

    action: CaseAction
    party: str
    person: str
    role: ActorRole
    said: dict[str, Any]


_BY_UNIT = ("xihu-hall", "p-1", ActorRole.COORDINATOR)
_DONE = {"action_kind": "REDONE", "cause": "OTHER", "text": "已重新办理", "evidence": ["file-1"]}
_CONFIRMED = {"verdict": "CONFIRMED", "text": "满意"}
_BEGUN = (Kind(CaseAction.ASSIGN, *_BY_UNIT, {"person": "p-2"}), Kind(CaseAction.CONTACT, *_BY_UNIT, {}))
PUT_RIGHT = (
    *_BEGUN,
    Kind(CaseAction.VERIFY, *_BY_UNIT, {"finding": "SIMPLE", "text": "经核实属实"}),
    Kind(CaseAction.ACT, *_BY_UNIT, _DONE),
    Kind(CaseAction.REPLY, *_BY_UNIT, {"text": "已为您重新办理"}),
    Kind(CaseAction.CALL_BACK, "hotline-12345", "agent-3", ActorRole.CALLBACK_DESK, _CONFIRMED),
)
APPEALED = (
    *_BEGUN,
    Kind(CaseAction.VERIFY, *_BY_UNIT, {"finding": "SUSPECTED_MISTAKE", "text": "疑为误点"}),
    Kind(CaseAction.FILE_APPEAL, *_BY_UNIT, {"reason": "MISTAKE", "text": "误点", "evidence": ["video-1"]}),
    Kind(CaseAction.DECIDE_APPEAL, "zhejiang-supervision", "reviewer-1", ActorRole.REVIEWER, {"granted": True, "text": "属误评"}),
)


class Spent(NamedTuple):
    """What one kind of message costs, per message; `of_indexes` are those of the write units that the indexes take."""

    name: str
    calls: float
    writes: float
    write_units: float
    of_indexes: float
    read_units: float
    cpu_ms: float


class Swept(NamedTuple):
    """What a sweep costs beside so many open cases; `reading_all` are the read units that it would take to look at each of them."""

    open_cases: int
    messages: int
    calls: int
    read_units: float
    cpu_ms: float
    reading_all: float


# ---------------------------------------------------------------- commands


def commands(number: int = CASES) -> list[Spent]:
    """What each kind of message costs, over so many cases. What Registry says is remembered by then, as in a function that goes on."""
    with modelled() as model, _standing_still():
        list(_played(model, "warm", 1))
        return list(_played(model, "case", number))


def _played(model: Model, name: str, number: int) -> Iterator[Spent]:
    right, contested, late = ([f"r_{name}-{what}-{n}" for n in range(number)] for what in ("right", "contested", "late"))
    yield _opened(model, right, _NOW)
    for kind in PUT_RIGHT:
        yield _carried_out(model, kind, right)
    last = [_letter(PUT_RIGHT[-1], rating_id) for rating_id in right]
    yield _spent("重复 the same once more", model, last, command, outcomes=0)
    yield _carried_out(model, PUT_RIGHT[4], right, "refused", name="被拒 refused")
    _opened(model, contested, _NOW)
    yield from [_carried_out(model, kind, contested) for kind in APPEALED][3:]
    _opened(model, late, _NOW - timedelta(days=4))
    yield from _late(model)


def _opened(model: Model, rating_ids: Sequence[str], received: datetime) -> Spent:
    return _spent("开立 opened", model, [_announced(rating_id, received) for rating_id in rating_ids], handle)


def _carried_out(model: Model, kind: Kind, rating_ids: Iterable[str], again: str = "", name: str = "") -> Spent:
    letters = [_letter(kind, rating_id, again) for rating_id in rating_ids]
    return _spent(name or f"{kind.action.zh} {kind.action.value}", model, letters, command)


def _late(model: Model) -> Iterator[Spent]:
    """The steps of cases whose first deadline has passed, as a sweep finds them."""
    model.queues.clear()
    _sweep()
    steps = [Letter("sweep", f"step-{n}", body) for n, body in enumerate(model.queues[_INBOX])]
    for name, is_rung in (("超期 a clock ran out", False), ("督促 a step of the ladder", True)):
        yield _spent(name, model, [step for step in steps if ("level" in json.loads(step.body)) is is_rung], handle)


def _spent(name: str, model: Model, letters: Sequence[Letter], handler: Handler, outcomes: int | None = None) -> Spent:
    """Hands the messages over. Raises RuntimeError unless each of them (or so many) left its outcome."""
    events, before, seen = ours.batches(letters), model.index_units, len(model.inserted)
    cost = ours.measured(name, model, len(letters), partial(ours.each, events, handler))
    left = sum(item["pk"]["S"].startswith("c_") and item["sk"]["S"].startswith("C#") for _, item in model.inserted[seen:])
    if left != (len(letters) if outcomes is None else outcomes):
        raise RuntimeError(f"{name}: {len(letters)} messages led to {left} outcomes")
    return Spent(name, cost.calls, cost.writes, cost.write_units, (model.index_units - before) / len(letters), cost.read_units, cost.cpu_ms)


def _letter(kind: Kind, rating_id: str, again: str = "") -> Letter:
    name = f"{kind.action}-{rating_id}{again}"
    actor = {"person_ref": kind.person, "role": kind.role}
    data = {"command_id": name, "case_id": case_id_of(rating_id), "command": kind.action, "actor": actor, "at": _NOW.isoformat()}
    return envelope(data | kind.said, kind.party, name)


def _announced(rating_id: str, received: datetime) -> Letter:
    id = event_id("BadRatingAccepted", rating_id)
    rating, receipt = _rating(rating_id, received), receipt_hash(rating_id)
    told = BadRatingAccepted(event_id=id, happened_at=received, rating=rating, receipt_sha256=receipt)
    return Letter("bus", id, json.dumps({"detail": told.plain()}, ensure_ascii=False))


def _rating(rating_id: str, received: datetime) -> RatingFacts:
    return RatingFacts(
        rating_id=rating_id,
        kind=RatingKind.VISIT,
        level=Level.DISSATISFIED,
        tags=("213",),
        dict_version="national-2020-05",
        provenance=Provenance.SELF_DEVICE,
        identity_mode=IdentityMode.REAL_NAME,
        rating_channel=RatingChannel.HALL_TABLET,
        received_hour=received,
        day=received.date(),
        day_of="occurred_at",
        policy_version="330000000000@2020-01-01",
        region_code="330106000000",
        organisation="11330106MB0000004R",
        task_code="11330106MB0000004R4330131001000",
        window="A01",
        staff_ref="v1:staff",
        service_channel=ServiceChannel.OFFLINE,
        handling_type=HandlingType.INSTANT,
        applicant_type=ApplicantType.NATURAL_PERSON,
    )


# ---------------------------------------------------------------- sweeps


def sweep(open_cases: int) -> Swept:
    """A sweep that finds ten cases due, among so many open ones."""
    with modelled() as model, _standing_still():
        _opened(model, [f"r_due-{n}" for n in range(DUE)], _NOW - timedelta(days=4))
        _opened(model, [f"r_open-{n}" for n in range(_SAMPLES)], _NOW)
        _fill(model, open_cases)
        model.queues.clear()
        cost = ours.measured("", model, 1, _sweep)
        heads = model.tables[_TABLE].values()
        reading_all = sum(size_of(item) for item in heads if item["sk"]["S"] == "STATE") / 4096 / 2
        return Swept(open_cases, len(model.queues[_INBOX]), int(cost.calls), cost.read_units, cost.cpu_ms, reading_all)


def _sweep() -> None:
    deadlines({}, ours.CONTEXT)


def _fill(model: Model, open_cases: int) -> None:
    """Copies of the open cases of which nothing is due. Nobody reads more of them than their keys."""
    table = model.tables[_TABLE]
    heads = [table[case_id_of(f"r_open-{n}"), "STATE"] for n in range(_SAMPLES)]
    for number in range(open_cases - DUE - _SAMPLES):
        id = case_id_of(f"r_copy-{number}")
        placed = due.place("due", id, _NOW)["due_shard"]
        table[id, "STATE"] = heads[number % _SAMPLES] | {"pk": {"S": id}, "due_shard": {"S": placed}}


@contextmanager
def _standing_still() -> Iterator[None]:
    with patch("cloud.clock.now", lambda: _NOW):
        yield
