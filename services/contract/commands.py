"""Commands: what a unit, a supervisor, a reviewer, a call-back desk or a rater does with a case (domain handbook, section 17).

On the wire a command is the `data` of a CloudEvent of type `case-command.v1`, by the CommandInbox or by `POST /cases/{case_id}/commands`.
Each has a class of its own; `command` names it. A repeated `command_id` of the same party has no second effect.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import ConfigDict, Field, RootModel, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from contract.codes import ActionKind, ActorRole, CaseAction, Cause, ContestReason, ExclusionReason, Finding, Track, Verdict, Violation
from contract.identifiers import UNSEEN, Uscc
from contract.messages import Code, Moment, Reference
from contract.model import Model
from contract.refusals import refuse

COMMAND_TYPE = "case-command.v1"

_NOT_BLANK = r"\S"
Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=_NOT_BLANK)]
# What a party calls a command becomes part of a key.
CommandId = Annotated[str, StringConstraints(pattern=rf"^[^\s#|/{UNSEEN}]{{1,64}}$")]
CaseId = Annotated[str, StringConstraints(pattern=r"^c_[0-9a-z]{1,40}$")]
Evidence = Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_NOT_BLANK)], ...], Field(max_length=20)]
SomeEvidence = Annotated[Evidence, Field(min_length=1)]
ReceiptText = Annotated[str, StringConstraints(pattern=r"^rc_[A-Za-z0-9_-]{1,300}$")]


class Actor(Model):
    """The acting person: the sending party's own opaque name of the person, and the role in which the person acts."""

    person_ref: Code
    role: ActorRole


class Command(Model):
    """What every command says. `at` is when it was done, by the party's own clock; deadlines are judged by the time of receipt.

    `evidence` are references to what the party keeps: a document, a recording, a photograph. `receipt` is that of the rating, by which a
    rater proves to be the one (role RATER).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    action: ClassVar[CaseAction]

    command_id: CommandId
    case_id: CaseId
    actor: Actor
    at: Moment
    text: Text | None = None
    evidence: Evidence = ()
    receipt: ReceiptText | None = None

    @model_validator(mode="after")
    def _a_rater_proves_it(self) -> Self:
        if (self.actor.role is ActorRole.RATER) != (self.receipt is not None):
            raise PydanticCustomError("missing_field", "a rater, and nobody else, names the receipt", {"field": "receipt"})
        return self


class Assign(Command):
    """Names the person of the unit who is in charge (谁办理、谁负责)."""

    command: Literal["ASSIGN"]
    person: Code


class Contact(Command):
    """The rater was contacted, through a relay; or, `reached` false, was tried in vain."""

    command: Literal["CONTACT"]
    reached: Annotated[bool, Field(strict=True)] = True


class Verify(Command):
    """The facts were checked. COMPLEX needs the reasons (`text`) and the day by which it is to be put right (`planned_day`)."""

    command: Literal["VERIFY"]
    finding: Finding
    text: Text
    planned_day: date | None = None

    @model_validator(mode="after")
    def _complex_has_a_plan(self) -> Self:
        _check_plan(self.planned_day, is_complex=self.finding is Finding.COMPLEX)
        return self


class SetTrack(Command):
    """How the case is to be put right, where the verification left it open, or after it was reopened."""

    command: Literal["SET_TRACK"]
    track: Track
    text: Text
    planned_day: date | None = None

    @model_validator(mode="after")
    def _complex_has_a_plan(self) -> Self:
        _check_plan(self.planned_day, is_complex=self.track is Track.COMPLEX)
        return self


class Act(Command):
    """What was done, and why it had come to the bad rating.

    Where a guide, a process or staff were the cause, `change` says what is changed.
    """

    command: Literal["ACT"]
    action_kind: ActionKind
    cause: Cause
    change: Text | None = None
    text: Text

    @model_validator(mode="after")
    def _the_change_made(self) -> Self:
        if self.cause in {Cause.GUIDE, Cause.PROCESS, Cause.STAFF} and self.change is None:
            raise PydanticCustomError("change_missing", "the change made", {"field": "change"})
        return self


class Reply(Command):
    """The answer to the rater (`text`); of an anonymous rating it is published, screened. An explanation names its `legal_basis`."""

    command: Literal["REPLY"]
    text: Text
    legal_basis: Text | None = None


class CallBack(Command):
    """What the rater said at the call-back: CONFIRMED, DISSATISFIED, or, if nobody was reached, UNREACHED.

    `pressured`: the rater said "I was pressured". It goes past the unit to its supervisor.
    """

    command: Literal["CALL_BACK"]
    verdict: Verdict
    pressured: Annotated[bool, Field(strict=True)] = False


class AskExtension(Command):
    """Asks for a later date, with the reason; `value` is how much, in the unit of the policy, all that it allows where none is named."""

    command: Literal["ASK_EXTENSION"]
    text: Text
    value: Annotated[int, Field(strict=True, ge=1, le=366)] | None = None


class DecideExtension(Command):
    """Grants or refuses an extension."""

    command: Literal["DECIDE_EXTENSION"]
    granted: Annotated[bool, Field(strict=True)]
    text: Text


class ProposeTransfer(Command):
    """Asks another unit to take the case over, with the reason; until it accepts, nothing changes, and the clocks run on."""

    command: Literal["PROPOSE_TRANSFER"]
    to: Uscc
    text: Text


class AnswerTransfer(Command):
    """The unit that was asked accepts the case, or does not."""

    command: Literal["ANSWER_TRANSFER"]
    accepted: Annotated[bool, Field(strict=True)]
    text: Text


class Reassign(Command):
    """The supervisor gives the case to a unit, with the reason."""

    command: Literal["REASSIGN"]
    to: Uscc
    text: Text


class AddSubtask(Command):
    """The lead unit hands a part to a co-handling unit; the rater gets one reply, when every part is done."""

    command: Literal["ADD_SUBTASK"]
    organisation: Uscc
    text: Text


class CloseSubtask(Command):
    """The co-handling unit has done its part, or (`done` false) the lead unit withdraws it."""

    command: Literal["CLOSE_SUBTASK"]
    subtask: Annotated[int, Field(strict=True, ge=1, le=99)]
    done: Annotated[bool, Field(strict=True)]
    text: Text


class State(Command):
    """An explanation or further evidence, by whoever takes part in the case. It changes neither state nor deadline."""

    command: Literal["STATE"]
    text: Text


class LinkProblem(Command):
    """Links the case to a problem record of the unit, which holds the cases with one cause (`text`) and the change made."""

    command: Literal["LINK_PROBLEM"]
    problem: Reference
    text: Text


class RecordChange(Command):
    """What was changed for good because of the problem."""

    command: Literal["RECORD_CHANGE"]
    problem: Reference
    text: Text
    evidence: SomeEvidence


class FileAppeal(Command):
    """申诉: the unit or the rated person says that the rating was a mistake or in bad faith, with evidence."""

    command: Literal["FILE_APPEAL"]
    reason: ExclusionReason
    text: Text
    evidence: SomeEvidence


class Object(Command):
    """The rater objects to an appeal."""

    command: Literal["OBJECT"]
    text: Text


class DecideAppeal(Command):
    """复核: somebody outside the rated unit decides an appeal. Granted, the rating no longer counts; it stays visible."""

    command: Literal["DECIDE_APPEAL"]
    granted: Annotated[bool, Field(strict=True)]
    text: Text


class Contest(Command):
    """The rater contests the result, once. The rater's own account (`text`) is evidence."""

    command: Literal["CONTEST"]
    reason: ContestReason
    text: Text


class DecideReview(Command):
    """Somebody outside the rated unit decides what the rater contests: overturned, the case is put right again."""

    command: Literal["DECIDE_REVIEW"]
    overturned: Annotated[bool, Field(strict=True)]
    text: Text


class ReportPressure(Command):
    """The rater was pressured. It goes past the unit to its supervisor, and the unit never sees it."""

    command: Literal["REPORT_PRESSURE"]


class DecideSupervision(Command):
    """The supervisor decides after repeated dissatisfaction: put right once more, or closed."""

    command: Literal["DECIDE_SUPERVISION"]
    rectify: Annotated[bool, Field(strict=True)]
    text: Text


class Urge(Command):
    """催办: the supervisor urges the unit."""

    command: Literal["URGE"]
    text: Text


class ReferViolation(Command):
    """Refers a proven violation of the unit or its staff to those who pursue it. The unit is not told."""

    command: Literal["REFER_VIOLATION"]
    violation: Violation
    against: Literal["UNIT", "STAFF"]
    text: Text
    evidence: SomeEvidence


def _check_plan(planned: date | None, *, is_complex: bool) -> None:
    if is_complex != (planned is not None):
        raise PydanticCustomError("missing_field", "what is put right by a date names it", {"field": "planned_day"})


AnyCommand = (
    Assign
    | Contact
    | Verify
    | SetTrack
    | Act
    | Reply
    | CallBack
    | AskExtension
    | DecideExtension
    | ProposeTransfer
    | AnswerTransfer
    | Reassign
    | AddSubtask
    | CloseSubtask
    | State
    | LinkProblem
    | RecordChange
    | FileAppeal
    | Object
    | DecideAppeal
    | Contest
    | DecideReview
    | ReportPressure
    | DecideSupervision
    | Urge
    | ReferViolation
)


class CaseCommand(RootModel[Annotated[AnyCommand, Field(discriminator="command")]]):
    """A command of any kind, as its schema is published."""

    model_config = ConfigDict(frozen=True)


COMMANDS: dict[CaseAction, type[AnyCommand]] = {
    CaseAction(get_args(command.model_fields["command"].annotation)[0]): command for command in get_args(AnyCommand)
}
for _action, _command in COMMANDS.items():
    _command.action = _action


def command_of(data: dict[str, Any]) -> AnyCommand:
    """The command that this says. Raises Refused (`unknown_command`), and ValidationError with the fields at fault."""
    named = data.get("command")
    if not isinstance(named, str) or named not in set(CaseAction):
        raise refuse("unknown_command", "command", ", ".join(CaseAction))
    return COMMANDS[CaseAction(named)].model_validate(data)
