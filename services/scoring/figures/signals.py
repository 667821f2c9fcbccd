"""Signals of ratings that nobody meant (domain handbook, 20): each asks for a look, with its evidence, and takes nothing away. Pure.

They are found from counters of one organisation over a period. Minimum numbers and shares are the policy's (`policy.rules.SignalRules`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.codes import Delay, Flag, Level, RatingChannel, ServiceChannel, Signal, data
from contract.tags import dictionary
from policy.calendar import is_working_day
from scoring import counters
from scoring.figures.covered import given, is_window

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import date

    from policy.rules import Policy
    from scoring.figures.indicators import Counts

# Buckets so narrow that people do not all fall into one of them.
_LONGEST_FINE_DELAY = 600
_TOP = str(Level.VERY_SATISFIED.rank)


class Found(NamedTuple):
    """A signal: `numerator` of the `denominator` ratings that could show it do; what dominates them, as a code and in words.

    `ratings` is how many ratings somebody gave the organisation in all. Of NO_BAD_RATING the numerator is the bad ratings, that is 0. No
    evidence names a member of staff.
    """

    signal: Signal
    numerator: int
    denominator: int
    ratings: int
    dominant: str
    dominant_zh: str
    dominant_en: str

    def plain(self) -> dict[str, Any]:
        """The signal as JSON, with its Chinese and English name."""
        return {"zh": self.signal.zh, "en": self.signal.en, **self._asdict(), "signal": self.signal.value}


class Shown(NamedTuple):
    """What a sign is shown by: so many of so many, and what dominates."""

    numerator: int
    denominator: int
    dominant: str = ""
    zh: str = ""
    en: str = ""


class Hour(NamedTuple):
    """Ratings of one hour at one place: a terminal, or a window without one. `window` is None where a member of staff sits at no window."""

    day: date
    hour: int
    window: str | None
    device: str | None
    amount: int

    @property
    def place(self) -> tuple[str | None, str | None]:
        """The terminal, or the window without one."""
        return self.window, self.device


class Seen(NamedTuple):
    """What the counters of an organisation say, as the rules look at it."""

    total: Counter[str]
    hours: list[Hour]
    staff_hours: list[tuple[str, Hour]]
    desks: Mapping[str, Counts]
    policy: Policy
    region: str
    registered: Collection[str] | None


def signals(
    items: Mapping[str, Counts],
    desks: Mapping[date, Mapping[str, Counts]],
    policy: Policy,
    *,
    region: str,
    registered: Collection[str] | None,
) -> list[Found]:
    """The signals of one organisation over a period, in the order of the code list.

    `items` are its counters by task code, `desks` those of its desks by day and window; `region` (12 digits) says which days are working
    days; `registered` are the names of its windows, None where it has registered none.
    """
    seen = Seen(counters.added(items.values()), list(_hours(desks)), list(_staff_hours(desks)), _by_desk(desks), policy, region, registered)
    ratings = given(seen.total)
    shown = {signal: rule(seen) for signal, rule in _RULES.items()}
    return [Found(signal, held.numerator, held.denominator, ratings, *held[2:]) for signal, held in shown.items() if held]


def is_left_out(found: Iterable[Found], policy: Policy) -> bool:
    """Whether adjusted figures do without the organisation: one of its signals covers most of all its ratings (`left_out_share`)."""
    return any(held.numerator and held.numerator >= policy.signals.left_out_share * held.ratings for held in found)


def adjusted(total: Counts, flagged: Iterable[Counts]) -> dict[str, int]:
    """The counts of a node without those of the organisations that are left out, to be shown beside the raw ones; nothing is deleted.

    All that such an organisation has is left out, its services and cases as well, so that every rate stays one of the same whole.
    """
    without = counters.added(flagged)
    return {name: amount - without[name] for name, amount in total.items()}


def _same_tags(seen: Seen) -> Shown | None:
    sets = counters.under(seen.total, "set.")
    top = {name: amount for name, amount in sets.items() if all(tag.startswith(_TOP) for tag in name.split("+"))}
    rules = seen.policy.signals
    found = _dominant(top, sum(sets.values()), rules.same_tags_n, rules.same_tags_share)
    return found and found._replace(zh=_tag_names(found.dominant), en=f"reasons {found.dominant} of the top level")


def _constant_delay(seen: Seen) -> Shown | None:
    delays = counters.under(seen.total, "delay.")
    rules = seen.policy.signals
    fine = {name: amount for name, amount in delays.items() if 0 < _seconds(name) <= _LONGEST_FINE_DELAY}
    found = _dominant(fine, sum(delays.values()), rules.delay_n, rules.delay_share)
    return found and found._replace(zh=Delay(found.dominant).zh, en=Delay(found.dominant).en)


def _within_seconds(seen: Seen) -> Shown | None:
    on_terminals = sum(held.amount for held in seen.hours if held.device is not None)
    on_none = sum(counters.under(seen.total, "via.").values()) - on_terminals
    soon, rules = seen.total[counters.SOON], seen.policy.signals
    if not _is_many(soon, on_none, rules.seconds_n, rules.seconds_share):
        return None
    return Shown(soon, on_none, Delay.SECONDS_10, "未使用终端", "on no terminal")


def _burst(seen: Seen) -> Shown | None:
    # What a window and its staff both show is one burst.
    bursts = list(_bursts(seen, ((held.place, held) for held in seen.hours))) or list(_bursts(seen, seen.staff_hours))
    found = sorted(bursts, key=lambda held: (-held.amount, held.day, held.hour))
    if not found:
        return None
    worst = found[0]
    at = f"{worst.day} {worst.hour:02}:00"
    names = [name for name in worst.place if name]
    return Shown(
        sum(held.amount for held in found),
        sum(held.amount for held in seen.hours),
        "/".join((*names, at)),
        f"{' '.join(names) or '无窗口'}，{at} 起一小时内 {worst.amount} 条；共 {len(found)} 个时段",
        f"{' '.join(names) or 'no window'}: {worst.amount} in the hour from {at}; hours like it: {len(found)}",
    )


def _bursts(seen: Seen, placed: Iterable[tuple[Any, Hour]]) -> Iterator[Hour]:
    """Hours that stand out among the others of the same place, or of the same member of staff."""
    rules = seen.policy.signals
    places: dict[Any, list[Hour]] = {}
    for place, held in placed:
        places.setdefault(place, []).append(held)
    for hours in places.values():
        whole = sum(held.amount for held in hours)
        for held in hours:
            others = (whole - held.amount) / max(len(hours) - 1, 1)
            if held.amount > rules.burst_possible or held.amount >= max(rules.burst_n, rules.burst_times * others):
                yield held


def _outside_hours(seen: Seen) -> Shown | None:
    at_windows = [held for held in seen.hours if held.window]
    works = {day: is_working_day(day, seen.region)[0] for day in {held.day for held in at_windows}}
    outside = [held for held in at_windows if not works[held.day] or not _is_open(held.hour, seen.policy)]
    rules = seen.policy.signals
    if not _is_many(_amount(outside), _amount(at_windows), rules.hours_n, rules.hours_share):
        return None
    per_hour: Counter[int] = Counter()
    for held in outside:
        per_hour[held.hour] += held.amount
    hour, amount = per_hour.most_common(1)[0]
    words = f"{hour:02}时 {amount} 条", f"{amount} of them from {hour:02}:00"
    return Shown(_amount(outside), _amount(at_windows), f"{hour:02}", *words)


def _is_open(hour: int, policy: Policy) -> bool:
    return policy.opening_hours.opens <= hour < policy.opening_hours.closes


def _pc_in_a_hall(seen: Seen) -> Shown | None:
    in_halls = counters.under(seen.total, f"via.{ServiceChannel.OFFLINE}.")
    from_pcs, rules = in_halls.get(RatingChannel.PC, 0), seen.policy.signals
    if not _is_many(from_pcs, sum(in_halls.values()), rules.pc_n, rules.pc_share):
        return None
    return Shown(from_pcs, sum(in_halls.values()), RatingChannel.PC, RatingChannel.PC.zh, RatingChannel.PC.en)


def _claimed_long_before(seen: Seen) -> Shown | None:
    flag, rules = Flag.CLAIMED_FAR_FROM_RECEIPT, seen.policy.signals
    claimed, ratings = seen.total[f"flag.{flag}"], given(seen.total)
    return Shown(claimed, ratings, flag, flag.zh, flag.en) if _is_many(claimed, ratings, rules.claimed_n, rules.claimed_share) else None


def _no_bad_rating(seen: Seen) -> Shown | None:
    # What was excluded was given too: an organisation that had its bad ratings taken out did have some.
    bad = sum(row.amount for row in counters.ratings(seen.total) if row.level.is_bad)
    ratings = given(seen.total)
    return Shown(0, ratings) if bad <= 0 and ratings >= seen.policy.signals.no_bad_n else None


def _unknown_window(seen: Seen) -> Shown | None:
    if seen.registered is None:
        return None
    ratings = {name: given(held) for name, held in seen.desks.items() if is_window(name, held)}
    unknown = {name: amount for name, amount in ratings.items() if name not in seen.registered and amount > 0}
    if sum(unknown.values()) < seen.policy.signals.unknown_window_n:
        return None
    name = max(sorted(unknown), key=lambda name: unknown[name])
    words = f"{name} 等 {len(unknown)} 个窗口", f"{name}, of {len(unknown)} such windows"
    return Shown(sum(unknown.values()), sum(ratings.values()), name, *words)


_RULES: dict[Signal, Callable[[Seen], Shown | None]] = {
    Signal.SAME_TAGS: _same_tags,
    Signal.CONSTANT_DELAY: _constant_delay,
    Signal.WITHIN_SECONDS: _within_seconds,
    Signal.BURST: _burst,
    Signal.OUTSIDE_HOURS: _outside_hours,
    Signal.PC_IN_A_HALL: _pc_in_a_hall,
    Signal.CLAIMED_LONG_BEFORE: _claimed_long_before,
    Signal.NO_BAD_RATING: _no_bad_rating,
    Signal.UNKNOWN_WINDOW: _unknown_window,
}


def _dominant(amounts: Mapping[str, int], whole: int, least: int, share: float) -> Shown | None:
    name = max(sorted(amounts), key=lambda name: amounts[name], default="")
    return Shown(amounts[name], whole, name) if name and _is_many(amounts[name], whole, least, share) else None


def _is_many(numerator: int, denominator: int, least: int, share: float) -> bool:
    return denominator >= least and numerator >= share * denominator


def _amount(hours: Iterable[Hour]) -> int:
    return sum(held.amount for held in hours)


def _seconds(delay: str) -> int:
    return int(data()["lists"]["delay"]["values"][delay].get("seconds", 0))


def _tag_names(tags: str) -> str:
    known = dictionary()
    return "；".join(known[tag].zh if tag in known else tag for tag in tags.split("+"))


def _by_desk(days: Mapping[date, Mapping[str, Counts]]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for desks in days.values():
        for name, held in desks.items():
            found.setdefault(name, Counter()).update(held)
    return found


def _hours(days: Mapping[date, Mapping[str, Counts]]) -> Iterator[Hour]:
    for day, desks in days.items():
        for desk, held in desks.items():
            window = desk if is_window(desk, held) else None
            for name, amount in counters.under(held, "hour.").items():
                device, _, hour = name.rpartition(".")
                yield Hour(day, int(hour), window, None if device == counters.NO_DEVICE else device, amount)


def _staff_hours(days: Mapping[date, Mapping[str, Counts]]) -> Iterator[tuple[str, Hour]]:
    """Ratings of one hour by member of staff: whom the evidence does not name, but the window."""
    for day, desks in days.items():
        for desk, held in desks.items():
            for name, amount in counters.under(held, "staff.").items():
                reference, _, counter = name.partition(".")
                if counter.startswith("hour."):
                    window = desk if is_window(desk, held) else None
                    yield reference, Hour(day, int(counter.removeprefix("hour.")), window, None, amount)
