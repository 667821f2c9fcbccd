"""Rating by an invitation's link: what its page needs, and the one rating that it is good for.

Whoever has the token may rate this one service, once, until it expires, without login and without saying who they are. Nothing that
leads to a person is shown. Staff and devices cannot use one: they send as a registered party, and a request that comes as somebody is
turned away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError

from cloud import registry
from contract import tags
from contract.arrival import Arrival
from contract.codes import IdentityMode, Level, Provenance
from contract.identifiers import BASE_CODE
from contract.messages import Rating
from contract.model import Model
from contract.refusals import Refused, from_validation, refuse
from contract.wire import check_size, json_object
from contract.zone import day_of
from intake import quarantine
from intake.pending import BY_INVITATION, PendingRating
from intake.places import key_of
from intake.sealing import NotOurs
from intake.settling import settle
from intake.tickets import Ticket

if TYPE_CHECKING:
    from datetime import date, datetime

    from intake.entries import EventEntry
    from intake.sealing import Keys


class Answer(Model):
    """What the page of a link sends: a level, tags, a text; and whether the applicant wants to be called back about it."""

    level: Level
    tags: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    comment: str | None = None
    anonymous: bool = True


class Redeemed(Model):
    """What became of the answer."""

    receipt: str
    outcome: str


def check_visitor(headers: dict[str, str], caller: str) -> None:
    """Raises Refused (`token_not_for_staff`) for a request that comes as a party, a device or an identity of the account."""
    if caller or headers.get("party") or headers.get("authorization") or headers.get("webhook-signature"):
        raise refuse("token_not_for_staff")


def page(token: str, keys: Keys, now: datetime) -> dict[str, Any]:
    """What a rating page shows of the service: where, what, on which day; and the levels with their tags. Raises Refused (`bad_token`,
    `token_expired`)."""
    ticket, event, is_rated = _open(token, keys, now)
    day = day_of(event.service_time)
    return {
        "organisation": _names("organisation", event.organisation, day),
        "item": _item_names(event, day),
        "day": day.isoformat(),
        "expires_at": ticket.expires_at.isoformat(),
        "rated": is_rated,
        "levels": [{"level": level.value, "zh": level.zh, "en": level.en, "tags": _tags(level)} for level in Level],
    }


def redeem(token: str, body: str, keys: Keys, now: datetime) -> Redeemed:
    """Stores the rating that a request's body says. The same answer again has the same receipt; another one is refused
    (`already_rated`), and kept like any refused attempt. Raises Refused."""
    ticket, event, _ = _open(token, keys, now)
    check_size(body)
    try:
        said = Answer.model_validate(json_object(body))
        rating = Rating(
            project_no=ticket.project_no,
            service_number=ticket.service_number,
            round=1,
            kind=event.rated_as,
            provenance=Provenance.SELF_ONLINE,
            rating_channel=ticket.channel,
            occurred_at=now,
            **said.model_dump(exclude={"anonymous"}),
        )
    except ValidationError as error:
        raise from_validation(error) from None
    pending = _pending(rating, event, token, keys, now, anonymous=said.anonymous)
    try:
        outcome = settle(pending).outcome
    except Refused as refused:
        quarantine.keep(pending, body, refused.reasons, keys, proven=True)
        raise
    return Redeemed(receipt=keys.receipt(key_of(rating, pending.party)), outcome=outcome.value)


def _open(token: str, keys: Keys, now: datetime) -> tuple[Ticket, EventEntry, bool]:
    try:
        ticket = Ticket.of(token, keys)
    except NotOurs:
        raise refuse("bad_token") from None
    project = ticket.project(now)
    event = project.event(ticket.service_number)
    if event is None:
        raise refuse("bad_token")
    return ticket, event, project.rated(ticket.service_number) is not None


def _pending(rating: Rating, event: EventEntry, token: str, keys: Keys, now: datetime, *, anonymous: bool) -> PendingRating:
    """The rating as the link says it; of an applicant who does not wish to be anonymous, under the pseudonym that the event has."""
    body = rating.model_dump_json(exclude={"occurred_at"})
    came = Arrival(body, BY_INVITATION, keys.fingerprint(token), "", "", now, now)
    pending = PendingRating.of(rating, came, keys)
    if anonymous or event.applicant is None:
        return pending
    named = {"rater": event.applicant, "identity_mode": IdentityMode.REAL_NAME}
    return pending.model_copy(update=named | {"fingerprint": keys.fingerprint(pending.fingerprint, event.applicant)})


def _names(kind: str, id: str, day: date) -> dict[str, str]:
    known = registry.find(kind, id, day)
    return {"zh": known["zh"], "en": known.get("en", "")} if known else {"zh": id, "en": id}


def _item_names(event: EventEntry, day: date) -> dict[str, str]:
    """The item's name as registered, or as the base catalogue or the report has it."""
    for kind, id in (
        ("item", event.handle_item_code or event.task_code),
        ("item", event.task_code),
        ("base_item", event.task_code[BASE_CODE]),
    ):
        if known := registry.find(kind, id, day):
            return {"zh": known["zh"], "en": known.get("en", "")}
    return {"zh": event.item_name or event.task_code, "en": ""}


def _tags(level: Level) -> list[dict[str, Any]]:
    known = tags.dictionary()
    return [{"code": code, "zh": known[code].zh, "shown_first": known[code].shown_first} for code in tags.offered(level)]
