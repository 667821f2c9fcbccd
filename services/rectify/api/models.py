"""What the door answers, as `rectify.api.views` and `rectify.api.rater` fill it, and `rectify.api.openapi` describes it.

Every value of a code list comes with its labels (`Coded`), except where a system is answered on its own command. What is not said is
absent.
"""

from __future__ import annotations

from datetime import date
from typing import Self

from pydantic import AwareDatetime, Field

from contract.codes import CaseFact, CaseState, Clock, Code
from contract.model import Model
from contract.refusals import Refusal


class Coded(Model):
    """A value of a code list with its labels."""

    code: str
    zh: str
    en: str

    @classmethod
    def of(cls, code: Code) -> Self:
        """The value as it is shown."""
        return cls(code=code.value, zh=code.zh, en=code.en)


class Due(Model):
    """A deadline: an exclusive instant. `first_due_at` is the date before an extension; `provisional`: the calendar of its year is not out.

    `overdue`: that it ran out has been told. One that does not run has stopped, or stands still while an appeal is decided (`paused`).
    """

    zh: str
    en: str
    due_at: AwareDatetime
    first_due_at: AwareDatetime | None = None
    provisional: bool = False
    overdue: bool = False
    running: bool = True
    paused: bool = False
    started_at: AwareDatetime | None = None
    stopped_at: AwareDatetime | None = None


# ---------------------------------------------------------------- lists


class Row(Model):
    """A case on a list. `part` is the number of the unit's own part where another unit has the case.

    `pressure_reported_at` stands on the list of such reports alone.
    """

    case_id: str
    part: int | None = None
    pressure_reported_at: AwareDatetime | None = None
    state: Coded
    region_code: str
    unit: str | None = None
    person: str | None = None
    kind: Coded
    level: Coded
    identity_mode: Coded
    task_code: str | None = None
    window: str | None = None
    day: date
    due: dict[Clock, Due]
    track: Coded | None = None
    extended: int
    transferred: int
    reopened: int
    transfer_to: str | None = None
    open_subtasks: tuple[str, ...] = ()
    closure: Coded | None = None


class WorkList(Model):
    """A page of a work list; without `cursor` it was the last one."""

    cases: tuple[Row, ...]
    cursor: str | None = None


# ---------------------------------------------------------------- a case with its history


class Tagged(Model):
    """A reason of the national dictionary; `checked` is what the recorded facts say of it."""

    code: str
    zh: str
    en: str
    checked: Coded | None = None


class RatingSeen(Model):
    """The rating of a case. Of one that was parked, the clocks of the case run from `admitted_hour`."""

    rating_id: str | None = None
    kind: Coded
    round: int
    level: Coded
    tags: tuple[Tagged, ...] = ()
    identity_mode: Coded
    region_code: str
    organisation: str | None = None
    task_code: str | None = None
    handle_item_code: str | None = None
    guide_version: str | None = None
    window: str | None = None
    platform: str | None = None
    staff_ref: str | None = None
    day: date
    received_hour: AwareDatetime | None = None
    admitted_hour: AwareDatetime | None = None
    object_type: Coded | None = None
    provenance: Coded | None = None
    rating_channel: Coded | None = None
    service_channel: Coded | None = None
    handling_type: Coded | None = None
    applicant_type: Coded | None = None
    flags: tuple[Coded, ...] | None = None
    policy_version: str | None = None


class Doer(Model):
    """Who did it. Of a rater nobody is told more than the role."""

    role: Coded
    organisation: str | None = None
    party: str | None = None
    person: str | None = None


class FactSeen(Model):
    """What happened, in order. `day` is of Asia/Shanghai; `at` is said of what officials did, and to supervisors.

    `said_at` is when the acting person says to have done it. `starts` are the deadlines that it set, `stops` the clocks that it ended. The
    rest is what facts of this kind say.
    """

    fact: Coded
    day: date
    at: AwareDatetime | None = None
    by: Doer | None = None
    said_at: AwareDatetime | None = None
    text: str | None = None
    evidence: tuple[str, ...] | None = None
    starts: dict[Clock, Due] | None = None
    stops: tuple[Coded, ...] | None = None
    rating: RatingSeen | None = None
    person: str | None = None
    outcome: Coded | None = None
    finding: Coded | None = None
    track: Coded | None = None
    planned_day: date | None = None
    action_kind: Coded | None = None
    cause: Coded | None = None
    change: str | None = None
    legal_basis: str | None = None
    public_reply: str | None = None
    verdict: Coded | None = None
    state: Coded | None = None
    closure: Coded | None = None
    confirmed: bool | None = None
    times: int | None = None
    rectify: bool | None = None
    clock: Coded | None = None
    value: int | None = None
    first_due_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    to: str | None = None
    before: AwareDatetime | str | None = None
    subtask: int | None = None
    organisation: str | None = None
    done: bool | None = None
    problem: str | None = None
    reason: Coded | None = None
    turn: int | None = None
    violation: Coded | None = None
    against: Coded | None = None
    level: Coded | None = None
    month: str | None = None
    cases: int | None = None
    calendar: str | None = None


class PartSeen(Model):
    """The part of a co-handling unit."""

    subtask: int
    organisation: str
    is_open: bool
    is_done: bool


class AskedSeen(Model):
    """An extension that waits for its decision."""

    clock: Coded
    value: int


class Attempt(Model):
    """A command that was refused, with the rules that refused it. For supervisors."""

    at: AwareDatetime
    party: str
    command_id: str
    action: Coded
    role: Coded
    person: str | None = None
    refusals: tuple[Refusal, ...]


class CaseSeen(Model):
    """A case with its whole history, as far as the asking party may see it."""

    case_id: str
    state: Coded
    rating: RatingSeen
    unit: str | None = None
    person: str | None = None
    due: dict[Clock, Due]
    contact: Coded | None = None
    finding: Coded | None = None
    track: Coded | None = None
    planned_day: date | None = None
    verdict: Coded | None = None
    closure: Coded | None = None
    confirmed: bool
    reopened: int
    extensions: int
    asked: AskedSeen | None = None
    transfers: int
    transfer_to: str | None = None
    subtasks: tuple[PartSeen, ...] = ()
    problems: tuple[str, ...] = ()
    appeals: int
    appeal_reason: Coded | None = None
    excluded: Coded | None = None
    contested: bool
    history: tuple[FactSeen, ...]
    # For supervisors.
    above: tuple[str, ...] | None = None
    pressured: bool | None = None
    policy_version: str | None = None
    calendar: str | None = None
    refused: tuple[Attempt, ...] | None = None


# ---------------------------------------------------------------- the rater


class CitizenState(Model):
    """Where the case stands, in words for whoever rated."""

    code: str
    zh: str
    en: str


class NextDue(Model):
    """What is due next, and until when (exclusive)."""

    clock: Coded
    due_at: AwareDatetime
    provisional: bool


class AnswerSeen(Model):
    """The last answer. `legal_basis` is that of an explanation."""

    day: date
    text: str
    legal_basis: str | None = None


class AppealSeen(Model):
    """The last appeal against the rating: why, and whether it was granted (absent until it is decided). Until then the rater may object."""

    filed_on: date
    reason: Coded
    granted: bool | None = None
    may_object: bool
    objected: bool


class ContestSeen(Model):
    """Whether the result may be contested now, until when (exclusive), and whether it was."""

    may_contest: bool
    until: AwareDatetime | None = None
    contested: bool


class RaterSeen(Model):
    """The case of a rating as its rater sees it. `excluded` says why the rating does not count; the rater goes free whatever it says."""

    case_id: str
    state: CitizenState
    received_hour: AwareDatetime
    admitted_hour: AwareDatetime | None = None
    next_due: NextDue | None = None
    answered: bool
    answer: AnswerSeen | None = None
    closure: Coded | None = None
    confirmed: bool
    appeal: AppealSeen | None = None
    excluded: Coded | None = None
    contest: ContestSeen


# ---------------------------------------------------------------- commands and problems


class CarriedOut(Model):
    """What a command led to: the facts, the state after them; and the deadlines that run now, if the party still sees the case."""

    case_id: str
    command_id: str
    facts: tuple[CaseFact, ...]
    state: CaseState
    due: dict[Clock, AwareDatetime] = Field(default_factory=dict)


class Decided(Model):
    """What a command led to when it was decided: facts and the state after them, or the rules that refused it."""

    case_id: str
    command_id: str
    facts: tuple[CaseFact, ...] = ()
    state: CaseState | None = None
    refusals: tuple[Refusal, ...] = ()


class Linked(Model):
    """A case that has the cause of a problem, and how the unit described it."""

    case_id: str
    at: AwareDatetime
    text: str


class Changed(Model):
    """What was changed for good because of a problem, recorded with one of its cases."""

    case_id: str
    at: AwareDatetime
    text: str
    evidence: tuple[str, ...]


class ProblemSeen(Model):
    """A problem record of a unit: the cases with one cause, and the changes made."""

    unit: str
    problem: str
    cases: tuple[Linked, ...]
    changes: tuple[Changed, ...]
