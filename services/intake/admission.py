"""What becomes of a rating, given what the Ledger holds of its case file. Pure (design, 6.2 and 6.3)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from contract.codes import Provenance, RatingKind
from contract.refusals import refuse
from intake.entries import EventEntry, PendingRating, RatingEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policy.rules import Policy

_OF_A_SERVICE_EVENT = {RatingKind.VISIT, RatingKind.MATTER}


class Outcome(StrEnum):
    """What became of a message. An outcome is computed from what is stored, never logged."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    REFUSED = "refused"


class Holder(NamedTuple):
    """Who holds a key: the message that took it, and the fingerprint of what it said."""

    message_id: str
    fingerprint: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """The holder as stored."""
        return cls(item["message_id"], item["fingerprint"])

    def meets(self, message_id: str, fingerprint: str, otherwise: str) -> Outcome:
        """What a message with this id and fingerprint is beside the holder. Raises Refused (`otherwise`) if it says something else."""
        if fingerprint != self.fingerprint:
            raise refuse(otherwise)
        return Outcome.ACCEPTED if message_id == self.message_id else Outcome.DUPLICATE


class Project(NamedTuple):
    """What the Ledger holds of one case file."""

    events: dict[int, EventEntry]
    ratings: dict[str, Holder]
    answered: frozenset[str]

    @classmethod
    def of(cls, items: Iterable[Mapping[str, Any]]) -> Self:
        """The case file from its items in key order.

        Of an event reported at several statuses the furthest counts, as long as it is the same service as the first: two reports that
        came at the same moment may contradict each other.
        """
        events: dict[int, EventEntry] = {}
        ratings: dict[str, Holder] = {}
        answered = set()
        for item in items:
            kind, _, rest = item["sk"].partition("#")
            if kind == "E":
                event = EventEntry.model_validate(item)
                first = events.setdefault(event.service_number, event)
                if event.is_same_service(first):
                    events[event.service_number] = event
            elif kind == "R":
                ratings[rest] = Holder.of(item)
            elif kind == "A":
                answered.add(rest)
        return cls(events, ratings, frozenset(answered))


def meet(rating: PendingRating, project: Project) -> Outcome | EventEntry | None:
    """The outcome if the key is taken, the event that the rating can be bound to, or None if it has to wait.

    Raises Refused (`kind_not_accepted`, `default_not_allowed`, `already_rated`, `follow_up_before_reply`).
    """
    if rating.kind not in _OF_A_SERVICE_EVENT:
        raise refuse("kind_not_accepted", "kind")
    if rating.provenance is Provenance.DEFAULT:
        raise refuse("default_not_allowed", "provenance")
    holder = project.ratings.get(f"{rating.service_number:02}#{rating.round}")
    if holder:
        return holder.meets(rating.message_id, rating.fingerprint, "already_rated")
    if rating.round == 2 and f"{rating.service_number:02}#1" not in project.answered:
        raise refuse("follow_up_before_reply", "round")
    return project.events.get(rating.service_number)


def admit(rating: PendingRating, event: EventEntry, policy: Policy) -> RatingEntry:
    """The entry to write. Raises Refused (`text_too_long`)."""
    if rating.comment and len(rating.comment) > policy.max_text_length:
        raise refuse("text_too_long", "comment", f"at most {policy.max_text_length:,} characters")
    return RatingEntry.bind(rating, event, policy)
