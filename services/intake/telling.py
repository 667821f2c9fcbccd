"""What a Ledger entry becomes outside intake: a line of a raw segment, and news if somebody must act on it (design, 6.11)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cloud.segments import Line
from contract.events import BadRatingAccepted, CallbackSampleDrawn, Event, InvitationIssued, ServiceOverran, event_id
from contract.ledger import CountedRating, CountedService, RatingFacts, counted
from contract.zone import day_of, hour_of
from intake.entries import EventEntry
from intake.marks import Explained, Invitation
from intake.places import service_of
from intake.sampling import Draw
from intake.sealing import LedgerKey
from intake.tickets import Ticket
from policy.screening import screened

if TYPE_CHECKING:
    from cloud.stream import StreamRecord
    from contract.ledger import Counted
    from intake.sealing import Keys

_OF_A_MARK = ("event_id", "event_ref", "case_id", "survey", "seed", "population", "drawn")


def news_of(record: StreamRecord, keys: Keys) -> Event | None:
    """What somebody must act on of a Ledger record, if anything. Raises ValidationError or KeyError if it is no entry."""
    return news(record.sk.split("#", 1)[0], record.pk, record.sk, record.new, keys)


def line(lane: str, record: StreamRecord, keys: Keys) -> Line:
    """The line of an entry: it lies with every day whose counts the entry moves. Raises ValidationError or KeyError if it is none."""
    key, day = keys.fingerprint(record.pk, record.sk), record.new["day"]
    moved = counted(record.sk, record.new)
    days = {day, *(one.isoformat() for one in moved.days)} if moved else {day}
    kind = record.sk.split("#", 1)[0]
    facts = _facts(record.new, moved)
    if isinstance(moved, CountedRating) and kind == "R" and moved.level.is_bad:
        # So that a case which is missing can be opened from the segments alone.
        facts |= _for_the_case(moved, LedgerKey(record.pk, record.sk), keys)
    return Line(day, tuple(sorted(days)), lane, record.sequence, record.created, kind, key, facts)


def _facts(entry: dict[str, Any], moved: Counted | None) -> dict[str, Any]:
    """What a line says of an entry: what is counted of it, and marks; neither a case file nor a text nor a person."""
    said = (moved.plain() if moved else {}) | {name: entry[name] for name in _OF_A_MARK if name in entry}
    if isinstance(moved, CountedService):
        said["received_day"] = day_of(datetime.fromisoformat(entry["received_at"])).isoformat()
    return said


def news(kind: str, pk: str, sk: str, entry: dict[str, Any], keys: Keys) -> Event | None:
    """What somebody must act on, if anything."""
    match kind:
        case "R":
            return _bad_rating(RatingFacts.model_validate(entry), LedgerKey(pk, sk), keys)
        case "E" if "overrun_limit" in entry:
            return _overran(EventEntry.model_validate(entry), keys)
        case "O":
            return _explained(Explained.model_validate(entry), keys)
        case "I":
            return _invitation(Invitation.model_validate(entry), pk, sk, keys)
        case "DRAW":
            return _drawn(Draw.model_validate(entry))
        case _:
            return None


def _bad_rating(rating: RatingFacts, key: LedgerKey, keys: Keys) -> BadRatingAccepted | None:
    if not rating.level.is_bad:
        return None
    id = event_id("BadRatingAccepted", rating.rating_id)
    return BadRatingAccepted(event_id=id, happened_at=rating.received_hour, rating=rating, **_for_the_case(rating, key, keys))


def _for_the_case(rating: RatingFacts, key: LedgerKey, keys: Keys) -> dict[str, str]:
    """What the case of a bad rating is told beside: by what its rater is known again, and which rating a follow-up follows."""
    told = {"receipt_sha256": hashlib.sha256(keys.receipt(key).encode()).hexdigest()}
    first = LedgerKey(key.pk, key.sk.removesuffix("#2") + "#1")
    return told | ({"follows": keys.rating_id(first)} if rating.round == 2 else {})


def _overran(event: EventEntry, keys: Keys) -> ServiceOverran:
    overrun = event.overran()
    if overrun is None:
        raise KeyError("overrun_due_day")
    return ServiceOverran(
        **overrun,
        event_id=event_id("ServiceOverran", event.event_ref),
        happened_at=hour_of(event.received_at),
        reason=_public(event.overrun_reason, keys),
    )


def _explained(explained: Explained, keys: Keys) -> ServiceOverran:
    return ServiceOverran(
        **explained.model_dump(exclude={"event_id", "day", "received_hour", "overrun_reason"}),
        event_id=event_id("ServiceOverran", explained.event_ref, "explained"),
        happened_at=explained.received_hour,
        reason=_public(explained.overrun_reason, keys),
    )


def _public(reason: bytes | None, keys: Keys) -> str | None:
    return screened(keys.open(reason)) if reason else None


def _invitation(invitation: Invitation, pk: str, sk: str, keys: Keys) -> InvitationIssued:
    project_no, service_number = service_of(LedgerKey(pk, sk))
    ticket = Ticket(project_no=project_no, service_number=service_number, channel=invitation.channel, expires_at=invitation.expires_at)
    return InvitationIssued(
        **invitation.model_dump(include={"event_ref", "region_code", "organisation", "task_code", "channel", "expires_at"}),
        event_id=event_id("InvitationIssued", invitation.event_ref),
        happened_at=hour_of(invitation.issued_at),
        token=ticket.token(keys),
    )


def _drawn(draw: Draw) -> CallbackSampleDrawn:
    return CallbackSampleDrawn(
        **draw.model_dump(include={"survey", "region_code", "of_day", "seed", "population", "drawn"}),
        event_id=event_id("CallbackSampleDrawn", draw.survey),
        happened_at=hour_of(datetime.fromisoformat(draw.drawn_at)),
    )
