"""Who may do what with a case (domain handbook, 17.4): by the party, by its scope, by the role granted to the person. Pure."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from contract.codes import ActorRole, CaseAction, Role
from contract.commands import AnswerTransfer, CloseSubtask, DecideExtension, DecideReview
from contract.refusals import refuse
from rectify.naming import receipt_hash

if TYPE_CHECKING:
    from contract.commands import AnyCommand
    from policy.rules import Policy
    from rectify.case import Case
    from rectify.orders import Acting

A = CaseAction

MAY: dict[ActorRole, frozenset[CaseAction]] = {
    ActorRole.COORDINATOR: frozenset(
        {
            A.ASSIGN,
            A.CONTACT,
            A.VERIFY,
            A.SET_TRACK,
            A.ACT,
            A.REPLY,
            A.ASK_EXTENSION,
            A.PROPOSE_TRANSFER,
            A.ANSWER_TRANSFER,
            A.ADD_SUBTASK,
            A.CLOSE_SUBTASK,
            A.STATE,
            A.LINK_PROBLEM,
            A.RECORD_CHANGE,
            A.FILE_APPEAL,
        }
    ),
    ActorRole.RECTIFIER: frozenset({A.CONTACT, A.ACT, A.CLOSE_SUBTASK, A.STATE, A.RECORD_CHANGE}),
    ActorRole.STAFF: frozenset({A.STATE, A.FILE_APPEAL}),
    ActorRole.CALLBACK_DESK: frozenset({A.CONTACT, A.CALL_BACK}),
    ActorRole.SUPERVISOR: frozenset(
        {A.URGE, A.DECIDE_EXTENSION, A.REASSIGN, A.DECIDE_SUPERVISION, A.DECIDE_APPEAL, A.STATE, A.REFER_VIOLATION}
    ),
    ActorRole.REVIEWER: frozenset({A.DECIDE_APPEAL, A.DECIDE_REVIEW, A.DECIDE_EXTENSION, A.STATE, A.REFER_VIOLATION}),
    ActorRole.RATER: frozenset({A.OBJECT, A.CONTEST, A.REPORT_PRESSURE, A.STATE}),
}
OF_THE_UNIT = frozenset({ActorRole.COORDINATOR, ActorRole.RECTIFIER, ActorRole.STAFF})
# Who decides or asks about a case must have no part in it, and so must say where he or she belongs.
INDEPENDENT = frozenset({ActorRole.CALLBACK_DESK, ActorRole.SUPERVISOR, ActorRole.REVIEWER})
# For which roles a party of a kind may name persons. A channel platform speaks for raters; the hotline is one, too.
_SPEAKS_FOR: dict[Role, frozenset[ActorRole]] = {
    Role.UNIT: OF_THE_UNIT,
    Role.SUPERVISOR: INDEPENDENT | OF_THE_UNIT,
    Role.CHANNEL: frozenset({ActorRole.RATER, ActorRole.CALLBACK_DESK}),
    Role.CONSUMER: frozenset(),
}


def check(case: Case, command: AnyCommand, acting: Acting, policy: Policy) -> None:
    """Raises Refused with the rule that stands in the way."""
    if acting.role not in _SPEAKS_FOR[acting.party_role]:
        raise refuse("role_of_other_party", "actor.role", ", ".join(sorted(_SPEAKS_FOR[acting.party_role])))
    if acting.role is ActorRole.RATER:
        _check_rater(case, command)
    elif acting.role not in acting.roles:
        raise refuse("role_not_granted", "actor.role", ", ".join(sorted(acting.roles)))
    if command.action not in MAY[acting.role]:
        raise refuse("role_may_not", "actor.role", ", ".join(role for role in ActorRole if command.action in MAY[role]))
    if acting.role in OF_THE_UNIT:
        _check_unit(case, command, acting)
    elif acting.role in INDEPENDENT:
        _check_independent(case, command, acting, policy)


def covers(case: Case, acting: Acting) -> bool:
    """Whether the case lies in the scope of a party that is no unit: by its region, or down its own line."""
    if acting.organisation is not None and acting.organisation in case.routing.above:
        return True
    return acting.supervises(case.region, case.unit)


def is_unit_of(case: Case, acting: Acting) -> bool:
    """Whether the party speaks for the unit in charge; where none is known, the supervisor of the region does."""
    if case.unit is None or acting.party_role is Role.SUPERVISOR:
        return acting.party_role is Role.SUPERVISOR and acting.reaches(case.region) and case.unit in (None, acting.organisation)
    return case.unit in _units_of(acting)


def _units_of(acting: Acting) -> tuple[str, ...]:
    """For which units the person acts: where the grant names one, for that one alone."""
    return (acting.organisation,) if acting.organisation in acting.organisations else acting.organisations


def _check_rater(case: Case, command: AnyCommand) -> None:
    if not (case.receipt_sha256 and command.receipt and hmac.compare_digest(receipt_hash(command.receipt), case.receipt_sha256)):
        raise refuse("wrong_receipt", "receipt")


def _check_unit(case: Case, command: AnyCommand, acting: Acting) -> None:
    if isinstance(command, AnswerTransfer):
        if case.transfer is None or case.transfer.unit not in _units_of(acting):
            raise refuse("no_transfer", "case_id")
        return
    is_anothers_part = isinstance(command, CloseSubtask) and command.done
    if is_unit_of(case, acting) and not is_anothers_part:
        return
    own = [subtask for subtask in case.subtasks if subtask.organisation in _units_of(acting)]
    # A co-handling unit does its own part, and may say what it has to say.
    if command.action is A.STATE and own:
        return
    if isinstance(command, CloseSubtask) and command.done and command.subtask in {subtask.subtask for subtask in own}:
        return
    raise refuse("not_your_case", "case_id")


def _check_independent(case: Case, command: AnyCommand, acting: Acting, policy: Policy) -> None:
    if not covers(case, acting):
        raise refuse("not_your_case", "case_id")
    if acting.organisation is None:
        raise refuse("organisation_unknown", "actor.person_ref")
    if acting.organisation in case.involved:
        raise refuse("of_the_rated_unit", "actor.person_ref")
    if command.action is A.DECIDE_APPEAL and acting.role is not policy.appeal.reviewer_role:
        raise refuse("role_may_not", "actor.role", policy.appeal.reviewer_role)
    if isinstance(command, DecideExtension):
        _check_approver(case, acting, policy)
    if isinstance(command, DecideReview):
        decided_by = case.appeal_decided_by
        if decided_by and (decided_by.party, decided_by.person) == (acting.party, acting.person):
            raise refuse("own_decision", "actor.person_ref")


def _check_approver(case: Case, acting: Acting, policy: Policy) -> None:
    approver = policy.extension.approver_role if policy.extension else ActorRole.SUPERVISOR
    if acting.role is not approver:
        raise refuse("role_may_not", "actor.role", approver)
    if case.asked and (case.asked.by.party, case.asked.by.person) == (acting.party, acting.person):
        raise refuse("own_decision", "actor.person_ref")
