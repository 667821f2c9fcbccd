"""The Cases table: `case_id` / `STATE` (head), `H#version` (history), `C#command_id` (a command's outcome).

The head carries two indexes: `due`, by `due#shard` / next deadline, from which the sweep finds what is due without looking at what is open
(a case all of whose deadlines have been told stands under `told#shard`), and `organisation` (USCC / opening time) for work lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter

from cloud import due as due_index
from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import get_many, put_of, search
from rectify.case import Case, Command, Fact, step_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

_FACT: TypeAdapter[Fact] = TypeAdapter(Fact)


class Clash(Exception):
    """Somebody else saved the case in between; the command is decided anew."""


class Loaded(NamedTuple):
    """What is needed to decide a command: the case, and whether the command was decided before."""

    case: Case | None
    decided: bool


def load(case_id: str, command_id: str) -> Loaded:
    """Head and outcome in one consistent read."""
    wanted = [{"pk": case_id, "sk": "STATE"}, {"pk": case_id, "sk": f"C#{command_id}"}]
    found = {item["sk"]: item for item in get_many(settings().cases_table, wanted)}
    head = found.get("STATE")
    return Loaded(Case.model_validate_json(head["case"]) if head else None, decided=f"C#{command_id}" in found)


def save(before: Case | None, after: Case, facts: Sequence[Fact], command: Command) -> None:
    """Head, history and the command's outcome in one transaction. Raises Clash if the case is no longer as it was loaded."""
    version = before.version if before else 0
    history = [_history(after, version + n, fact) for n, fact in enumerate(facts, start=1)]
    outcome = {"pk": after.case_id, "sk": f"C#{command.command_id}", "facts": [fact.fact for fact in facts]}
    table = settings().cases_table
    puts = [put_of(table, item) for item in (*history, outcome)]
    head = put_of(table, _head(after), "version = :before", {":before": version}) if before else put_of(table, _head(after))
    try:
        dynamodb().transact_write_items(TransactItems=[head, *puts])
    except dynamodb().exceptions.TransactionCanceledException as cancelled:
        codes = {reason.get("Code") for reason in cancelled.response.get("CancellationReasons", [])}
        if codes & {"ConditionalCheckFailed", "TransactionConflict"}:
            raise Clash(after.case_id) from cancelled
        raise


def _history(case: Case, version: int, fact: Fact) -> dict[str, Any]:
    return {
        "pk": case.case_id,
        "sk": f"H#{version:06}",
        "fact": fact.model_dump_json(exclude_none=True),
        **step_of(case, fact).plain(),
    }


def _head(case: Case) -> dict[str, Any]:
    kind = "due" if case.next_due else "told"
    return {
        "pk": case.case_id,
        "sk": "STATE",
        "version": case.version,
        "case": case.model_dump_json(exclude_none=True),
        "opened_at": due_index.stamp(case.opened_at),
        **due_index.place(kind, case.case_id, case.next_due or case.opened_at),
        # A rating that was accepted without its service event names no organisation, and stands on no organisation's list.
        **({"organisation": case.rating.organisation} if case.rating.organisation else {}),
    }


def due(now: datetime) -> Iterator[Case]:
    """Every case whose next deadline has passed, the oldest first within each shard; all pages."""
    return map(_case, due_index.passed(settings().cases_table, "due", now))


def of_organisation(organisation: str) -> Iterator[Case]:
    """The cases of an organisation (USCC), by opening time."""
    return map(_case, search(settings().cases_table, "organisation = :pk", {":pk": organisation}, IndexName="organisation"))


def all_open() -> Iterator[Case]:
    """Every case: those all of whose deadlines have been told, and those with a deadline ahead, soonest first within each shard."""
    for kind in ("told", "due"):
        yield from map(_case, due_index.every(settings().cases_table, kind))


def fact_of(history_item: dict[str, Any]) -> Fact:
    """The fact of a history item."""
    return _FACT.validate_json(history_item["fact"])


def _case(head: dict[str, Any]) -> Case:
    return Case.model_validate_json(head["case"])
