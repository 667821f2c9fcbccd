"""What every decision has in hand: the case, the policy it is judged by, the time, and who acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from contract.codes import CaseState, Clock
from contract.refusals import refuse
from rectify.case import FINAL, WORKING, Case
from rectify.clocks import Deadline, begin, of_track

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from contract.commands import AnyCommand
    from policy.rules import Policy, TimeLimit
    from rectify.facts import By, Happened
    from rectify.orders import Routing

    F = TypeVar("F", bound=Happened)


class Doing(NamedTuple):
    """The hand in which a decision is made."""

    case: Case
    policy: Policy
    now: datetime
    by: By | None = None
    command: AnyCommand | None = None
    to: Routing | None = None

    def fact(self, kind: type[F], **said: Any) -> F:
        """A fact of this moment, by whoever acts, in his or her own words."""
        given: dict[str, Any] = {"at": self.now, "by": self.by}
        if self.command:
            given |= {"said_at": self.command.at, "text": self.command.text, "evidence": self.command.evidence}
        return kind(**given | said)

    def bare(self, kind: type[F], **said: Any) -> F:
        """A fact that follows from another one of the same moment, and need not repeat its words."""
        return kind(at=self.now, by=self.by, **said)

    def starts(self, clock: Clock, limit: TimeLimit | None) -> dict[Clock, Deadline]:
        """The clock that starts now; none where the policy sets no limit."""
        deadline = begin(self.now, limit, self.policy, self.case.region)
        return {clock: deadline} if deadline else {}

    def stops(self, *clocks: Clock) -> tuple[Clock, ...]:
        """Those of the clocks that have not stopped."""
        return tuple(clock for clock in clocks if clock in self.case.clocks and self.case.clocks[clock].stopped_at is None)

    def stops_all(self) -> tuple[Clock, ...]:
        """Every clock that has not stopped."""
        return self.stops(*self.case.clocks)

    def again(self) -> dict[Clock, Deadline]:
        """The clock of a further round: what was to be put right is to be put right again."""
        return self.starts(Clock.RECTIFY_AGAIN, of_track(self.case.track, self.policy))

    def needs_state(self, states: Collection[CaseState]) -> None:
        """Raises Refused (`wrong_state`) unless the case is in one of the states."""
        if self.case.state not in states:
            raise refuse("wrong_state", "command", ", ".join(state for state in CaseState if state in states))

    def needs_work(self) -> None:
        """Raises Refused unless the unit works on the case."""
        self.needs_state(WORKING)

    def needs_open(self) -> None:
        """Raises Refused unless the case is open."""
        self.needs_state(frozenset(CaseState) - FINAL)
