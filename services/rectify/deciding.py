"""Load, decide, save: what every order goes through, wherever it came from (design, 6.6)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from cloud import clock
from contract.refusals import Refused, refuse
from contract.zone import day_of
from rectify import cases, ground
from rectify.case import evolve
from rectify.cases import Change, Clash
from rectify.decisions import decide
from rectify.orders import OpenCase, Ordered, PassStep, Recount

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cloud.registry import Party
    from contract.commands import AnyCommand
    from rectify.case import Case
    from rectify.cases import Outcome
    from rectify.facts import Fact
    from rectify.orders import Order

T = TypeVar("T")

_TRIES = 3


def carry_out(order: Order) -> None:
    """What the system asks of a case. Repeated, it has no second effect. Raises Clash, and NoCase for a follow-up without its case."""
    _until_saved(lambda: _carry_out(order, clock.now()))


def _until_saved(once: Callable[[], T]) -> T:
    """Does it again if somebody else saved the case in between. Raises Clash if that happens every time."""
    for _ in range(_TRIES - 1):
        with suppress(Clash):
            return once()
    return once()


def _carry_out(order: Order, now: datetime) -> None:
    case, outcome = cases.load(order.case_id, order.command_id)
    # What a clock asks has no effect twice, since the case knows what was told; a date that comes back is told anew.
    if outcome and not isinstance(order, (PassStep, Recount)):
        return
    informed = _informed(order, case, now)
    facts = _decided(case, informed, now)
    if facts:
        cases.save(_changes(case, facts), informed, now)


def command(order: AnyCommand, party: Party, now: datetime, *, announce: bool = False) -> Outcome:
    """What a party's command led to, now or the first time that it came. A refusal is an outcome too, and is kept.

    Raises Refused for what is no command of a case: `command_differs` under a `command_id` that is taken, and for one who waits for the
    answer `unknown_case`, and `case_changed` if others changed the case at every try. Of what came by the queue (`announce`) the former is
    an outcome like others, since a copy may come when the case is there; the latter raises Clash, and the queue brings it again.
    """
    on = day_of(now)
    ordered = Ordered(command=order, acting=ground.acting(party, order.actor, on))
    try:
        return _until_saved(lambda: _command(ordered, now, announce=announce))
    except Clash:
        if announce:
            raise
        raise refuse("case_changed", "case_id") from None


def _command(order: Ordered, now: datetime, *, announce: bool) -> Outcome:
    case, outcome = cases.load(order.case_id, order.command_id)
    if outcome is None:
        outcome = _first_time(case, order, now, announce=announce)
    if outcome.fingerprint != cases.fingerprint(order):
        raise refuse("command_differs", "command_id")
    return outcome


def _first_time(case: Case | None, order: Ordered, now: datetime, *, announce: bool) -> Outcome:
    if case is None and not announce:
        raise refuse("unknown_case", "case_id")
    announced = announce and order.command.action not in cases.UNTOLD
    try:
        facts = _decided(case, _informed(order, case, now), now)
    except Refused as refused:
        return cases.refuse(order, refused.reasons, now, announce=announced)
    return cases.save(_changes(case, facts), order, now, announce=announced)


def _decided(case: Case | None, order: Order, now: datetime) -> list[Fact]:
    rating = order.rating if isinstance(order, OpenCase) else case.rating if case else None
    if rating is None:
        return decide(None, order, ground.NO_POLICY, now)
    return decide(case, order, ground.policy_of(rating), now)


def _informed(order: Order, case: Case | None, now: datetime) -> Order:
    """The order with what the register or the table knows beside the case."""
    if isinstance(order, OpenCase):
        rating = order.rating
        return order.model_copy(update={"routing": ground.routing_of(rating.organisation, rating.region_code, day_of(now))})
    if isinstance(order, PassStep) and order.level is None and case:
        return order.model_copy(update={"late": cases.late_month(case.unit, case.region, now)})
    if isinstance(order, Ordered) and case:
        named = getattr(order.command, "to", None) or getattr(order.command, "organisation", None)
        return order.model_copy(update={"to": ground.transfer_to(named, case.region, day_of(now)) if named else None})
    return order


def _changes(case: Case | None, facts: list[Fact]) -> list[Change]:
    changes = []
    for fact in facts:
        after = evolve(case, fact)
        changes.append(Change(case, fact, after))
        case = after
    return changes
