"""Whose case it is: transfers with a reason and acceptance, and parts for co-handling units. The clocks run on (domain handbook, 17.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.refusals import refuse
from rectify.facts import SubtaskAdded, SubtaskClosed, TransferProposed, Transferred, TransferRefused

if TYPE_CHECKING:
    from contract.commands import AddSubtask, AnswerTransfer, CloseSubtask, ProposeTransfer, Reassign
    from rectify.decisions.doing import Doing
    from rectify.facts import Fact
    from rectify.orders import Routing

# Each is written with every step of the case, and a transaction takes a hundred items.
_MOST_SUBTASKS = 20


def propose_transfer(doing: Doing, _: ProposeTransfer) -> list[Fact]:
    """Another unit is asked; until it accepts, the case stays where it is."""
    doing.needs_work()
    if doing.case.transfer:
        raise refuse("transfer_pending", "case_id")
    return [doing.fact(TransferProposed, to=_target(doing))]


def answer_transfer(doing: Doing, order: AnswerTransfer) -> list[Fact]:
    """The unit that was asked accepts, or does not."""
    doing.needs_work()
    if doing.case.transfer is None:
        raise refuse("no_transfer", "case_id")
    return [doing.fact(Transferred, to=doing.case.transfer, before=doing.case.unit) if order.accepted else doing.fact(TransferRefused)]


def reassign(doing: Doing, _: Reassign) -> list[Fact]:
    """The supervisor's word takes the place of an acceptance."""
    doing.needs_work()
    return [doing.fact(Transferred, to=_target(doing), before=doing.case.unit)]


def _target(doing: Doing) -> Routing:
    """Where the case would go. Raises Refused for a unit that nobody has registered, or that has the case."""
    if doing.to is None:
        raise refuse("unknown_organisation", "to")
    if doing.to.unit == doing.case.unit:
        raise refuse("same_unit", "to")
    return doing.to


def add_subtask(doing: Doing, order: AddSubtask) -> list[Fact]:
    """A part for a co-handling unit; the lead unit owns the case and the one reply."""
    doing.needs_work()
    if doing.to is None:
        raise refuse("unknown_organisation", "organisation")
    if order.organisation == doing.case.unit:
        raise refuse("same_unit", "organisation")
    if order.organisation in doing.case.routing.above:
        raise refuse("stands_above", "organisation")
    if len(doing.case.subtasks) >= _MOST_SUBTASKS:
        raise refuse("too_many_subtasks", "case_id", str(_MOST_SUBTASKS))
    return [doing.fact(SubtaskAdded, subtask=len(doing.case.subtasks) + 1, organisation=order.organisation)]


def close_subtask(doing: Doing, order: CloseSubtask) -> list[Fact]:
    """The co-handling unit's part is done, with as much evidence as the policy asks for; or the lead unit withdraws it."""
    doing.needs_open()
    part = next((one for one in doing.case.subtasks if one.subtask == order.subtask and one.is_open), None)
    if part is None:
        raise refuse("no_subtask", "subtask", ", ".join(str(one.subtask) for one in doing.case.subtasks if one.is_open))
    if order.done and len(order.evidence) < doing.policy.min_evidence:
        raise refuse("evidence_missing", "evidence", str(doing.policy.min_evidence))
    return [doing.fact(SubtaskClosed, subtask=part.subtask, organisation=part.organisation, done=order.done)]
