"""What the level above demands of persons and case files, in batches: asked by notify, directly and by nobody else (IAM).

Of each person the reading is recorded before it is answered, for the purpose UPWARD_REPORT, and shown to that person. Who was erased, or
never said who they are, is told of as nobody.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_lambda_powertools import Logger

from cloud import clock, registry
from cloud.settings import settings
from cloud.table import get_many
from contract.codes import ProjectStatus, RevealPurpose
from contract.identifiers import BASE_CODE
from contract.upward import Answer, Known, Names, Question, Revealed, SaidRating, SaidService
from contract.zone import day_of
from intake import door, vault
from intake.entries import EventEntry
from intake.places import event_key, service_of
from intake.revealing import person_of
from intake.sealing import LedgerKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cloud.table import Item
    from intake.sealing import Keys

logger = Logger(service="intake")

_RATING = set(SaidRating.model_fields) - {"comment"}
_SERVICE = set(SaidService.model_fields) - {"item_code"}


class _Asked(NamedTuple):
    """A record that is asked for: where it lies, and where the statuses of its service event."""

    ref: str
    key: LedgerKey
    services: tuple[LedgerKey, ...] = ()


@logger.inject_lambda_context
def reveal(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers a `contract.upward.Question` by an `Answer`, as JSON. What is not ours, or not there, is not in the answer.

    Raises ValidationError for what is no question.
    """
    return answer(Question.model_validate(event), door.keys()).plain()


def answer(question: Question, keys: Keys) -> Answer:
    """What is asked for of each record. One read of the Ledger per hundred keys; of the Vault one per person, and none without fields."""
    asked = [found for ref in dict.fromkeys(question.refs) if (found := _asked(ref, keys, with_event="event" in question.parts))]
    entries = _entries(asked)
    there = [one for one in asked if one.key in entries]
    persons = _persons(question, [entries[one.key] for one in there])
    today = day_of(clock.now())
    return Answer(records=tuple(_revealed(question, one, entries, persons, today, keys) for one in there))


def _asked(ref: str, keys: Keys, *, with_event: bool) -> _Asked | None:
    kind, _, name = ref.partition("#")
    try:
        if kind == "E":
            event_ref, _, status = name.partition("#")
            return _Asked(ref, event_key(*service_of(keys.open_event_ref(event_ref)), ProjectStatus(status)))
        key = keys.open_rating_id(name)
    except ValueError:  # NotOurs, or no status
        return None
    services = tuple(event_key(*service_of(key), status) for status in ProjectStatus) if with_event and key.pk.startswith("P#") else ()
    return _Asked(ref, key, services)


def _entries(asked: Iterable[_Asked]) -> dict[LedgerKey, Item]:
    wanted = dict.fromkeys(key for one in asked for key in (one.key, *one.services))
    found = get_many(settings().ledger_table, [key._asdict() for key in wanted])
    return {LedgerKey(item["pk"], item["sk"]): item for item in found}


def _persons(question: Question, entries: Iterable[Item]) -> dict[str, Known]:
    """Of each person once, however many records are theirs."""
    parties = {pseudonym: str(entry["message_id"]).partition("/")[0] for entry in entries if (pseudonym := person_of(entry))}
    if not question.fields or not parties:
        return {}
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        known = pool.map(lambda named: _person(question, *named), parties.items())
        return {pseudonym: person for pseudonym, person in zip(parties, known, strict=True) if person}


def _person(question: Question, pseudonym: str, party: str) -> Known | None:
    try:
        person = vault.reveal(pseudonym, party, RevealPurpose.UPWARD_REPORT, f"upstream/{question.upstream}")
    except vault.Erased:
        return None
    return Known(**{field: getattr(person, field) for field in question.fields})


def _revealed(
    question: Question, one: _Asked, entries: Mapping[LedgerKey, Item], persons: Mapping[str, Known], today: date, keys: Keys
) -> Revealed:
    entry = entries[one.key]
    is_event = one.ref.startswith("E#")
    service = EventEntry.model_validate(entry) if is_event else _service_of(one, entries)
    return Revealed(
        ref=one.ref,
        rating=None if is_event else _rating(question, entry, keys),
        event=_said(service) if service else None,
        person=persons.get(person_of(entry) or ""),
        names=_names(service, today) if service and "names" in question.parts else Names(),
    )


def _rating(question: Question, entry: Item, keys: Keys) -> SaidRating:
    comment = keys.open(entry["comment"]) if "comment" in question.parts and "comment" in entry else None
    return SaidRating(**{name: entry[name] for name in _RATING if name in entry}, comment=comment)


def _service_of(one: _Asked, entries: Mapping[LedgerKey, Item]) -> EventEntry | None:
    """The service event as it stands: the furthest status that is the same service as the first (as in `intake.admission`)."""
    reports = [EventEntry.model_validate(entries[key]) for key in one.services if key in entries]
    return next((report for report in reversed(reports) if not report.contradicts(reports[0])), None)


def _said(entry: EventEntry) -> SaidService:
    said = entry.model_dump(include=_SERVICE, exclude_none=True)
    return SaidService(**said, item_code=entry.handle_item_code or entry.task_code)


def _names(entry: EventEntry, on: date) -> Names:
    return Names(
        organisation=_name("organisation", entry.organisation, on),
        region=_name("region", entry.region_code, on),
        item=entry.item_name or _item(entry, on),
    )


def _item(entry: EventEntry, on: date) -> str | None:
    """By the whole code, without the handling item, and at least by the basic code that every province has."""
    own = (_name("item", code, on) for code in (entry.handle_item_code, entry.task_code) if code)
    return next(filter(None, own), None) or _name("base_item", entry.task_code[BASE_CODE], on)


def _name(kind: str, id: str, on: date) -> str | None:
    held = registry.find(kind, id, on)
    return str(held["zh"]) if held else None
