"""The clocks of a case: each starts from its fact, and ends with one; nothing else restarts or pauses it (domain handbook, 17.2). Pure.

A deadline keeps what it is made of (start, limit, extensions, pauses), so that it can be worked out anew when the calendar is known better.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pydantic import AwareDatetime

from contract.codes import Clock, EscalationLevel, Track
from contract.model import Model
from policy.calendar import in_office_hours
from policy.deadlines import ends_by, extended, resumed, share_of
from policy.rules import TimeLimit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from policy.rules import Policy, Rung

# What the unit has to do; the others are the call-back desk's, the reviewer's and the supervisor's.
OF_THE_UNIT = frozenset({Clock.FIRST_CONTACT, Clock.VERIFY, Clock.RECTIFY, Clock.RECTIFY_AGAIN, Clock.REPLY})
# What stands still while an appeal is decided, if the policy says so.
PAUSABLE = (Clock.RECTIFY, Clock.RECTIFY_AGAIN, Clock.REPLY)


class Step(Model):
    """A step of the ladder that is still to come: whom it addresses, and when."""

    level: EscalationLevel
    at: AwareDatetime


class Pause(Model):
    """For how long a clock stood still."""

    since: AwareDatetime
    until: AwareDatetime


class Deadline(Model):
    """A clock: what it is made of, when it runs out (exclusive), and what has been told of it.

    `provisional`: it rests on a year that is not announced yet. `first_due_at` is the date before an extension, which stays visible.
    `overdue`: that it ran out has been told; `counted`: that it fell due has been counted.
    """

    started_at: AwareDatetime
    limit: TimeLimit
    due_at: AwareDatetime
    provisional: bool = False
    extensions: tuple[TimeLimit, ...] = ()
    first_due_at: AwareDatetime | None = None
    pauses: tuple[Pause, ...] = ()
    paused_at: AwareDatetime | None = None
    stopped_at: AwareDatetime | None = None
    overdue: bool = False
    counted: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether time goes on for it."""
        return self.stopped_at is None and self.paused_at is None

    @property
    def coming(self) -> list[Coming]:
        """What is still to be told of it: that it runs out, and the steps of the ladder. Nothing while it does not run."""
        if not self.is_running:
            return []
        runs_out = [] if self.overdue else [Coming(self.due_at, None)]
        return runs_out + [Coming(step.at, step.level) for step in self.steps]

    def is_late(self, now: datetime) -> bool:
        """Whether what it waits for comes too late."""
        return self.overdue or self.due_at <= now

    @property
    def kept_first(self) -> datetime:
        """The date that counts where extensions do not help."""
        return self.first_due_at or self.due_at


class Coming(NamedTuple):
    """Something that is to be told of a clock, and when: a step of the ladder, or (`level` None) that it runs out."""

    at: datetime
    level: EscalationLevel | None


class Due(NamedTuple):
    """Something of a clock whose time has come: a step of the ladder, or (`level` None) that it has run out."""

    clock: Clock
    level: EscalationLevel | None
    due_at: datetime


def begin(fact_at: datetime, limit: TimeLimit | None, policy: Policy, region: str) -> Deadline | None:
    """A clock that starts from a fact; None where the policy sets no limit."""
    if limit is None:
        return None
    due_at, provisional = ends_by(policy, fact_at, limit, region)
    return _with_steps(Deadline(started_at=fact_at, limit=limit, due_at=due_at, provisional=provisional), policy, region)


def relimited(deadline: Deadline, limit: TimeLimit, policy: Policy, region: str) -> Deadline:
    """The same clock, running from the same fact, under the limit of another track."""
    return _recounted(deadline.model_copy(update={"limit": limit, "overdue": False}), policy, region)


def prolonged(deadline: Deadline, by: TimeLimit, policy: Policy, region: str) -> Deadline:
    """The same clock with a further extension."""
    return _recounted(deadline.model_copy(update={"extensions": (*deadline.extensions, by)}), policy, region)


def paused(deadline: Deadline, now: datetime) -> Deadline:
    """The same clock, standing still."""
    return deadline.model_copy(update={"paused_at": now})


def going_on(deadline: Deadline, now: datetime, policy: Policy, region: str) -> Deadline:
    """The same clock after its pause."""
    if deadline.paused_at is None:
        return deadline
    pauses = (*deadline.pauses, Pause(since=deadline.paused_at, until=now))
    return _recounted(deadline.model_copy(update={"pauses": pauses, "paused_at": None}), policy, region)


def recounted(deadline: Deadline, policy: Policy, region: str) -> Deadline:
    """The same clock by the calendar as it is known now; the very same if nothing of it has moved."""
    again = _recounted(deadline, policy, region)
    return deadline if (again.due_at, again.provisional) == (deadline.due_at, deadline.provisional) else again


def due_by(clocks: Mapping[Clock, Deadline], now: datetime) -> list[Due]:
    """Everything of the clocks whose time has come."""
    found = [Due(clock, one.level, held.due_at) for clock, held in clocks.items() for one in held.coming if one.at <= now]
    # That clocks have run out before whom it is told to.
    return sorted(found, key=lambda one: one.level is not None)


def of_track(track: Track | None, policy: Policy) -> TimeLimit | None:
    """Within what a case of a track is put right; without a limit of its own the longer track has that of the shorter."""
    return (policy.rectify_complex if track is Track.COMPLEX else None) or policy.rectify_simple


def _recounted(deadline: Deadline, policy: Policy, region: str) -> Deadline:
    due_at, provisional = ends_by(policy, deadline.started_at, deadline.limit, region)
    first = due_at
    for pause in deadline.pauses:
        due_at, assumed = resumed(due_at, pause.since, pause.until, deadline.limit.unit, region, policy.opening_hours)
        first, provisional = due_at, provisional or assumed
    for by in deadline.extensions:
        due_at, assumed = extended(due_at, by, region)
        provisional = provisional or assumed
    moved = {"due_at": due_at, "provisional": provisional, "first_due_at": first if deadline.extensions else None}
    if due_at > deadline.due_at:
        moved["overdue"] = False
    return _with_steps(deadline.model_copy(update=moved), policy, region, told=deadline.steps if deadline.due_at == due_at else None)


def _with_steps(deadline: Deadline, policy: Policy, region: str, told: tuple[Step, ...] | None = None) -> Deadline:
    """With the ladder of the policy up to where it makes sense; of a date that has not moved only the steps that are still to come."""
    steps = told if told is not None else tuple(_steps(deadline, policy, region))
    return deadline.model_copy(update={"steps": steps})


def _steps(deadline: Deadline, policy: Policy, region: str) -> list[Step]:
    placed = [Step(level=rung.level, at=_at(deadline, rung, policy, region)) for rung in policy.escalation]
    # A reminder that comes no earlier than the deadline reminds of nothing.
    reminders = {rung.level for rung in policy.escalation if rung.share is not None}
    return [step for step in placed if step.level not in reminders or deadline.started_at < step.at < deadline.due_at]


def _at(deadline: Deadline, rung: Rung, policy: Policy, region: str) -> datetime:
    if rung.share is not None:
        # What an extension or a pause adds, it adds before the reminder as well.
        added = deadline.due_at - ends_by(policy, deadline.started_at, deadline.limit, region).at
        at = share_of(deadline.started_at, deadline.limit, rung.share, policy, region) + added
    else:
        # Counted from the last moment within the limit, so that "one working day later" is the next one.
        at = _after(deadline.due_at, rung, policy, region)
    return in_office_hours(at, policy.opening_hours, region)


def _after(due_at: datetime, rung: Rung, policy: Policy, region: str) -> datetime:
    if rung.after is None or rung.after.value == 0:
        return due_at
    return ends_by(policy, due_at - timedelta(microseconds=1), rung.after, region).at
