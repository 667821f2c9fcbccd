"""What a work list says of a case: enough to choose what to do next, and nobody's name. Pure."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, Field

from contract.codes import CaseState, Clock, Closure, IdentityMode, Level, RatingKind, Track
from contract.model import Model

if TYPE_CHECKING:
    from rectify.case import Case


class Summary(Model):
    """A case on a list. `due` are the deadlines that run (exclusive instants); `day` is the one that the rating counts for."""

    case_id: str
    state: CaseState
    region_code: str
    unit: str | None = None
    person: str | None = None
    kind: RatingKind
    level: Level
    identity_mode: IdentityMode
    task_code: str | None = None
    window: str | None = None
    day: date
    due: dict[Clock, AwareDatetime] = Field(default_factory=dict)
    provisional: tuple[Clock, ...] = ()
    overdue: tuple[Clock, ...] = ()
    track: Track | None = None
    extended: int = 0
    transferred: int = 0
    reopened: int = 0
    transfer_to: str | None = None
    open_subtasks: tuple[str, ...] = ()
    closure: Closure | None = None


def summary(case: Case) -> Summary:
    """The case as a list shows it. A report of pressure is not in it."""
    rating, running = case.rating, case.running
    return Summary(
        case_id=case.case_id,
        state=case.state,
        region_code=case.region,
        unit=case.unit,
        person=case.person,
        kind=rating.kind,
        level=rating.level,
        identity_mode=rating.identity_mode,
        task_code=rating.task_code,
        window=rating.window,
        day=rating.day,
        due={clock: deadline.due_at for clock, deadline in running.items()},
        provisional=tuple(clock for clock, deadline in running.items() if deadline.provisional),
        overdue=tuple(clock for clock, deadline in running.items() if deadline.overdue),
        track=case.track,
        extended=case.extensions,
        transferred=case.transfers,
        reopened=case.reopened,
        transfer_to=case.transfer.unit if case.transfer else None,
        open_subtasks=tuple(part.organisation for part in case.subtasks if part.is_open),
        closure=case.closure,
    )
