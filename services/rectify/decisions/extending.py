"""延期: a later date, asked for in time, with a reason, granted by somebody else (domain handbook, 17.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codes import CaseState, Clock, Track
from contract.refusals import refuse
from policy.rules import TimeLimit
from rectify.clocks import prolonged
from rectify.facts import ExtensionAsked, ExtensionGranted, ExtensionRefused

if TYPE_CHECKING:
    from contract.commands import AskExtension, DecideExtension
    from policy.rules import Extension
    from rectify.decisions.doing import Doing
    from rectify.facts import Fact


def ask_extension(doing: Doing, order: AskExtension) -> list[Fact]:
    """Asked before the date, for what is put right by a date, as often and for as long as the policy allows."""
    doing.needs_state({CaseState.RECTIFYING})
    case, allowed = doing.case, _allowed(doing)
    if case.track is not Track.COMPLEX:
        raise refuse("extension_of_simple", "case_id", Track.COMPLEX)
    if case.asked:
        raise refuse("extension_pending", "case_id")
    if case.extensions >= allowed.max_count:
        raise refuse("extension_used_up", "case_id", str(allowed.max_count))
    value = order.value or allowed.value
    if value > allowed.value:
        raise refuse("extension_too_long", "value", f"{allowed.value} {allowed.unit}")
    clock = Clock.RECTIFY_AGAIN if Clock.RECTIFY_AGAIN in case.running else Clock.RECTIFY
    deadline = case.running.get(clock)
    if deadline is None:
        raise refuse("no_deadline", "case_id")
    # By the time of asking: a sweep may have been quicker than the queue.
    if deadline.due_at <= doing.now:
        raise refuse("extension_too_late", "case_id", deadline.due_at.isoformat())
    return [doing.fact(ExtensionAsked, clock=clock, value=value)]


def decide_extension(doing: Doing, order: DecideExtension) -> list[Fact]:
    """Granted, it counts from the date that stood; the first date stays visible, and on-time rates are told with and without."""
    asked, allowed = doing.case.asked, _allowed(doing)
    deadline = doing.case.running.get(asked.clock) if asked else None
    if asked is None or deadline is None:
        raise refuse("no_extension_asked", "case_id")
    if not order.granted:
        return [doing.fact(ExtensionRefused, clock=asked.clock)]
    by = TimeLimit(value=asked.value, unit=allowed.unit)
    later = prolonged(deadline, by, doing.policy, doing.case.region)
    dates = {"first_due_at": later.kept_first, "due_at": later.due_at}
    return [doing.fact(ExtensionGranted, clock=asked.clock, **dates, starts={asked.clock: later})]


def _allowed(doing: Doing) -> Extension:
    if doing.policy.extension is None:
        raise refuse("extension_not_allowed", "case_id")
    return doing.policy.extension
