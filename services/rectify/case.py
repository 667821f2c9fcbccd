"""A rectification case: `decide(case, command, policy, now) -> events`, `evolve(case, event) -> case`. Pure (design, 6.6)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal, assert_never

from pydantic import AwareDatetime

from contract.codes import CaseMeasure, CaseState, Clock
from contract.ledger import CaseStep, RatingFacts
from contract.model import Model
from contract.zone import day_of, last_day_before
from policy.calendar import due

if TYPE_CHECKING:
    from datetime import datetime

    from policy.rules import Policy, TimeLimit


class OpenCase(Model):
    """A bad rating was accepted: it gets its case."""

    command: Literal["OpenCase"] = "OpenCase"
    rating: RatingFacts

    @property
    def case_id(self) -> str:
        """Derived from the rating, so that a rating has one case however often it is announced."""
        return case_id_of(self.rating.rating_id)

    @property
    def command_id(self) -> str:
        """The same for every announcement."""
        return "open"


class PassDeadline(Model):
    """The sweep found that a deadline has passed."""

    command: Literal["PassDeadline"] = "PassDeadline"
    case_id: str
    clock: Clock
    due_at: AwareDatetime

    @property
    def command_id(self) -> str:
        """One step of one clock: a second sweep has no second effect."""
        return f"overdue#{self.clock}#{self.due_at.isoformat()}"


class Deadline(Model):
    """A clock of a case: when it runs out (exclusive), whether that rests on an unannounced year, and whether it has."""

    due_at: AwareDatetime
    provisional: bool = False
    overdue: bool = False


class Opened(Model):
    """The case exists; its clocks run from the hour of receipt of the rating."""

    fact: Literal["Opened"] = "Opened"
    case_id: str
    rating: RatingFacts
    clocks: dict[Clock, Deadline]
    policy_version: str
    at: AwareDatetime


class BecameOverdue(Model):
    """A deadline passed."""

    fact: Literal["BecameOverdue"] = "BecameOverdue"
    clock: Clock
    due_at: AwareDatetime
    at: AwareDatetime


Command = OpenCase | PassDeadline
Fact = Opened | BecameOverdue


class Case(Model):
    """A case as its history makes it. `version` is the number of facts."""

    case_id: str
    version: int
    state: CaseState
    rating: RatingFacts
    clocks: dict[Clock, Deadline]
    policy_version: str
    opened_at: AwareDatetime

    @property
    def next_due(self) -> datetime | None:
        """The earliest deadline that has not been told yet, None if there is none."""
        return min((deadline.due_at for deadline in self.clocks.values() if not deadline.overdue), default=None)


def case_id_of(rating_id: str) -> str:
    """The case of a rating."""
    return "c_" + hashlib.sha256(rating_id.encode()).hexdigest()[:24]


def decide(case: Case | None, command: Command, policy: Policy | None, now: datetime) -> list[Fact]:
    """The facts that a command leads to; none if it has no effect (any more). `policy` is needed to open a case."""
    match command:
        case OpenCase():
            return [] if case or policy is None else [_open(command, policy, now)]
        case PassDeadline():
            return [] if case is None else _pass_deadline(case, command, now)
        case _:
            assert_never(command)


def evolve(case: Case | None, fact: Fact) -> Case:
    """The case after a fact. Raises ValueError if a fact other than Opened comes first."""
    if isinstance(fact, Opened):
        return Case(
            case_id=fact.case_id,
            version=1,
            state=CaseState.RECEIVED,
            rating=fact.rating,
            clocks=fact.clocks,
            policy_version=fact.policy_version,
            opened_at=fact.at,
        )
    if case is None:
        raise ValueError(f"{fact.fact} cannot be the first fact of a case")
    late = case.clocks[fact.clock].model_copy(update={"overdue": True})
    return case.model_copy(update={"version": case.version + 1, "clocks": case.clocks | {fact.clock: late}})


_DUE = {Clock.FIRST_CONTACT: CaseMeasure.CONTACT_DUE, Clock.RECTIFY: CaseMeasure.RECTIFY_DUE}


def step_of(case: Case, fact: Fact) -> CaseStep:
    """What a fact of the case adds to the scores; what fell due, on its last day."""
    if isinstance(fact, Opened):
        return CaseStep(rating=case.rating, measures=(CaseMeasure.OPENED,), day=day_of(fact.at))
    return CaseStep(rating=case.rating, measures=(CaseMeasure.OVERDUE, _DUE[fact.clock]), day=last_day_before(fact.due_at))


def _open(command: OpenCase, policy: Policy, now: datetime) -> Opened:
    # Until the facts are checked a case counts as simple (立行立改), the stricter of the two tracks.
    limits = {Clock.FIRST_CONTACT: policy.first_contact, Clock.RECTIFY: policy.rectify_simple}
    rating = command.rating
    clocks = {clock: _deadline(rating, limit) for clock, limit in limits.items() if limit}
    return Opened(case_id=command.case_id, rating=rating, clocks=clocks, policy_version=policy.version, at=now)


def _deadline(rating: RatingFacts, limit: TimeLimit) -> Deadline:
    at, provisional = due(rating.received_hour, limit, rating.region_code)
    return Deadline(due_at=at, provisional=provisional)


def _pass_deadline(case: Case, command: PassDeadline, now: datetime) -> list[Fact]:
    deadline = case.clocks.get(command.clock)
    if deadline is None or deadline.overdue or deadline.due_at != command.due_at or now < deadline.due_at:
        return []
    return [BecameOverdue(clock=command.clock, due_at=deadline.due_at, at=now)]
