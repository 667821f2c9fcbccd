"""What rectify decides about the one bad rating in the Ledger, as it tells the bus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from contract.events import AppealGranted, AppealOverturned, CaseReplied
from contract.ledger import RatingFacts


def rating_in(bed: Any) -> RatingFacts:
    (entry,) = [item for item in bed.items("LedgerTable", "R#") if item["level"] in {"DISSATISFIED", "VERY_DISSATISFIED"}]
    return RatingFacts.model_validate(entry)


def replied(bed: Any, event_id: str = "ev_replied") -> CaseReplied:
    return CaseReplied(event_id=event_id, happened_at=datetime.now(UTC), case_id="c_1", rating_id=rating_in(bed).rating_id)


def granted(bed: Any, event_id: str = "ev_granted", turn: int = 1) -> AppealGranted:
    held = {"event_id": event_id, "happened_at": datetime.now(UTC), "case_id": "c_1", "turn": turn}
    return AppealGranted(**held, rating=rating_in(bed), reason="MISTAKE")


def overturned(bed: Any, event_id: str = "ev_overturned", turn: int = 2) -> AppealOverturned:
    held = {"event_id": event_id, "happened_at": datetime.now(UTC), "case_id": "c_1", "turn": turn}
    return AppealOverturned(**held, rating=rating_in(bed), reason="MISTAKE")
