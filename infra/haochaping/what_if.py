"""What other rules would do to open cases: each running clock worked out anew from its own fact. Pure; nothing is changed."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from contract.codes import Clock
from policy.rules import DatedRules, in_force
from rectify.clocks import begin, of_track, relimited

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from typing import Any

    from policy.rules import Policy, Rules, TimeLimit
    from rectify.case import Case
    from rectify.clocks import Deadline

_FIELDS = {
    Clock.FIRST_CONTACT: "first_contact",
    Clock.VERIFY: "verify",
    Clock.REPLY: "reply",
    Clock.CALLBACK: "post_rectify_callback",
    Clock.SUPERVISE: "supervise",
}
_DECIDED = frozenset({Clock.APPEAL, Clock.REVIEW})
_FROM_RECEIPT = (Clock.FIRST_CONTACT, Clock.VERIFY, Clock.RECTIFY, Clock.REPLY)


class Change(StrEnum):
    """What becomes of a deadline."""

    EARLIER = "EARLIER"
    LATER = "LATER"
    UNCHANGED = "UNCHANGED"
    GONE = "GONE"
    NEW = "NEW"

    @property
    def text(self) -> str:
        """In Chinese and English."""
        return _TEXTS[self]


_TEXTS = {
    Change.EARLIER: "提前 earlier",
    Change.LATER: "延后 later",
    Change.UNCHANGED: "不变 unchanged",
    Change.GONE: "不再有时限 no longer a deadline",
    Change.NEW: "新增时限 a new deadline",
}


class Move(NamedTuple):
    """A clock of a case: when it runs out now, and when it would; None where it does not run."""

    case: Case
    clock: Clock
    now: datetime | None
    then: datetime | None
    provisional: bool

    @property
    def change(self) -> Change:
        """What becomes of the deadline."""
        if self.now is None or self.then is None:
            return Change.NEW if self.now is None else Change.GONE
        if self.now == self.then:
            return Change.UNCHANGED
        return Change.EARLIER if self.then < self.now else Change.LATER


def planned(registered: Iterable[Mapping[str, Any]], rules: Mapping[str, Rules], region: str, on: date) -> Policy:
    """The policy of a region (12 digits) on a day, if these rules by region stood in place of what is registered for those regions."""
    others = [DatedRules.model_validate(entry) for entry in registered if entry["region"] not in rules]
    return in_force([*others, *(DatedRules(region=of, valid_from=on, rules=held) for of, held in rules.items())], region, on)


def moves(case: Case, then: Policy) -> list[Move]:
    """What a policy would make of the running clocks of a case, and of those that it would have had from its receipt."""
    found = [Move(case, clock, held.due_at, *_ends(_again(case, clock, held, then))) for clock, held in case.running.items()]
    begun = [(clock, _begun(case, clock, then)) for clock in _FROM_RECEIPT if _would_run(case, clock)]
    return found + [Move(case, clock, None, *_ends(held)) for clock, held in begun if held]


def _ends(held: Deadline | None) -> tuple[datetime | None, bool]:
    return (held.due_at, held.provisional) if held else (None, False)


def _again(case: Case, clock: Clock, held: Deadline, then: Policy) -> Deadline | None:
    """The same clock, with its extensions and pauses, under the limit of another policy."""
    limit, start = limit_of(clock, case, then), _start(case, clock, then)
    if limit is None or (clock is Clock.RECTIFY and start is None):
        return None
    moved = held.model_copy(update={"started_at": start}) if clock is Clock.RECTIFY else held
    return relimited(moved, limit, then, case.region)


def _begun(case: Case, clock: Clock, then: Policy) -> Deadline | None:
    start = _start(case, clock, then)
    return begin(start, limit_of(clock, case, then), then, case.region) if start else None


def _start(case: Case, clock: Clock, then: Policy) -> datetime | None:
    """From which fact a clock that runs from the receipt would run; None as long as it has not come."""
    return case.verified_at if clock is Clock.RECTIFY and then.rectify_from == "VERIFIED" else case.rating.clocks_from


def _would_run(case: Case, clock: Clock) -> bool:
    """Whether what would stop a clock that was never started has not come yet."""
    answered = case.replied or case.reopened or case.supervised or case.contested or case.is_final
    stopped = {Clock.FIRST_CONTACT: case.contact, Clock.VERIFY: case.finding}.get(clock)
    return clock not in case.clocks and not answered and stopped is None


def limit_of(clock: Clock, case: Case, policy: Policy) -> TimeLimit | None:
    """The limit that a policy sets for a clock of a case, None if it sets none."""
    if clock in _DECIDED:
        return policy.appeal.decide
    if clock in _FIELDS:
        limit: TimeLimit | None = getattr(policy, _FIELDS[clock])
        return limit
    return of_track(case.track, policy)


def totals(found: Sequence[Move], at: datetime) -> dict[str, int]:
    """How many cases and clocks, what becomes of the clocks, and how many have run out, now and then, at an instant."""
    changes = Counter(move.change for move in found)
    return {
        "cases": len({move.case.case_id for move in found}),
        "clocks": len(found),
        **{change.lower(): changes[change] for change in Change},
        "past_now": sum(move.now is not None and move.now <= at for move in found),
        "past_then": sum(move.then is not None and move.then <= at for move in found),
    }
