"""A case as a unit and as a supervisor see it, and the lists and records about cases. Pure.

What a unit sees of a case (domain handbook, section 18):

- What goes past it (`rectify.facts.CONFIDENTIAL`) is not there, nor anything that would tell: no numbers of facts, no time of the last
  change, nothing that is counted.
- What the rater says, and what the call-back desk notes, reaches it as the fact that it happened. A report of pressure takes the words of
  a call-back with it, so that words which were there otherwise would tell by their absence.
- Persons are named only of its own party, of others the role and the organisation.
- What no official did is told by its day: a second, a window and an item lead back to a rater. Of an anonymous rating nothing is said but
  `OF_AN_ANONYMOUS_RATING`.

Nobody is told who rated: the case does not know.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from contract import tags
from contract.codes import ActorRole, CaseAction, CaseFact, Code, IdentityMode, Level, Role
from contract.zone import day_of
from rectify.api.models import (
    AskedSeen,
    Attempt,
    CaseSeen,
    Changed,
    Coded,
    Doer,
    Due,
    FactSeen,
    Linked,
    PartSeen,
    ProblemSeen,
    RatingSeen,
    Row,
    Tagged,
)
from rectify.facts import CONFIDENTIAL, Assigned, Contested, FollowUpReceived, Happened, Opened
from rectify.orders import Routing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contract.codes import Clock
    from contract.ledger import RatingFacts
    from rectify.api.access import Reader
    from rectify.case import Case
    from rectify.clocks import Deadline
    from rectify.facts import By, Fact
    from rectify.summaries import Summary

# Item, window and day, with what was rated and said by a click.
OF_AN_ANONYMOUS_RATING = frozenset(
    {
        *("kind", "round", "level", "tags", "identity_mode", "day"),
        *("task_code", "handle_item_code", "guide_version", "organisation", "region_code", "window", "platform"),
    }
)
# Whose words come from the rater, or from a talk with the rater.
_SPEAK_WITH_THE_RATER = frozenset({ActorRole.RATER, ActorRole.CALLBACK_DESK})
_AGAINST: dict[str, Code] = {"UNIT": Role.UNIT, "STAFF": ActorRole.STAFF}


# ---------------------------------------------------------------- lists


def row(held: Summary, reader: Reader, **further: Any) -> Row:
    """A case on a list. A unit is told the person in charge of its own cases only."""
    said = {name: _shown(value) for name, value in held if name not in {"due", "provisional", "overdue"}}
    if reader.role is Role.UNIT and held.unit not in reader.organisations:
        del said["person"]
    due = {
        clock: Due(zh=clock.zh, en=clock.en, due_at=at, provisional=clock in held.provisional, overdue=clock in held.overdue)
        for clock, at in held.due.items()
    }
    return Row(**said, due=due, **further)


# ---------------------------------------------------------------- a case with its history


def case_for_unit(case: Case, history: Sequence[Fact], reader: Reader) -> CaseSeen:
    """The case as a unit that has a part in it sees it."""
    assigned = [fact for fact in history if isinstance(fact, Assigned)]
    is_own = bool(assigned) and _is_own(assigned[-1].by, reader)
    return CaseSeen(
        **_common(case),
        rating=_rating_for_unit(case.rating, reader),
        person=case.person if is_own else None,
        due={clock: _due(clock, held) for clock, held in case.clocks.items()},
        history=tuple(_fact_for_unit(fact, reader) for fact in history if not isinstance(fact, CONFIDENTIAL)),
    )


def case_for_supervisor(case: Case, history: Iterable[Fact], outcomes: Iterable[Mapping[str, Any]]) -> CaseSeen:
    """Everything that is stored, with what went past the unit, and the commands that were refused (`rectify.cases.outcomes`)."""
    times = {clock: {"started_at": held.started_at, "stopped_at": held.stopped_at} for clock, held in case.clocks.items()}
    return CaseSeen(
        **_common(case),
        rating=_rating(case.rating),
        person=case.person,
        due={clock: _due(clock, held, **times[clock]) for clock, held in case.clocks.items()},
        history=tuple(_fact_for_supervisor(fact) for fact in history),
        above=case.routing.above,
        pressured=case.pressured,
        policy_version=case.policy_version,
        calendar=case.calendar,
        refused=tuple(sorted(_attempts(outcomes), key=lambda attempt: attempt.at)),
    )


_COMMON = (
    *("case_id", "unit", "state", "contact", "finding", "track", "planned_day", "verdict", "closure", "confirmed", "reopened"),
    *("extensions", "transfers", "problems", "appeals", "appeal_reason", "excluded", "contested"),
)


def _common(case: Case) -> dict[str, Any]:
    return {name: _shown(getattr(case, name)) for name in _COMMON} | {
        "asked": AskedSeen(clock=Coded.of(case.asked.clock), value=case.asked.value) if case.asked else None,
        "transfer_to": case.transfer.unit if case.transfer else None,
        "subtasks": tuple(PartSeen(**part.model_dump()) for part in case.subtasks),
    }


def _due(clock: Clock, held: Deadline, **times: Any) -> Due:
    is_paused = held.stopped_at is None and held.paused_at is not None
    said = {name: getattr(held, name) for name in ("due_at", "first_due_at", "provisional", "overdue")}
    return Due(zh=clock.zh, en=clock.en, **said, running=held.is_running, paused=is_paused, **times)


# ---------------------------------------------------------------- the rating


def _rating(rating: RatingFacts) -> RatingSeen:
    said = {name: _shown(value) for name, value in rating if name in RatingSeen.model_fields and name != "tags"}
    return RatingSeen(**said, tags=tuple(_tagged(tag, rating) for tag in rating.tags))


def _rating_for_unit(rating: RatingFacts, reader: Reader) -> RatingSeen:
    seen = _rating(rating)
    if rating.identity_mode is IdentityMode.ANONYMOUS:
        clicked = tuple(tag.model_copy(update={"checked": None}) for tag in seen.tags)
        return RatingSeen(**{name: value for name, value in seen if name in OF_AN_ANONYMOUS_RATING} | {"tags": clicked})
    # Staff are known to their own organisation, and to nobody else's.
    is_own = rating.organisation in (*reader.organisations, reader.belongs_to)
    return seen if is_own else seen.model_copy(update={"staff_ref": None})


def _tagged(tag: str, rating: RatingFacts) -> Tagged:
    known, checked = tags.dictionary().get(tag), (rating.checked or {}).get(tag)
    level = next((level for level in Level if tag.startswith(str(level.rank))), rating.level)
    # The dictionary has no English: the level that the reason belongs to, and its code.
    english = f"{level.en}, reason {tag}"
    return Tagged(code=tag, zh=known.zh if known else tag, en=english, checked=Coded.of(checked) if checked else None)


# ---------------------------------------------------------------- the history


def _fact_for_supervisor(fact: Fact) -> FactSeen:
    follow_up = {"rating": _rating(fact.rating)} if isinstance(fact, FollowUpReceived) else {}
    return _fact(fact, _doer(fact.by) if fact.by else None, follow_up)


def _fact_for_unit(fact: Fact, reader: Reader) -> FactSeen:
    by = fact.by
    doer = (_doer(by) if _is_own(by, reader) else _stranger(by)) if by else None
    follow_up = {"rating": _rating_for_unit(fact.rating, reader)} if isinstance(fact, FollowUpReceived) else {}
    return _fact(fact, doer, follow_up).model_copy(update=dict.fromkeys(_hidden(fact, reader)))


def _hidden(fact: Fact, reader: Reader) -> Iterator[str]:
    """What of a fact a unit is not told, whether it was said or not."""
    if fact.by is None or fact.by.role is ActorRole.RATER:
        yield "at"
    if fact.by and fact.by.role in _SPEAK_WITH_THE_RATER:
        yield from ("said_at", "text", "evidence")
    if isinstance(fact, Contested):
        yield "reason"  # it may be pressure
    if isinstance(fact, Assigned) and not _is_own(fact.by, reader):
        yield "person"


def _fact(fact: Fact, doer: Doer | None, follow_up: dict[str, Any]) -> FactSeen:
    return FactSeen(
        **_own(fact) | follow_up,
        fact=Coded.of(CaseFact(fact.fact)),
        day=day_of(fact.at),
        at=fact.at,
        by=doer,
        said_at=fact.said_at,
        text=fact.text,
        evidence=fact.evidence or None,
        starts={clock: _due(clock, held) for clock, held in fact.starts.items()} or None,
        stops=tuple(map(Coded.of, fact.stops)) or None,
    )


def _own(fact: Fact) -> dict[str, Any]:
    """What only facts of this kind say. What the first one says stands in the case."""
    names = type(fact).model_fields.keys() - Happened.model_fields.keys() - {"fact", "rating"}
    said = {} if isinstance(fact, Opened) else {name: _shown(getattr(fact, name)) for name in names}
    return said | ({"against": Coded.of(_AGAINST[said["against"]])} if "against" in said else {})


def _doer(by: By) -> Doer:
    if by.role is ActorRole.RATER:
        return Doer(role=Coded.of(by.role))
    return Doer(role=Coded.of(by.role), organisation=by.organisation, party=by.party, person=by.person)


def _stranger(by: By) -> Doer:
    return _doer(by).model_copy(update={"party": None, "person": None})


def _is_own(by: By | None, reader: Reader) -> bool:
    return by is not None and by.party == reader.party


def _shown(value: Any) -> Any:
    if isinstance(value, Code):
        return Coded.of(value)
    if isinstance(value, Routing):
        return value.unit
    return tuple(map(_shown, value)) if isinstance(value, tuple) else value


def _attempts(outcomes: Iterable[Mapping[str, Any]]) -> Iterator[Attempt]:
    for held in outcomes:
        if held["refusals"]:
            # Of the command only who acted: the rater's receipt stands in it, too.
            actor = json.loads(held["command"])["actor"]
            role = ActorRole(actor["role"])
            yield Attempt(
                at=held["at"],
                party=held["party"],
                command_id=held["command_id"],
                action=Coded.of(CaseAction(held["action"])),
                role=Coded.of(role),
                person=None if role is ActorRole.RATER else actor["person_ref"],
                refusals=held["refusals"],
            )


# ---------------------------------------------------------------- problems


def problem_of(unit: str, problem: str, rows: Iterable[Mapping[str, Any]]) -> ProblemSeen:
    """The record from its rows (`rectify.cases.problem`), the changes in the order in which they were made."""
    linked, changed = [], []
    for held in rows:
        if held["sk"].startswith("~"):
            changed.append(Changed(**{name: held[name] for name in Changed.model_fields}))
        else:
            linked.append(Linked(case_id=held["sk"], at=held["at"], text=held["text"]))
    return ProblemSeen(unit=unit, problem=problem, cases=tuple(linked), changes=tuple(sorted(changed, key=lambda change: change.at)))
