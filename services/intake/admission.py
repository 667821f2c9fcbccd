"""What becomes of a rating, given what the Ledger holds of its case file. Pure (design, 6.2 and 6.3)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from contract.codes import Provenance, RatingKind
from contract.ledger import TakenBack
from contract.refusals import refuse
from intake.entries import EventEntry, RatingEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from contract.codes import TagCheck
    from intake.pending import PendingRating
    from policy.rules import Policy

_OF_A_SERVICE_EVENT = {RatingKind.VISIT, RatingKind.MATTER}


class Outcome(StrEnum):
    """What became of a message. An outcome is computed from what is stored, never logged."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    REFUSED = "refused"


class Holder(NamedTuple):
    """Who holds a key: the message that took it, the fingerprint of what it said, and of a rating who gave it."""

    message_id: str
    fingerprint: str
    provenance: Provenance | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """The holder as stored."""
        return cls(item["message_id"], item["fingerprint"], item.get("provenance"))

    def meets(self, message_id: str, fingerprint: str, otherwise: str) -> Outcome:
        """What a message with this id and fingerprint is beside the holder. Raises Refused (`otherwise`) if it says something else."""
        if fingerprint != self.fingerprint:
            raise refuse(otherwise)
        return Outcome.ACCEPTED if message_id == self.message_id else Outcome.DUPLICATE


class Project(NamedTuple):
    """What the Ledger holds of one case file.

    `ratings` are by `nn#round`, defaults and the rest by service number.
    """

    reports: tuple[EventEntry, ...]
    ratings: dict[str, Holder]
    defaults: dict[int, tuple[Holder, TakenBack]]
    answered: frozenset[str]
    invited: frozenset[int]
    explained: frozenset[int]

    @classmethod
    def of(cls, items: Iterable[Mapping[str, Any]]) -> Self:
        """The case file from its items in key order."""
        held: dict[str, dict[str, Mapping[str, Any]]] = {kind: {} for kind in "ERDAIO"}
        for item in items:
            kind, _, rest = item["sk"].partition("#")
            held.get(kind, {})[rest] = item
        return cls(
            reports=tuple(EventEntry.model_validate(item) for item in held["E"].values()),
            ratings={rest: Holder.of(item) for rest, item in held["R"].items()},
            defaults={int(nn): (Holder.of(item), _as_counted(item)) for nn, item in held["D"].items()},
            answered=frozenset(held["A"]),
            invited=frozenset(map(int, held["I"])),
            explained=frozenset(map(int, held["O"])),
        )

    def event(self, service_number: int) -> EventEntry | None:
        """The service event as it stands: of several statuses the furthest counts, as long as it is the same service as the first.

        Two reports that came at the same moment may contradict each other.
        """
        found = [report for report in self.reports if report.service_number == service_number]
        return next((report for report in reversed(found) if not report.contradicts(found[0])), None)

    def contradictions(self, report: EventEntry) -> list[str]:
        """The facts in which a report differs from what was reported of the same service before."""
        earlier = [held for held in self.reports if held.service_number == report.service_number]
        return sorted({name for held in earlier for name in report.contradicts(held)})

    def rated(self, service_number: int) -> Provenance | None:
        """How somebody rated the service, None if nobody did."""
        held = self.ratings.get(f"{service_number:02}#1")
        return held.provenance if held else None


def _as_counted(default: Mapping[str, Any]) -> TakenBack:
    return TakenBack.model_validate({name: default.get(name) for name in TakenBack.model_fields})


def meet(rating: PendingRating, project: Project) -> Outcome | EventEntry | None:
    """The outcome if the key is taken, the event that the rating can be bound to, or None if it has to wait.

    Raises Refused (`kind_not_accepted`, `default_not_allowed`, `already_rated`, `follow_up_before_reply`).
    """
    if rating.kind not in _OF_A_SERVICE_EVENT:
        raise refuse("kind_not_accepted", "kind")
    holder = project.ratings.get(f"{rating.service_number:02}#{rating.round}")
    if rating.provenance is Provenance.DEFAULT:
        if rating.round != 1:
            raise refuse("default_not_allowed", "round")
        default = project.defaults.get(rating.service_number)
        holder = default[0] if default else holder
    if holder:
        return holder.meets(rating.message_id, rating.fingerprint, "already_rated")
    if rating.round == 2 and f"{rating.service_number:02}#1" not in project.answered:
        raise refuse("follow_up_before_reply", "round")
    return project.event(rating.service_number)


def admit(
    rating: PendingRating,
    event: EventEntry,
    project: Project,
    policy: Policy,
    checked: dict[str, TagCheck] | None = None,
    admitted_at: datetime | None = None,
) -> RatingEntry:
    """The entry to write; `admitted_at` is when a rating was let in that had to wait for its event.

    Raises Refused (`text_too_long`, `follow_up_not_allowed`, `default_not_allowed`).
    """
    check_policy(rating, policy)
    default = project.defaults.get(rating.service_number)
    takes_back = default[1] if default and rating.round == 1 and rating.provenance is not Provenance.DEFAULT else None
    return RatingEntry.bind(rating, event, policy, takes_back, checked, admitted_at)


def check_policy(rating: PendingRating, policy: Policy) -> None:
    """What the rules in force say of a rating. Raises Refused as `admit`."""
    if rating.provenance is Provenance.DEFAULT and policy.unrated_policy != "DEFAULT":
        raise refuse("default_not_allowed", "provenance")
    if rating.round == 2 and policy.follow_up_ratings < 1:
        raise refuse("follow_up_not_allowed", "round")
    check_length(rating.comment_length, policy)


def check_length(length: int, policy: Policy) -> None:
    """Raises Refused (`text_too_long`) for a text of more characters than the rules in force take."""
    if length > policy.max_text_length:
        raise refuse("text_too_long", "comment", f"at most {policy.max_text_length:,} characters")
