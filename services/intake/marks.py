"""Entries that are put beside a rating or a service event later: answered, excluded or restored, invited, explained."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import AwareDatetime, ConfigDict

from contract.codes import RatingChannel
from contract.ledger import CountedTurn
from contract.model import Model
from contract.zone import day_of, hour_of
from intake.entries import EventEntry, item_of
from intake.places import answered_key, exclusion_key, explanation_key, invitation_key

if TYPE_CHECKING:
    from contract.events import AppealGranted, AppealOverturned, CaseReplied
    from intake.sealing import LedgerKey


class Mark(Model):
    """What every mark carries: what caused it, and the Asia/Shanghai day that it belongs to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    day: str


class Answered(Mark):
    """The rater has an answer (`A#`): a follow-up may be given from now on."""

    case_id: str

    @classmethod
    def of(cls, event: CaseReplied) -> Self:
        """The mark that a reply causes."""
        return cls(event_id=event.event_id, day=day_of(event.happened_at).isoformat(), case_id=event.case_id)

    def item(self, rating: LedgerKey) -> dict[str, Any]:
        """The item beside its rating."""
        return item_of(answered_key(rating), self)


class Turned(CountedTurn):
    """The mark `X#` of a rating that is excluded or restored."""

    event_id: str
    case_id: str

    @classmethod
    def of(cls, event: AppealGranted | AppealOverturned) -> Self:
        """The mark that a decision causes."""
        return cls(
            **dict(event.rating),
            event_id=event.event_id,
            case_id=event.case_id,
            turn=event.turn,
            reason=event.reason,
            decided_day=day_of(event.happened_at),
        )

    def item(self, rating: LedgerKey) -> dict[str, Any]:
        """The item beside its rating."""
        return item_of(exclusion_key(rating, self.turn), self)


class Invitation(Mark):
    """A finished service without a rating: its applicant is invited, once (`I#`)."""

    event_ref: str
    region_code: str
    organisation: str
    task_code: str
    channel: RatingChannel
    issued_at: AwareDatetime
    expires_at: AwareDatetime

    @classmethod
    def of(cls, event: EventEntry, channel: RatingChannel, issued_at: datetime, expires_at: datetime) -> Self:
        """The invitation to rate a service."""
        return cls(
            event_id=event.event_ref,
            day=day_of(issued_at).isoformat(),
            **{name: getattr(event, name) for name in ("event_ref", "region_code", "organisation", "task_code")},
            channel=channel,
            issued_at=issued_at,
            expires_at=expires_at,
        )

    def item(self, project_no: str, service_number: int) -> dict[str, Any]:
        """The item beside its service event."""
        return item_of(invitation_key(project_no, service_number), self)


class Explained(Mark):
    """The reason for an overrun, given after the service was reported (`O#`), with what the overrun was."""

    event_ref: str
    region_code: str
    organisation: str
    task_code: str
    limit: Literal["promised", "statutory"]
    due_day: date
    finished_day: date
    received_hour: AwareDatetime
    overrun_reason: bytes

    @classmethod
    def of(cls, event: EventEntry) -> Self | None:
        """What a report adds that explains an overrun; None if there is nothing to explain, or no reason."""
        overrun = event.overran()
        if overrun is None or event.overrun_reason is None:
            return None
        return cls(
            event_id=event.message_id,
            day=day_of(event.received_at).isoformat(),
            **overrun,
            received_hour=hour_of(event.received_at),
            overrun_reason=event.overrun_reason,
        )

    def item(self, project_no: str, service_number: int) -> dict[str, Any]:
        """The item beside its service event."""
        return item_of(explanation_key(project_no, service_number), self)
