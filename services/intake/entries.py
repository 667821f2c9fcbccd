"""What intake writes: service events and ratings in the Ledger, parked ratings in Waiting.

Entries carry names, never persons: the rater and the staff are keyed pseudonyms.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import AwareDatetime, ConfigDict

from contract import tags
from contract.codes import IdentityMode, Level, ProjectStatus, Provenance, RatingChannel, RatingKind
from contract.identifiers import task_code
from contract.ledger import RatingFacts, ServiceFacts
from contract.messages import Limit, Rating, Said, ServiceEvent
from contract.model import Model
from contract.zone import hour_of
from intake.days import counted_day
from intake.sealing import Keys, LedgerKey, digest

if TYPE_CHECKING:
    from intake.arrival import Arrival
    from policy.rules import Policy


def partition(project_no: str) -> str:
    """The partition of a case file, in the Ledger and in Waiting."""
    return f"P#{project_no}"


def event_key(project_no: str, service_number: int, status: ProjectStatus) -> LedgerKey:
    """The Ledger key of a service event as reported at one status."""
    return LedgerKey(partition(project_no), f"E#{service_number:02}#{list(ProjectStatus).index(status) + 1}")


def rating_key(project_no: str, service_number: int, round: int) -> LedgerKey:
    """The Ledger key of a rating: one service, one rating per round."""
    return LedgerKey(partition(project_no), f"R#{service_number:02}#{round}")


def waiting_prefix(key: LedgerKey) -> LedgerKey:
    """Under what ratings with this Ledger key are parked: each message by itself, so that none stands in another's way."""
    return LedgerKey(key.pk, key.sk.removeprefix("R#") + "#")


def key_of(message: Said) -> LedgerKey:
    """The Ledger key of a canonical message, which is also what its receipt seals."""
    if isinstance(message, Rating):
        return rating_key(message.project_no, message.service_number, message.round)
    return event_key(message.project_no, message.service_number, message.status)


def event_content(event: ServiceEvent) -> dict[str, Any]:
    """What a report says, whatever offset its times are written in: equal for two reports of the same facts."""
    times = {name: value.astimezone(UTC).isoformat() for name, value in event if isinstance(value, datetime)}
    return event.plain() | times


class EventEntry(ServiceFacts):
    """A service event as reported at one status (`E#`)."""

    project_no: str
    service_number: int
    status: ProjectStatus
    item_name: str | None = None
    service_time: AwareDatetime
    accepted_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    promised_limit: Limit | None = None
    statutory_limit: Limit | None = None
    overrun_reason: str | None = None
    event_ref: str
    received_at: AwareDatetime
    day: date
    day_of: Literal["occurred_at", "received_at"]
    policy_version: str
    message_id: str
    fingerprint: str

    @classmethod
    def of(cls, event: ServiceEvent, arrival: Arrival, keys: Keys, policy: Policy) -> Self:
        """The entry of a reported service event. `event_ref` names it outside intake, as `rating_id` names a rating."""
        facts = event.model_dump(exclude={"item_code", "staff_no"})
        staff = keys.pseudonym("staff", event.organisation, event.staff_no) if event.staff_no else None
        return cls(
            **facts,
            task_code=task_code(event.item_code),
            handle_item_code=event.item_code if len(event.item_code) > 31 else None,
            staff_ref=staff,
            event_ref=keys.event_ref(event.project_no, event.service_number),
            received_at=arrival.received_at,
            **counted_day(event.service_time, arrival.received_at, policy.clock_skew_days)._asdict(),
            policy_version=policy.version,
            message_id=arrival.message_id,
            fingerprint=keys.fingerprint(event_content(event)),
        )

    def is_same_service(self, other: EventEntry) -> bool:
        """True if both were given by the same organisation, in the same region, for the same item: that never changes with the status."""
        return (self.region_code, self.organisation, self.task_code) == (other.region_code, other.organisation, other.task_code)

    @property
    def key(self) -> LedgerKey:
        """The key in the Ledger."""
        return event_key(self.project_no, self.service_number, self.status)

    def item(self) -> dict[str, Any]:
        """The item as stored."""
        return _item(self.key, self)


class PendingRating(Model):
    """A rating that has not met its service event: what a message said, without the person. Parked ratings are stored like this."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    project_no: str
    service_number: int
    round: Literal[1, 2]
    kind: RatingKind
    level: Level
    tags: tuple[str, ...] = ()
    dict_version: str
    comment: str | None = None
    provenance: Provenance
    rating_channel: RatingChannel
    identity_mode: IdentityMode
    rater: str | None = None
    occurred_at: AwareDatetime
    received_at: AwareDatetime
    rating_id: str
    party: str
    message_id: str
    fingerprint: str

    @classmethod
    def of(cls, rating: Rating, arrival: Arrival, keys: Keys) -> Self:
        """What a message says. The fingerprint is of the content, never of times or transport (design, 6.2)."""
        person = rating.rater
        rater = keys.pseudonym("rater", person.certificate_type, person.certificate_number) if person else None
        return cls(
            **rating.model_dump(exclude={"rater"}),
            dict_version=tags.version(),
            identity_mode=IdentityMode.REAL_NAME if rater else IdentityMode.ANONYMOUS,
            rater=rater,
            received_at=arrival.received_at,
            rating_id=keys.rating_id(rating.project_no, rating.service_number, rating.round),
            party=arrival.party,
            message_id=arrival.message_id,
            fingerprint=keys.fingerprint(rating.level, rating.tags, rating.comment, rater, rating.provenance),
        )

    @property
    def key(self) -> LedgerKey:
        """The key that the rating has in the Ledger once it is admitted."""
        return rating_key(self.project_no, self.service_number, self.round)

    @property
    def waiting_key(self) -> LedgerKey:
        """The key in Waiting."""
        prefix = waiting_prefix(self.key)
        return LedgerKey(prefix.pk, prefix.sk + digest(self.message_id))

    def waiting_item(self, original: bytes) -> dict[str, Any]:
        """The item as parked, with the sealed original beside it."""
        return _item(self.waiting_key, self) | {"original": original}


class RatingEntry(RatingFacts):
    """An accepted rating (`R#`): what was said, bound to the facts of its service event."""

    project_no: str
    service_number: int
    comment: str | None = None
    rater: str | None = None
    occurred_at: AwareDatetime
    received_at: AwareDatetime
    party: str
    message_id: str
    fingerprint: str

    @classmethod
    def bind(cls, rating: PendingRating, event: EventEntry, policy: Policy) -> Self:
        """The entry of a rating that has met its event, judged by the policy in force."""
        facts = {name: getattr(event, name) for name in ServiceFacts.model_fields}
        counted = counted_day(rating.occurred_at, rating.received_at, policy.clock_skew_days)
        hour = hour_of(rating.received_at)
        return cls(**facts, **dict(rating), **counted._asdict(), received_hour=hour, policy_version=policy.version)

    def item(self) -> dict[str, Any]:
        """The item as stored."""
        return _item(rating_key(self.project_no, self.service_number, self.round), self)


def _item(key: LedgerKey, entry: Model) -> dict[str, Any]:
    return key._asdict() | entry.plain()
