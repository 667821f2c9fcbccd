"""The unit's own work: assign, contact, verify, put right or explain, reply (国办发〔2019〕51号, 四(一); domain handbook, 17.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codes import CaseState, Clock, Closure, ContactOutcome, Finding, Track
from contract.refusals import refuse
from contract.zone import day_of, last_day_before
from policy.screening import screened
from rectify.clocks import begin, relimited
from rectify.facts import (
    ActionTaken,
    Assigned,
    ChangeRecorded,
    Closed,
    Contacted,
    ContactTried,
    ProblemLinked,
    Replied,
    StatementAdded,
    TrackSet,
    Urged,
    Verified,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from contract.commands import Act, Assign, Contact, LinkProblem, RecordChange, Reply, SetTrack, State, Urge, Verify
    from policy.rules import Policy
    from rectify.clocks import Deadline
    from rectify.decisions.doing import Doing
    from rectify.facts import Fact

_TRACKS = {Finding.SIMPLE: Track.SIMPLE, Finding.COMPLEX: Track.COMPLEX, Finding.NO_LEGAL_BASIS: Track.EXPLAIN}


def assign(doing: Doing, order: Assign) -> list[Fact]:
    """Somebody is in charge. An anonymous rater is not contacted, which the history says."""
    doing.needs_work()
    assigned = doing.fact(Assigned, person=order.person)
    if doing.case.state is not CaseState.RECEIVED or doing.case.is_real_name:
        return [assigned]
    return [assigned, _contacted(doing, ContactOutcome.ANONYMOUS)]


def contact(doing: Doing, order: Contact) -> list[Fact]:
    """Reached, or tried: so many times on so many days, as the policy says, that the unit may go on."""
    doing.needs_state({CaseState.ASSIGNED})
    if order.reached:
        return [doing.fact(Contacted, outcome=ContactOutcome.REACHED, stops=doing.stops(Clock.FIRST_CONTACT))]
    tried: Fact = doing.fact(ContactTried)
    if not used_up((*doing.case.contact_tries, day_of(doing.now)), doing.policy):
        return [tried]
    return [tried, _contacted(doing, ContactOutcome.UNREACHED)]


def _contacted(doing: Doing, outcome: ContactOutcome) -> Contacted:
    return doing.bare(Contacted, outcome=outcome, stops=doing.stops(Clock.FIRST_CONTACT))


def used_up(tries: Iterable[date], policy: Policy) -> bool:
    """Whether a rater who was tried on these days counts as not reached."""
    days = list(tries)
    return len(days) >= policy.callback_tries.min_tries and len(set(days)) >= policy.callback_tries.min_days


def verify(doing: Doing, order: Verify) -> list[Fact]:
    """What the check found. Where it says how the case is put right, that begins at once."""
    doing.needs_state({CaseState.CONTACTED})
    verified = doing.fact(Verified, finding=order.finding, stops=doing.stops(Clock.VERIFY))
    track = _TRACKS.get(order.finding)
    if doing.policy.rectify_from == "VERIFIED":
        verified = verified.model_copy(update={"starts": doing.starts(Clock.RECTIFY, doing.policy.rectify_simple)})
    if track is None:
        return [verified]
    case = doing.case.model_copy(update={"clocks": doing.case.clocks | verified.starts})
    return [verified, _track_set(doing._replace(case=case), track, order.planned_day)]


def set_track(doing: Doing, order: SetTrack) -> list[Fact]:
    """How the case is put right, where the verification left it open; what was reopened is not explained once more."""
    doing.needs_state({CaseState.VERIFIED, CaseState.REOPENED})
    if doing.case.state is CaseState.REOPENED and order.track is Track.EXPLAIN:
        raise refuse("not_explained_again", "track", ", ".join((Track.SIMPLE, Track.COMPLEX)))
    return [_track_set(doing, order.track, order.planned_day, said=True)]


def _track_set(doing: Doing, track: Track, planned: date | None, *, said: bool = False) -> TrackSet:
    starts = _by_track(doing, track)
    _check_plan(doing, planned, {**doing.case.clocks, **starts})
    make = doing.fact if said else doing.bare
    return make(TrackSet, track=track, planned_day=planned, starts=starts)


def _by_track(doing: Doing, track: Track) -> dict[Clock, Deadline]:
    """The clock under the limit of its track: the same clock, which goes on from the same fact."""
    again = doing.case.state is CaseState.REOPENED or Clock.RECTIFY_AGAIN in doing.case.running
    clock = Clock.RECTIFY_AGAIN if again else Clock.RECTIFY
    held = doing.case.running.get(clock)
    limit = doing.policy.rectify_complex if track is Track.COMPLEX else doing.policy.rectify_simple
    if limit is None or (held and held.limit == limit):
        return {}
    if held:
        return {clock: relimited(held, limit, doing.policy, doing.case.region)}
    if again:
        return doing.starts(clock, limit)
    if clock in doing.case.clocks:
        return {}
    # Only the longer track has a limit: it too runs from its fact.
    begun = begin(_start(doing), limit, doing.policy, doing.case.region)
    return {clock: begun} if begun else {}


def _start(doing: Doing) -> datetime:
    if doing.policy.rectify_from == "VERIFIED":
        return doing.case.verified_at or doing.now
    return doing.case.rating.clocks_from


def _check_plan(doing: Doing, planned: date | None, clocks: dict[Clock, Deadline]) -> None:
    if planned is None:
        return
    of_rectifying = (clocks[clock] for clock in (Clock.RECTIFY, Clock.RECTIFY_AGAIN) if clock in clocks)
    last = [last_day_before(held.due_at) for held in of_rectifying if held.is_running]
    if planned < day_of(doing.now):
        raise refuse("planned_too_early", "planned_day", day_of(doing.now).isoformat())
    # What is late already is planned as it may be; that it is late stays told.
    if last and planned > max(last) >= day_of(doing.now):
        raise refuse("planned_too_late", "planned_day", max(last).isoformat())


def act(doing: Doing, order: Act) -> list[Fact]:
    """What was done, with as much evidence as the policy asks for."""
    doing.needs_state({CaseState.RECTIFYING, CaseState.EXPLAINING})
    _check_evidence(doing, len(order.evidence))
    return [doing.fact(ActionTaken, action_kind=order.action_kind, cause=order.cause, change=order.change)]


def _check_evidence(doing: Doing, given: int) -> None:
    if given < doing.policy.min_evidence:
        raise refuse("evidence_missing", "evidence", str(doing.policy.min_evidence))


def reply(doing: Doing, order: Reply) -> list[Fact]:
    """One answer, when everything is done: what was put right with evidence, what is explained with its legal basis.

    That of an anonymous rating is public and takes the place of the call-back, so that the case ends with it, unconfirmed.
    """
    doing.needs_state({CaseState.RECTIFYING, CaseState.EXPLAINING})
    if waiting := [str(part.subtask) for part in doing.case.subtasks if part.is_open]:
        raise refuse("subtask_open", "case_id", ", ".join(waiting))
    if doing.case.state is CaseState.EXPLAINING:
        if order.legal_basis is None:
            raise refuse("legal_basis_missing", "legal_basis")
        if not doing.case.acted:
            _check_evidence(doing, len(order.evidence))
    elif not doing.case.acted:
        raise refuse("action_missing", "command", "ACT")
    stops = doing.stops(Clock.FIRST_CONTACT, Clock.VERIFY, Clock.RECTIFY, Clock.RECTIFY_AGAIN, Clock.REPLY)
    public = None if doing.case.is_real_name else screened(order.text)
    starts = doing.starts(Clock.CALLBACK, doing.policy.post_rectify_callback) if doing.case.is_real_name else {}
    replied: Fact = doing.fact(Replied, legal_basis=order.legal_basis, public_reply=public, starts=starts, stops=stops)
    if doing.case.is_real_name:
        return [replied]
    closure = Closure.EXPLAINED if doing.case.track is Track.EXPLAIN else Closure.RECTIFIED
    return [replied, doing.bare(Closed, state=CaseState.CLOSED_UNCONFIRMED, closure=closure, confirmed=False)]


def state(doing: Doing, _: State) -> list[Fact]:
    """An explanation, or further evidence."""
    doing.needs_open()
    return [doing.fact(StatementAdded)]


def urge(doing: Doing, _: Urge) -> list[Fact]:
    """催办."""
    doing.needs_open()
    return [doing.fact(Urged)]


def link_problem(doing: Doing, order: LinkProblem) -> list[Fact]:
    """The case has the cause of a problem record; each rater is answered all the same."""
    if doing.case.finding is None:
        raise refuse("wrong_state", "command", "VERIFIED")
    if order.problem in doing.case.problems:
        raise refuse("problem_linked", "problem")
    return [doing.fact(ProblemLinked, problem=order.problem)]


def record_change(doing: Doing, order: RecordChange) -> list[Fact]:
    """The change that was made because of a problem."""
    if order.problem not in doing.case.problems:
        raise refuse("problem_not_linked", "problem", ", ".join(doing.case.problems))
    return [doing.fact(ChangeRecorded, problem=order.problem)]
