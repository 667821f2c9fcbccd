"""What intake writes into the Ledger for what was said: service events, ratings of them, and ratings bound to none.

Entries carry names, never persons: raters, applicants and staff are keyed pseudonyms, and a text is sealed, since nobody can tell
what stands in it before it is screened.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import AwareDatetime

from contract import tags
from contract.codes import Flag, IdentityMode, ObjectType, ProjectStatus, Provenance, RatingKind, ServiceChannel, TagCheck
from contract.identifiers import task_code
from contract.ledger import CountedRating, RatingFacts, ServiceFacts, TakenBack
from contract.messages import GeneralRating, Import, Limit, Opinion, Person, ServiceEvent, SupervisoryRating
from contract.model import Model
from contract.zone import day_of, hour_of
from intake import flags
from intake import signs as signs_of
from intake.days import counted_day
from intake.places import default_key, event_key, freestanding_key, rating_key, service_key

if TYPE_CHECKING:
    from contract.arrival import Arrival
    from intake.pending import PendingRating
    from intake.sealing import Keys, LedgerKey
    from policy.rules import Policy

# Not facts of the service: a telephone changes, and a reason may be given later.
_BESIDE_THE_FACTS = {"applicant", "agent", "overrun_reason"}


def item_of(key: LedgerKey, entry: Model) -> dict[str, Any]:
    """The item as stored: JSON types, and sealed texts as they are."""
    sealed = {name: value for name, value in entry if isinstance(value, bytes)}
    return key._asdict() | entry.model_dump(mode="json", exclude_none=True, exclude=set(sealed)) | sealed


def event_content(event: ServiceEvent) -> dict[str, Any]:
    """The facts of a report, whatever offset its times are written in: equal for two reports of the same facts."""
    times = {name: value.astimezone(UTC).isoformat() for name, value in event if isinstance(value, datetime)}
    return event.model_dump(mode="json", exclude_none=True, exclude=_BESIDE_THE_FACTS) | times


def seal_text(text: str | None, keys: Keys) -> bytes | None:
    """A text as it is stored."""
    return keys.seal(text) if text else None


def pseudonym(person: Person | None, keys: Keys) -> str | None:
    """The name of a person who applies, acts or rates, the same in each of these roles."""
    return keys.pseudonym("person", *person.identity) if person else None


class EventEntry(ServiceFacts):
    """A service event as reported at one status (`E#`)."""

    project_no: str
    service_number: int
    status: ProjectStatus
    organisation: str
    task_code: str
    item_name: str | None = None
    service_time: AwareDatetime
    accepted_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    promised_limit: Limit | None = None
    statutory_limit: Limit | None = None
    overrun_limit: Literal["promised", "statutory"] | None = None
    overrun_due_day: date | None = None
    overrun_reason: bytes | None = None
    materials: tuple[str, ...] | None = None
    visits: int | None = None
    rated: Provenance | None = None
    applicant: str | None = None
    agent: str | None = None
    event_ref: str
    received_at: AwareDatetime
    day: date
    day_of: Literal["occurred_at", "received_at"]
    policy_version: str
    message_id: str
    fingerprint: str

    @classmethod
    def of(
        cls,
        event: ServiceEvent,
        arrival: Arrival,
        keys: Keys,
        policy: Policy,
        listed: tuple[Flag, ...] = (),
        rated: Provenance | None = None,
    ) -> Self:
        """The entry of a reported service event; `listed` says what of it no register knows, `rated` whether it has been rated already.

        `event_ref` names the event outside intake, as `rating_id` names a rating.
        """
        facts = event.model_dump(exclude={"item_code", "staff_no", *_BESIDE_THE_FACTS})
        late = flags.overrun(event)
        marks = (*listed, *([Flag.OVERRUN if event.overrun_reason else Flag.OVERRUN_UNEXPLAINED] if late else []))
        return cls(
            **facts,
            flags=marks,
            rated=rated,
            task_code=task_code(event.item_code),
            handle_item_code=event.item_code if len(event.item_code) > 31 else None,
            staff_ref=staff_ref(event.organisation, event.staff_no, keys),
            overrun_limit=late.limit if late else None,
            overrun_due_day=late.due_day if late else None,
            overrun_reason=seal_text(event.overrun_reason, keys),
            applicant=pseudonym(event.applicant, keys),
            agent=pseudonym(event.agent, keys),
            event_ref=keys.event_ref(service_key(event.project_no, event.service_number)),
            received_at=arrival.received_at,
            **counted_day(event.service_time, arrival.received_at, policy.clock_skew_days)._asdict(),
            policy_version=policy.version,
            message_id=arrival.message_id,
            fingerprint=keys.fingerprint(event_content(event)),
        )

    def contradicts(self, earlier: EventEntry) -> list[str]:
        """The facts in which this report differs from an earlier one of the same service.

        Organisation, region and item never change with the status; at the same status nothing does.
        """
        names = ["region_code", "organisation", "task_code"]
        if self.status is earlier.status and self.fingerprint != earlier.fingerprint:
            names = [name for name in type(self).model_fields if name not in _OF_THE_REPORT]
        return [name for name in names if getattr(self, name) != getattr(earlier, name)]

    @property
    def rated_as(self) -> RatingKind:
        """The kind of a rating that names none: one matter, one rating online, one visit, one rating elsewhere."""
        return RatingKind.MATTER if self.service_channel is ServiceChannel.ONLINE else RatingKind.VISIT

    def overran(self) -> dict[str, Any] | None:
        """What an overrun was, as it is told and as a later reason repeats it; None if the limits were kept."""
        if not (self.overrun_limit and self.overrun_due_day and self.finished_at):
            return None
        whose = {name: getattr(self, name) for name in ("event_ref", "region_code", "organisation", "task_code")}
        return whose | {"limit": self.overrun_limit, "due_day": self.overrun_due_day, "finished_day": day_of(self.finished_at)}

    @property
    def key(self) -> LedgerKey:
        """The key in the Ledger."""
        return event_key(self.project_no, self.service_number, self.status)

    def item(self) -> dict[str, Any]:
        """The item as stored."""
        return item_of(self.key, self)


# What belongs to the telling of an event rather than to the event.
_OF_THE_REPORT = {
    "rated",
    "flags",
    "overrun_limit",
    "overrun_due_day",
    "overrun_reason",
    "applicant",
    "agent",
    "received_at",
    "day",
    "day_of",
    "policy_version",
    "message_id",
    "fingerprint",
}


def staff_ref(organisation: str, staff_no: str | None, keys: Keys) -> str | None:
    """The opaque name of a member of staff."""
    return keys.pseudonym("staff", organisation, staff_no) if staff_no else None


class Inward(Model):
    """What a rating says that stays in intake: the text, sealed, pseudonyms, exact times, the sender."""

    comment: bytes | None = None
    rater: str | None = None
    agent: str | None = None
    entered_by: str | None = None
    imported_from: Import | None = None
    occurred_at: AwareDatetime
    received_at: AwareDatetime
    party: str
    message_id: str
    fingerprint: str


class Attributed(CountedRating, Inward):
    """An accepted rating with what stays in intake."""

    model_config = RatingFacts.model_config


class RatingEntry(Attributed):
    """A rating of a service event (`R#`), or a default (`D#`): what was said, bound to the facts of the event."""

    project_no: str
    service_number: int

    @classmethod
    def bind(
        cls,
        rating: PendingRating,
        event: EventEntry,
        policy: Policy,
        takes_back: TakenBack | None = None,
        checked: dict[str, TagCheck] | None = None,
        admitted_at: datetime | None = None,
    ) -> Self:
        """The entry of a rating that has met its event, judged by the policy in force; `checked` is what the facts say of its tags.

        One that had to wait for its event was `admitted_at` a later hour.
        """
        facts = {name: getattr(event, name) for name in ServiceFacts.model_fields}
        finished = event.status is ProjectStatus.FINISHED and rating.round == 1
        signs = {
            "delay": signs_of.delay(rating.occurred_at, event.finished_at or event.service_time),
            "service_day": event.day if finished else None,
            "checked": checked or None,
            **_admitted(rating, admitted_at),
        }
        marks = flags.of_time(rating.occurred_at, rating.received_at, event.service_time, policy)
        return cls._made(rating, facts | signs, marks, policy, takes_back)

    @classmethod
    def unlinked(cls, rating: PendingRating, region_code: str, policy: Policy, admitted_at: datetime) -> Self:
        """The entry of a rating whose event never came, where policy accepts it: it counts for the region and for nobody in particular."""
        marks = (Flag.UNLINKED, *flags.of_time(rating.occurred_at, rating.received_at, None, policy))
        facts = {"region_code": region_code, "flags": (), **_admitted(rating, admitted_at)}
        return cls._made(rating, facts, marks, policy, None)

    @classmethod
    def _made(
        cls, rating: PendingRating, facts: dict[str, Any], marks: tuple[Flag, ...], policy: Policy, takes_back: TakenBack | None
    ) -> Self:
        said = {name: value for name, value in rating if name in cls.model_fields}
        counted = counted_day(rating.occurred_at, rating.received_at, policy.clock_skew_days)
        return cls(
            **said,
            **facts | {"flags": (*facts["flags"], *marks)},
            hour=hour_of(rating.occurred_at).hour,
            **counted._asdict(),
            received_hour=hour_of(rating.received_at),
            takes_back=takes_back,
            policy_version=policy.version,
        )

    @property
    def key(self) -> LedgerKey:
        """The key in the Ledger."""
        if self.provenance == "DEFAULT":
            return default_key(self.project_no, self.service_number)
        return rating_key(self.project_no, self.service_number, self.round)

    def item(self) -> dict[str, Any]:
        """The item as stored."""
        return item_of(self.key, self)


def _admitted(rating: PendingRating, at: datetime | None) -> dict[str, datetime]:
    """The hour of admission, where it is another than that of receipt."""
    late = at is not None and hour_of(at) != hour_of(rating.received_at)
    return {"admitted_hour": hour_of(at)} if at and late else {}


class FreestandingEntry(Attributed):
    """A rating that is bound to no service event (`G#` or `S#`), with what it is about as its facts."""

    reference: str
    conducted_by: str | None = None
    sample: str | None = None

    @classmethod
    def of(
        cls, message: GeneralRating | SupervisoryRating, arrival: Arrival, keys: Keys, policy: Policy, listed: tuple[Flag, ...] = ()
    ) -> Self:
        """The entry of a general or supervisory rating; `listed` says what of it no register knows."""
        return cls(
            **said_of(message, arrival, keys),
            **_object_facts(message, keys),
            **_check_facts(message),
            reference=message.reference,
            flags=(*listed, *flags.of_time(message.occurred_at, arrival.received_at, None, policy)),
            rating_id=keys.rating_id(freestanding_key(message, arrival.party)),
            hour=hour_of(message.occurred_at).hour,
            received_hour=hour_of(arrival.received_at),
            **counted_day(message.occurred_at, arrival.received_at, policy.clock_skew_days)._asdict(),
            policy_version=policy.version,
        )

    def item(self, key: LedgerKey) -> dict[str, Any]:
        """The item as stored under its key."""
        return item_of(key, self)


def said_of(message: Opinion, arrival: Arrival, keys: Keys) -> dict[str, Any]:
    """What every rating says, as it is stored. The fingerprint is of the content, never of times or transport (design, 6.2)."""
    rater = pseudonym(message.rater, keys)
    said = message.model_dump(include={"level", "tags", "provenance", "rating_channel", "occurred_at", "imported_from"})
    return said | {
        "dict_version": tags.version(),
        "comment": seal_text(message.comment, keys),
        "identity_mode": IdentityMode.REAL_NAME if rater else IdentityMode.ANONYMOUS,
        "rater": rater,
        "agent": pseudonym(message.agent, keys),
        "entered_by": keys.pseudonym("staff", arrival.party, message.entered_by) if message.entered_by else None,
        "received_at": arrival.received_at,
        "party": arrival.party,
        "message_id": arrival.message_id,
        "fingerprint": keys.fingerprint(message.level, message.tags, message.comment, rater, message.provenance),
    }


def _check_facts(message: GeneralRating | SupervisoryRating) -> dict[str, Any]:
    if isinstance(message, GeneralRating):
        return {"kind": RatingKind.GENERAL}
    survey = {"survey": message.survey.id, "survey_method": message.survey.method, "conducted_by": message.survey.conducted_by}
    return {"kind": RatingKind.SUPERVISION, "sample": message.sample, **survey}


def _object_facts(message: GeneralRating | SupervisoryRating, keys: Keys) -> dict[str, Any]:
    named = message.object
    facts: dict[str, Any] = {"object_type": named.type, "organisation": named.organisation, "region_code": named.region_code}
    if named.id is None:
        return facts
    match named.type:
        case ObjectType.ITEM | ObjectType.GUIDE:
            return facts | {"task_code": task_code(named.id), "handle_item_code": named.id if len(named.id) > 31 else None}
        case ObjectType.WINDOW:
            return facts | {"window": named.id}
        case ObjectType.PLATFORM:
            return facts | {"platform": named.id}
        case _:
            return facts | {"staff_ref": staff_ref(named.organisation, named.id, keys)}
