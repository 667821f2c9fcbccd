"""The case of a rating as its rater sees it: where it stands, what is due, the answer, and what the rater may still do. Pure.

No person of the unit, nothing that was said inside, no escalation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codes import CaseState
from contract.zone import day_of
from policy.deadlines import ends_by
from rectify.api.models import AnswerSeen, AppealSeen, CitizenState, Coded, ContestSeen, NextDue, RaterSeen
from rectify.facts import AppealFiled, AppealRefused, Objected, RatingExcluded, Replied

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from policy.rules import Policy
    from rectify.case import Case
    from rectify.facts import Fact

IN_WORDS: dict[CaseState, tuple[str, str]] = {
    CaseState.RECEIVED: ("已收到您的评价，正在安排办理", "We have your rating and are finding who takes care of it."),
    CaseState.ASSIGNED: ("已指派专人办理", "Somebody is in charge of it."),
    CaseState.CONTACTED: ("正在核实情况", "The facts are being checked."),
    CaseState.VERIFIED: ("情况已核实，正在确定如何处理", "The facts were checked; it is being decided what to do."),
    CaseState.RECTIFYING: ("正在整改", "It is being put right."),
    CaseState.EXPLAINING: ("正在准备说明和答复", "An explanation is being prepared."),
    CaseState.APPEALED: (
        "被评单位提出申诉，由其他机构复核，您可以提出异议",
        "The rated side has appealed; another body decides, and you may object.",
    ),
    CaseState.UNDER_REVIEW: ("您对结果的异议正在复核", "What you contest is being reviewed."),
    CaseState.REPLIED: ("已答复", "You have an answer."),
    CaseState.CALLBACK: ("已答复，正在回访", "You have an answer, and are being asked whether it was put right."),
    CaseState.REOPENED: ("您不满意处理结果，已重新整改", "You are not satisfied: it is being put right again."),
    CaseState.SUPERVISED: ("已提请监督部门决定", "It is before the supervisor."),
    CaseState.CLOSED: ("已办结", "It is closed."),
    CaseState.CLOSED_UNCONFIRMED: ("已办结，未经您确认", "It is closed, without your confirmation."),
    CaseState.EXCLUDED: (
        "申诉成立，该评价不计入统计，您不会因此受到任何影响",
        "The appeal was granted: the rating does not count. It has no effect on you.",
    ),
}


def case_for_rater(case: Case, history: Sequence[Fact], policy: Policy, now: datetime) -> RaterSeen:
    """The case as its rater sees it: no person of the unit, nothing that was said inside, no escalation."""
    zh, en = IN_WORDS[case.state]
    answer = _answer_of(case, history)
    return RaterSeen(
        case_id=case.case_id,
        state=CitizenState(code=case.state, zh=zh, en=en),
        received_hour=case.rating.received_hour,
        admitted_hour=case.rating.admitted_hour,
        next_due=_next_due(case),
        answered=answer is not None,
        answer=answer,
        closure=Coded.of(case.closure) if case.closure else None,
        confirmed=case.confirmed,
        appeal=_appeal_of(case, history),
        excluded=Coded.of(case.excluded) if case.excluded else None,
        contest=_contest_of(case, policy, now),
    )


def _next_due(case: Case) -> NextDue | None:
    coming = sorted((held.due_at, clock, held.provisional) for clock, held in case.running.items())
    return next((NextDue(clock=Coded.of(clock), due_at=at, provisional=provisional) for at, clock, provisional in coming), None)


def _answer_of(case: Case, history: Iterable[Fact]) -> AnswerSeen | None:
    replies = [fact for fact in history if isinstance(fact, Replied)]
    if not replies:
        return None
    last = replies[-1]
    if not case.is_real_name:
        return AnswerSeen(day=day_of(last.at), text=last.public_reply or "")
    return AnswerSeen(day=day_of(last.at), text=last.text or "", legal_basis=last.legal_basis)


def _appeal_of(case: Case, history: Sequence[Fact]) -> AppealSeen | None:
    filed = [n for n, fact in enumerate(history) if isinstance(fact, AppealFiled)]
    if not filed:
        return None
    appeal, since = history[filed[-1]], history[filed[-1] :]
    decided = [fact for fact in since if isinstance(fact, (RatingExcluded, AppealRefused))]
    return AppealSeen(
        filed_on=day_of(appeal.at),
        reason=Coded.of(appeal.reason) if isinstance(appeal, AppealFiled) else None,
        granted=isinstance(decided[0], RatingExcluded) if decided else None,
        may_object=case.state is CaseState.APPEALED,
        objected=any(isinstance(fact, Objected) for fact in since),
    )


def _contest_of(case: Case, policy: Policy, now: datetime) -> ContestSeen:
    if case.contested or not case.is_final or case.closed_at is None:
        return ContestSeen(may_contest=False, contested=case.contested)
    until = ends_by(policy, case.closed_at, policy.contest_window, case.region).at
    return ContestSeen(may_contest=now < until, until=until, contested=False)
