"""The Cases table, which rectify alone writes.

`case_id` / `STATE` is the head, `H#version` the history (insert-only), `C#command_id` what a command led to, refusals too. Beside them:

| key | what |
|---|---|
| `case_id` / `T#nn` | the part of a co-handling unit, on that unit's work list while it is open |
| `case_id` / `P#version` | a report of pressure, on the supervisor's list; it is on no other |
| `RECEIPT#sha256` / `CASE` | the case of a rating, for its rater |
| `PROBLEM#unit#id` / `case_id`, `~case_id#version` | the cases with one cause, and the changes made because of it |
| `LATE#unit` / `month#case_id`, `month=`, `month!` | a unit's late cases of a month, how many, and that its head was called to a talk |
| `REFUSED#day` / `C#message id` | a message that is no command of a case, with what it said |

Three sparse indexes: `due` (`due#shard` / next step), from which the sweep finds what is due without looking at what is open; `unit`
(USCC, or `region#code` while no unit is known / `OPEN#due` or `CLOSED#when`) for work lists; `watch` (`OPEN`, `OVERDUE`, `PRESSURE` /
`region#when`, and `REFUSED` / when), in which a region is a prefix of everything in it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter

from cloud import due as due_index
from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import NEW, get, get_many, put, put_new, put_of, query, search
from contract.codes import CaseAction, CaseState, Clock
from contract.ledger import RatingFacts
from contract.refusals import Refusal
from contract.zone import day_of
from rectify.case import Case
from rectify.clocks import OF_THE_UNIT
from rectify.facts import AnyFact, BecameOverdue, ChangeRecorded, Fact, InterviewCalled, Opened, PressureReported, ProblemLinked
from rectify.measures import step_of
from rectify.orders import LateMonth, Ordered, PassStep, Recount
from rectify.summaries import summary
from rectify.telling import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cloud.table import Item
    from contract.commands import AnyCommand
    from rectify.orders import Order

_FACT: TypeAdapter[Fact] = TypeAdapter(AnyFact)
_NEVER = "9999"
_UNIT: dict[str, Any] = {"IndexName": "unit", "ExpressionAttributeNames": {"#unit": "unit"}}
# Of what goes past the unit, not even that it was done is told.
UNTOLD = frozenset({CaseAction.REPORT_PRESSURE, CaseAction.REFER_VIOLATION})


class Clash(Exception):
    """Somebody else saved the case in between; the order is decided anew."""


class Outcome(NamedTuple):
    """What an order led to: the facts by name and the state after them, or the refusals. `fingerprint` is of the order's content."""

    facts: tuple[str, ...]
    state: CaseState | None
    refusals: tuple[Refusal, ...]
    fingerprint: str


class Loaded(NamedTuple):
    """What is needed to decide an order: the case, and what the order led to if it was decided before."""

    case: Case | None
    outcome: Outcome | None


class Change(NamedTuple):
    """One fact, with the case before and after it."""

    before: Case | None
    fact: Fact
    after: Case


def load(case_id: str, command_id: str) -> Loaded:
    """Head and outcome in one consistent read."""
    wanted = [{"pk": case_id, "sk": "STATE"}, {"pk": case_id, "sk": f"C#{command_id}"}]
    found = {item["sk"]: item for item in get_many(settings().cases_table, wanted)}
    head, decided = found.get("STATE"), found.get(f"C#{command_id}")
    return Loaded(_case(head) if head else None, _outcome(decided) if decided else None)


def save(changes: Sequence[Change], order: Order, now: datetime, *, announce: bool = False) -> Outcome:
    """Head, history, what stands beside, and the order's outcome in one transaction.

    `announce`: what became of it is told on the bus, since nobody waits for an answer. Raises Clash if the case is no longer as it was
    loaded, or if the head of the unit was called to a talk in between.
    """
    table, before, after = settings().cases_table, changes[0].before, changes[-1].after
    outcome = Outcome(tuple(change.fact.fact for change in changes), after.state, (), fingerprint(order))
    was = {":before": before.version} if before else None
    head = put_of(table, _head(after), "version = :before" if before else NEW, was)
    told = put_of(table, _told(after.case_id, order, outcome, now, announce), "" if isinstance(order, (PassStep, Recount)) else NEW)
    new = [put_of(table, item) for item in (*map(_history, changes), *_once(changes))] + [told]
    again = [put_of(table, item, condition="") for item in _beside(changes)]
    month = list(_month(table, changes, order))
    try:
        dynamodb().transact_write_items(TransactItems=[head, *new, *again, *month])
    except dynamodb().exceptions.TransactionCanceledException as cancelled:
        codes = {reason.get("Code") for reason in cancelled.response.get("CancellationReasons", [])}
        if codes & {"ConditionalCheckFailed", "TransactionConflict"}:
            raise Clash(after.case_id) from cancelled
        raise
    return outcome


def refuse(order: Ordered, refusals: Sequence[Refusal], now: datetime, *, announce: bool = False) -> Outcome:
    """Keeps a refused command of a case with the rule that refused it; the first outcome of a command stays."""
    outcome = Outcome((), None, tuple(refusals), fingerprint(order))
    item = _told(order.case_id, order, outcome, now, announce)
    listed = {
        "watch": "REFUSED",
        "watch_at": due_index.stamp(now),
        "command": order.command.model_dump_json(exclude_none=True, exclude={"receipt"}),
    }
    taken = put_new(settings().cases_table, item | listed)
    return _outcome(taken) if taken else outcome


def keep_refused(said: Mapping[str, str], refusals: Sequence[Refusal], now: datetime, *, proven: bool) -> None:
    """Keeps a message that is no command of a case, with what it said. A redelivery finds itself there."""
    item = {
        "pk": _refused_on(now),
        "sk": f"C#{said['message_id']}",
        "at": now.isoformat(),
        "party": said["party"],
        "refusals": [refusal.plain() for refusal in refusals],
        "proven": proven,
        "announce": True,
        "watch": "REFUSED",
        "watch_at": due_index.stamp(now),
        "command": said["body"],
    }
    put_new(settings().cases_table, item)


def fingerprint(order: Order) -> str:
    """Equal for equal orders, whoever decides them when."""
    return fingerprint_of(order.command if isinstance(order, Ordered) else order)


def fingerprint_of(said: Order | AnyCommand) -> str:
    """The same of a command as a party sends it."""
    return hashlib.sha256(said.model_dump_json(exclude={"late", "routing"}).encode()).hexdigest()[:32]


# ---------------------------------------------------------------- what is written


def _history(change: Change) -> dict[str, Any]:
    after = change.after
    told = {
        "state": after.state,
        "unit": after.unit,
        "due": {clock: deadline.due_at.isoformat() for clock, deadline in after.running.items()},
        "provisional": [clock for clock, deadline in after.running.items() if deadline.provisional],
        "told": after.told,
    }
    return {
        "pk": after.case_id,
        "sk": f"H#{after.version:06}",
        "fact": change.fact.model_dump_json(exclude_none=True, exclude_defaults=False),
        "after": json.dumps(told, ensure_ascii=False),
        **step_of(change.before, change.fact).plain(),
    }


def _head(case: Case) -> dict[str, Any]:
    item: dict[str, Any] = {
        "pk": case.case_id,
        "sk": "STATE",
        "version": case.version,
        "case": case.model_dump_json(exclude_none=True, exclude_defaults=True),
        "summary": _summary(case),
        **_on_list(unit_key(case.unit, case.region), case),
    }
    if not case.is_final:
        watch = "OVERDUE" if case.is_overdue else "OPEN"
        item |= {"watch": watch, "watch_at": f"{case.region}#{_by_due(case)}"}
    if case.next_at:
        item |= due_index.place("due", case.case_id, case.next_at) | {"steps": _steps(case)}
    return item


def _summary(case: Case) -> str:
    return summary(case).model_dump_json(exclude_none=True, exclude_defaults=True)


def _steps(case: Case) -> str:
    """What of the clocks is to come, for the sweep: when, which clock, whom it addresses (none: it runs out), by which deadline."""
    coming = [
        (due_index.stamp(one.at), clock, one.level, deadline.due_at.isoformat())
        for clock, deadline in case.clocks.items()
        for one in deadline.coming
    ]
    return json.dumps(sorted(coming, key=lambda step: step[0]))


def unit_key(unit: str | None, region: str) -> str:
    """Under what the work list of a unit stands; while none is known, under the region, whose managing body has it."""
    return unit or f"region#{region}"


def _on_list(unit: str, case: Case) -> dict[str, str]:
    at = f"CLOSED#{due_index.stamp(case.closed_at)}" if case.is_final and case.closed_at else f"OPEN#{_by_due(case)}"
    return {"unit": unit, "unit_at": at}


def _by_due(case: Case) -> str:
    return due_index.stamp(case.next_due) if case.next_due else _NEVER


def _told(case_id: str, order: Order, outcome: Outcome, now: datetime, announce: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "pk": case_id,
        "sk": f"C#{order.command_id}",
        "at": now.isoformat(),
        "facts": list(outcome.facts),
        "state": outcome.state,
        "refusals": [refusal.plain() for refusal in outcome.refusals],
        "fingerprint": outcome.fingerprint,
    }
    if isinstance(order, Ordered):
        item |= {"party": order.acting.party, "command_id": order.command.command_id, "action": order.command.action, "announce": announce}
    return item


def _once(changes: Sequence[Change]) -> Iterator[dict[str, Any]]:
    """What stands beside the case and may be there once only."""
    for change in changes:
        fact, case = change.fact, change.after
        if isinstance(fact, Opened) and fact.receipt_sha256:
            yield {"pk": f"RECEIPT#{fact.receipt_sha256}", "sk": "CASE", "case_id": case.case_id}
        elif isinstance(fact, InterviewCalled):
            yield {"pk": f"LATE#{unit_key(case.unit, case.region)}", "sk": f"{fact.month}!", "case_id": case.case_id}


def _beside(changes: Sequence[Change]) -> Iterator[dict[str, Any]]:
    """What stands beside the case and is written as often as it happens, by the same key."""
    after = changes[-1].after
    for change in changes:
        yield from _of_fact(change.fact, change.after)
    listed = _summary(after) if after.subtasks else ""
    for part in after.subtasks:
        place = _on_list(part.organisation, after) if part.is_open and not after.is_final else {}
        yield {"pk": after.case_id, "sk": f"T#{part.subtask:02}", **place, "summary": listed}


def _of_fact(fact: Fact, case: Case) -> Iterator[dict[str, Any]]:
    unit, at = unit_key(case.unit, case.region), fact.at.isoformat()
    match fact:
        case ProblemLinked():
            yield {"pk": f"PROBLEM#{unit}#{fact.problem}", "sk": case.case_id, "at": at, "text": fact.text or ""}
        case ChangeRecorded():
            change = {"at": at, "text": fact.text or "", "evidence": list(fact.evidence), "case_id": case.case_id}
            yield {"pk": f"PROBLEM#{unit}#{fact.problem}", "sk": f"~{case.case_id}#{case.version:06}", **change}
        case PressureReported():
            told = {"case_id": case.case_id, "unit": case.unit or "", "at": at}
            listed = {"watch": "PRESSURE", "watch_at": f"{case.region}#{due_index.stamp(fact.at)}", "summary": json.dumps(told)}
            yield {"pk": case.case_id, "sk": f"P#{case.version:06}", **listed}
        case BecameOverdue() if fact.clock in OF_THE_UNIT:
            yield {"pk": f"LATE#{unit}", "sk": f"{month_of(fact.at)}#{case.case_id}"}


def _month(table: str, changes: Sequence[Change], order: Order) -> Iterator[Any]:
    """That the month is as it was read: of two cases that are late at the same moment one must have seen the other, or nobody is called."""
    late, case = order.late if isinstance(order, PassStep) else None, changes[-1].after
    ran_out = {change.fact.clock for change in changes if isinstance(change.fact, BecameOverdue)}
    if late is None or case.case_id in late.cases or not ran_out & OF_THE_UNIT:
        return
    seen = len(late.cases)
    item = {"pk": f"LATE#{unit_key(case.unit, case.region)}", "sk": f"{late.month}=", "cases": seen + 1}
    yield put_of(table, item, "cases = :seen" if seen else NEW, {":seen": seen} if seen else None)


def month_of(moment: datetime) -> str:
    """The month (`2026-11`, Asia/Shanghai) that an instant lies in."""
    return day_of(moment).isoformat()[:7]


# ---------------------------------------------------------------- what is read


def find(case_id: str) -> Case | None:
    """The case as it stands, read consistently; None if there is none."""
    item = get(settings().cases_table, {"pk": case_id, "sk": "STATE"})
    return _case(item) if item else None


def of_receipt(receipt_sha256: str) -> str | None:
    """The case of the rating with this receipt."""
    item = get(settings().cases_table, {"pk": f"RECEIPT#{receipt_sha256}", "sk": "CASE"})
    return str(item["case_id"]) if item else None


def history(case_id: str) -> list[Fact]:
    """Every fact of a case, the first one first, read consistently."""
    return [fact_of(item) for item in query(settings().cases_table, case_id, sk_prefix="H#", consistent=True)]


def outcomes(case_id: str) -> Iterator[Item]:
    """What every command of a case led to, as stored, by party and id."""
    return (item for item in query(settings().cases_table, case_id, sk_prefix="C#", consistent=True) if "party" in item)


def late_month(unit: str | None, region: str, now: datetime) -> LateMonth:
    """The late cases of a unit in the month (Asia/Shanghai) of an instant."""
    month = month_of(now)
    rows = [item["sk"] for item in query(settings().cases_table, f"LATE#{unit_key(unit, region)}", sk_prefix=month, consistent=True)]
    cases = frozenset(row.partition("#")[2] for row in rows if "#" in row)
    return LateMonth(month=month, cases=cases, called=f"{month}!" in rows)


def problem(unit: str, problem: str) -> list[Item]:
    """The cases and changes of a problem record of a unit."""
    return list(query(settings().cases_table, f"PROBLEM#{unit}#{problem}", consistent=True))


def known(keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these items are there."""
    wanted = [{"pk": pk, "sk": sk} for pk, sk in sorted(set(keys))]
    return {(item["pk"], item["sk"]) for item in get_many(settings().cases_table, wanted)}


def kept(pk: str, sk: str) -> Item | None:
    """A refused command as stored, None if there is none."""
    item = get(settings().cases_table, {"pk": pk, "sk": sk})
    return item if item and "command" in item else None


def note_resubmission(kept: Mapping[str, Any], version: str, note: Mapping[str, Any]) -> None:
    """That a refused command was sent again in this version, and what came of it."""
    put_new(settings().cases_table, {"pk": kept["pk"], "sk": f"N#{kept['sk']}#{version}", **note})


def notes(kept: Mapping[str, Any]) -> list[Item]:
    """What was noted about a refused command."""
    return list(query(settings().cases_table, kept["pk"], sk_prefix=f"N#{kept['sk']}#"))


def calendar() -> str | None:
    """Of which calendar the open deadlines are."""
    item = get(settings().cases_table, {"pk": "CALENDAR", "sk": "VERSION"})
    return str(item["version"]) if item else None


def set_calendar(version: str) -> None:
    """Notes that they are of this one now."""
    put(settings().cases_table, {"pk": "CALENDAR", "sk": "VERSION", "version": version})


class Page(NamedTuple):
    """A page of a list: what it shows of each, and from where the next one goes on (None: there is none)."""

    items: list[Item]
    cursor: list[str] | None


def of_unit(unit: str, prefix: str, limit: int, after: list[str] | None = None) -> Page:
    """A page of the work list of a unit (USCC or `region#code`): `OPEN#` by due date, `CLOSED#` by time of closing."""
    return _page("unit", unit, "unit_at", prefix, limit, after)


def watched(watch: str, prefix: str, limit: int, after: list[str] | None = None) -> Page:
    """A page of what a supervisor watches (`OPEN`, `OVERDUE`, `PRESSURE`) in a region, named by the digits that all in it share."""
    return _page("watch", watch, "watch_at", prefix, limit, after)


def refused(day: str) -> list[Item]:
    """The commands that were refused on a day of UTC, as stored, the oldest first."""
    values = {":pk": "REFUSED", ":at": day}
    found = search(settings().cases_table, "watch = :pk AND begins_with(watch_at, :at)", values, IndexName="watch")
    keys = [{"pk": item["pk"], "sk": item["sk"]} for item in found]
    return sorted(get_many(settings().cases_table, keys), key=lambda item: str(item["at"]))


def find_refused(at: datetime, message_id: str) -> Item | None:
    """The message with this id that was no command of a case and came on the day of an instant (Asia/Shanghai); None if there is none."""
    return kept(_refused_on(at), f"C#{message_id}")


def _refused_on(at: datetime) -> str:
    return f"REFUSED#{day_of(at).isoformat()}"


def _page(index: str, of: str, by: str, prefix: str, limit: int, after: list[str] | None) -> Page:
    request: dict[str, Any] = {
        "TableName": settings().cases_table,
        "IndexName": index,
        "KeyConditionExpression": "#of = :of AND begins_with(#by, :prefix)",
        "ExpressionAttributeNames": {"#of": index, "#by": by},
        "ExpressionAttributeValues": {":of": {"S": of}, ":prefix": {"S": prefix}},
        "Limit": limit,
    }
    if after:
        place = dict(zip((by, "pk", "sk"), after, strict=True))
        request["ExclusiveStartKey"] = {name: {"S": value} for name, value in (place | {index: of}).items()}
    page = dynamodb().query(**request)
    last = page.get("LastEvaluatedKey")
    items = [{name: value["S"] for name, value in item.items() if "S" in value} for item in page["Items"]]
    return Page(items, [last[name]["S"] for name in (by, "pk", "sk")] if last else None)


def due(now: datetime) -> Iterator[tuple[str, list[list[Any]]]]:
    """Every case of which something is due, with what is: the oldest first within each shard; all pages, from the index alone."""
    stamp = due_index.stamp(now)
    for item in due_index.passed(settings().cases_table, "due", now):
        yield item["pk"], [step for step in json.loads(item["steps"]) if step[0] <= stamp]


def open_ids() -> Iterator[str]:
    """The id of every open case, the overdue ones first."""
    for watch in ("OVERDUE", "OPEN"):
        for item in search(settings().cases_table, "watch = :pk", {":pk": watch}, IndexName="watch"):
            yield str(item["pk"])


def open_of(unit: str) -> Iterator[Case]:
    """The open cases of a unit (USCC), in no order."""
    listed = search(settings().cases_table, "#unit = :pk AND begins_with(unit_at, :open)", {":pk": unit, ":open": "OPEN#"}, **_UNIT)
    heads = [{"pk": item["pk"], "sk": "STATE"} for item in listed if item["sk"] == "STATE"]
    return map(_case, get_many(settings().cases_table, heads))


def all_open() -> Iterator[Case]:
    """Every open case, in no order."""
    heads = [{"pk": case_id, "sk": "STATE"} for case_id in open_ids()]
    return map(_case, get_many(settings().cases_table, heads))


def fact_of(history_item: Mapping[str, Any]) -> Fact:
    """The fact of a history item."""
    return _FACT.validate_json(history_item["fact"])


def entry_of(pk: str, item: Mapping[str, Any]) -> Entry:
    """An entry of the history as the stream holds it."""
    after = json.loads(item["after"])
    return Entry(
        case_id=pk,
        written=item["fact"],
        fact=fact_of(item),
        rating=RatingFacts.model_validate(item["rating"]),
        state=CaseState(after["state"]),
        unit=after["unit"],
        due={Clock(name): datetime.fromisoformat(at) for name, at in after["due"].items()},
        provisional=tuple(Clock(name) for name in after["provisional"]),
        order=after.get("told"),
    )


def _case(head: Mapping[str, Any]) -> Case:
    return Case.model_validate_json(head["case"])


def _outcome(item: Mapping[str, Any]) -> Outcome:
    state = item.get("state")
    return Outcome(
        tuple(item["facts"]),
        CaseState(state) if state else None,
        tuple(Refusal.model_validate(refusal) for refusal in item["refusals"]),
        item["fingerprint"],
    )
