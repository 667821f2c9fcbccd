"""The rater has the last word: the independent call-back, and what follows from it (domain handbook, 17.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codes import CaseState, Clock, Closure, Track, Verdict
from contract.refusals import refuse
from contract.zone import day_of
from rectify.decisions.handling import used_up
from rectify.facts import CallbackTried, CalledBack, Closed, PressureReported, Reopened, Supervised, SupervisionDecided

if TYPE_CHECKING:
    from contract.commands import CallBack, DecideSupervision
    from rectify.decisions.doing import Doing
    from rectify.facts import Fact


def call_back(doing: Doing, order: CallBack) -> list[Fact]:
    """What the rater said. Whoever is not reached, however often, has confirmed nothing."""
    if not doing.case.is_real_name:
        raise refuse("anonymous_rater", "command")
    doing.needs_state({CaseState.REPLIED, CaseState.CALLBACK})
    if order.verdict is Verdict.UNREACHED:
        if order.pressured:
            raise refuse("malformed_field", "pressured", "false, if nobody was reached")
        return _unreached(doing)
    # What a rater under pressure says goes past the unit, every word of it.
    make = doing.bare if order.pressured else doing.fact
    called: Fact = make(CalledBack, verdict=order.verdict, stops=doing.stops(Clock.CALLBACK))
    pressure: list[Fact] = [doing.fact(PressureReported)] if order.pressured else []
    if order.verdict is Verdict.CONFIRMED:
        return [called, *pressure, _closed(doing, CaseState.CLOSED, _closure(doing), confirmed=True)]
    return [called, *pressure, *again_or_supervised(doing)]


def _unreached(doing: Doing) -> list[Fact]:
    tried: Fact = doing.fact(CallbackTried)
    if not used_up((*doing.case.callback_tries, day_of(doing.now)), doing.policy):
        return [tried]
    called = doing.bare(CalledBack, verdict=Verdict.UNREACHED, stops=doing.stops(Clock.CALLBACK))
    return [tried, called, _closed(doing, CaseState.CLOSED_UNCONFIRMED, Closure.UNREACHED, confirmed=False)]


def again_or_supervised(doing: Doing) -> list[Fact]:
    """Dissatisfied: put right again, as often as the policy says; then the supervisor decides."""
    if doing.case.reopened < doing.policy.max_reopenings:
        return [doing.bare(Reopened, times=doing.case.reopened + 1, stops=doing.stops(Clock.CALLBACK), starts=doing.again())]
    starts = doing.starts(Clock.SUPERVISE, doing.policy.supervise)
    return [doing.bare(Supervised, stops=doing.stops(Clock.CALLBACK), starts=starts)]


def decide_supervision(doing: Doing, order: DecideSupervision) -> list[Fact]:
    """Put right once more, or closed; what the supervisor closes nobody has confirmed."""
    doing.needs_state({CaseState.SUPERVISED})
    if order.rectify and doing.case.supervised:
        raise refuse("supervised_before", "rectify", "false")
    stops = doing.stops(Clock.SUPERVISE)
    starts = doing.again() if order.rectify else {}
    decided: Fact = doing.fact(SupervisionDecided, rectify=order.rectify, stops=stops, starts=starts)
    return [decided] if order.rectify else [decided, _closed(doing, CaseState.CLOSED, _closure(doing), confirmed=False)]


def _closed(doing: Doing, state: CaseState, closure: Closure, *, confirmed: bool) -> Closed:
    return doing.bare(Closed, state=state, closure=closure, confirmed=confirmed)


def _closure(doing: Doing) -> Closure:
    return Closure.EXPLAINED if doing.case.track is Track.EXPLAIN else Closure.RECTIFIED
