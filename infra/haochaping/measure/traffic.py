"""The traffic of a province, drawn from a seed by the law that stands here. Where no source is named, the law is our assumption.

- **Organisations**: 5,000; the n-th busiest has a share of 1/n of the ratings (Zipf). Each lies in one of 90 counties of 11 cities; three
  in ten belong to one of the fifteen townships of their county.
- **Items**: 8 to 300 of an organisation, the more the busier it is, again by Zipf. They are the first of one of ten lines of work with 300
  base items each, so that the same item is served in many places.
- **Channels, levels**: as Guangdong published them for July 2023 (domain handbook, section 19), in the shares of `demo.morning`: 38 % are
  given in halls, 0.0095 % are bad.
- **Halls**: a member of staff serves 80 raters a day; ten of them sit at seven windows; each window has its terminal. A rating elsewhere
  has a platform instead: the national one, the province's or the city's.
- **Time**: nine tenths of a day's ratings come in the eight hours from nine to five, evenly (section 19), the rest evenly in the other
  sixteen.
- **Service and rating**: each rating has its finished service event. It comes 5 seconds to 10 minutes after it in a hall, half a minute to
  two hours elsewhere (log-uniform); one in ten comes on the next day, at any time.
- **What is said**: one rating in ten gives one or two reasons, a bad one always one. Four raters in five are named.

Entries are made by intake's own code, so that their sizes are those of the Ledger.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from datetime import datetime, time, timedelta
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from contract import tags
from contract.arrival import Arrival
from contract.codes import ApplicantType, HandlingType, Level, ProjectStatus, ServiceChannel
from contract.identifiers import uscc_check_character
from contract.messages import Person, Rating, ServiceEvent
from contract.zone import SHANGHAI
from haochaping.demo.morning import BAD, GOOD, WAYS
from intake.entries import EventEntry, RatingEntry
from intake.pending import PendingRating
from intake.sealing import Keys
from policy.rules import Policy

if TYPE_CHECKING:
    from datetime import date

    from haochaping.demo.morning import Way

DAY = 24 * 3600
OPENS, CLOSES = 9 * 3600, 17 * 3600
IN_OFFICE_HOURS = 0.9
LATER = 0.1
WITH_TAGS = 0.1
NAMED = 0.8

_ORGANISATIONS, _CITIES, _COUNTIES, _TOWNSHIPS = 5000, 11, 90, 15
_LINES, _ITEMS_OF_A_LINE = 10, 300
_RATERS_OF_STAFF = 80
_POLICY = Policy(version="330000000000@2020-01-01")
_LEVELS = GOOD | BAD
_ALL_WAYS = sum(way.published for way in WAYS)
IN_HALLS = sum(way.published for way in WAYS if way.service is ServiceChannel.OFFLINE) / _ALL_WAYS


_PER_SECOND_OPEN = IN_OFFICE_HOURS / (CLOSES - OPENS)
_PER_SECOND_CLOSED = (1 - IN_OFFICE_HOURS) / (DAY - CLOSES + OPENS)


def share_between(start: float, end: float) -> float:
    """The part of a day's ratings that comes between two seconds of it; those of the day before are negative."""
    first, last = start % DAY, start % DAY + end - start
    open_for = max(min(last, CLOSES) - max(first, OPENS), 0)
    return open_for * _PER_SECOND_OPEN + (last - first - open_for) * _PER_SECOND_CLOSED


class Zipf:
    """Ranks from 0, the n-th with a share of 1/(n+1) among the first `count`."""

    def __init__(self, most: int) -> None:
        self._up_to = list(accumulate(1 / (rank + 1) for rank in range(most)))

    def share(self, rank: int, count: int) -> float:
        """The share of a rank."""
        return 1 / (rank + 1) / self._up_to[count - 1]

    def draw(self, random: Random, count: int) -> int:
        """A rank."""
        return bisect_left(self._up_to, random.random() * self._up_to[count - 1], 0, count - 1)


_ZIPF = Zipf(_ORGANISATIONS)


class Organisation(NamedTuple):
    """Where it lies, what it offers, and who works there. `share` is its part of the province's ratings."""

    uscc: str
    region: str
    share: float
    line: int
    items: int
    staff: int

    def task_code(self, item: int) -> str:
        """The task code of its n-th item."""
        return f"{self.uscc}4{self.base_code(item)}"

    def base_code(self, item: int) -> str:
        """The basic code of its n-th item, the same everywhere."""
        return f"3301{self.line:02}{item:03}000"

    def item_share(self, item: int) -> float:
        """The part of its ratings that its n-th item has."""
        return _ZIPF.share(item, self.items)

    def platforms(self) -> tuple[str, ...]:
        """Where it is rated online, each as often as the others."""
        return ("gjzwfw", "zjzwfw", f"city-{self.region[:4]}")


def window_of(staff: int) -> str:
    """The window at which the n-th member of staff sits."""
    return f"A{staff * 7 // 10:03}"


def device_of(window: str) -> str:
    """The terminal of a window."""
    return f"pad-{window}"


def staff_no(staff: int) -> str:
    """The number of the n-th member of staff."""
    return f"{staff:04}"


class Written(NamedTuple):
    """An entry of the Ledger and when it was written, in seconds since midnight."""

    second: float
    item: dict[str, Any]


class Visit(NamedTuple):
    """A service and its rating. Only what was written within the window is of it."""

    event: Written
    rating: Written


class Traffic:
    """The ratings of a day in Asia/Shanghai, `per_day` of them."""

    def __init__(self, per_day: int, day: date, seed: int = 2019) -> None:
        self.per_day = per_day
        self.midnight = datetime.combine(day, time(), SHANGHAI)
        self.random = Random(seed)
        self.keys = Keys("model-secret")
        self.organisations = [self._organisation(rank) for rank in range(_ORGANISATIONS)]

    def _organisation(self, rank: int) -> Organisation:
        place = self.random.randrange(_COUNTIES)
        county = f"33{place % _CITIES + 1:02}{place // _CITIES + 2:02}"
        township = f"{self.random.randrange(1, _TOWNSHIPS + 1):03}" if self.random.random() < 0.3 else "000"
        first_17 = f"11{county}MB{rank:07}"
        share = _ZIPF.share(rank, _ORGANISATIONS)
        ratings = self.per_day * share
        return Organisation(
            uscc=first_17 + uscc_check_character(first_17),
            region=f"{county}{township}000",
            share=share,
            line=rank % _LINES,
            items=min(_ITEMS_OF_A_LINE, max(8, int(40 * (ratings / 200) ** 0.35))),
            staff=max(2, int(ratings * IN_HALLS / _RATERS_OF_STAFF)),
        )

    @cached_property
    def by_uscc(self) -> dict[str, Organisation]:
        """The organisations by credit code."""
        return {organisation.uscc: organisation for organisation in self.organisations}

    # ---------------------------------------------------------------- when

    def per_second(self, second: float) -> float:
        """How many ratings come in a second at that time of the day."""
        return self.per_day * (_PER_SECOND_OPEN if OPENS <= second < CLOSES else _PER_SECOND_CLOSED)

    def moment(self) -> float:
        """When something of the day happens."""
        if self.random.random() < IN_OFFICE_HOURS:
            return self.random.uniform(OPENS, CLOSES)
        second = self.random.uniform(0, DAY - CLOSES + OPENS)
        return second if second < OPENS else second + CLOSES - OPENS

    def window(self, start: float, seconds: float) -> list[Written]:
        """What is written in these seconds of the day, in order; asked again, the same."""
        self.random.seed(int(start))
        end, expected = start + seconds, self.per_second(start) * seconds
        written: list[Written] = []
        for _ in range(poisson(self.random, expected)):
            at = self.random.uniform(start, end)
            visit = self.visit(at, DAY + self.moment() if self.random.random() < LATER else None)
            written += [one for one in visit if one.second < end]
        for _ in range(poisson(self.random, expected)):
            at = self.random.uniform(start, end)
            if self.random.random() < LATER:
                written.append(self.visit(self.moment() - DAY, at).rating)
                continue
            visit = self.visit(None, at)
            # If its service ended within the window too, it is among those above.
            written += [visit.rating] if visit.event.second < start else []
        return sorted(written, key=lambda one: one.second)

    # ---------------------------------------------------------------- what

    def visit(self, served: float | None, rated: float | None) -> Visit:
        """A visit whose service ended and whose rating came then; if only one is given, the other follows from it."""
        way = self.random.choices(WAYS, weights=[way.published for way in WAYS])[0]
        pause = self._pause(way)
        ended = served if served is not None else (rated or 0.0) - pause
        given = rated if rated is not None else ended + pause
        event = self._event(way, self._at(ended))
        rating = self._rating(way, event, self._at(given))
        held = EventEntry.of(event, self._arrival(way, f"event-{event.project_no}", self._at(ended)), self.keys, _POLICY)
        pending = PendingRating.of(rating, self._arrival(way, f"rating-{event.project_no}", self._at(given)), self.keys)
        return Visit(Written(ended, held.item()), Written(given, RatingEntry.bind(pending, held, _POLICY).item()))

    def _at(self, second: float) -> datetime:
        return self.midnight + timedelta(seconds=round(second))

    def _pause(self, way: Way) -> float:
        shortest, longest = (5, 600) if way.service is ServiceChannel.OFFLINE else (30, 7200)
        return math.exp(self.random.uniform(math.log(shortest), math.log(longest)))

    def _event(self, way: Way, at: datetime) -> ServiceEvent:
        organisation = self.organisations[_ZIPF.draw(self.random, _ORGANISATIONS)]
        staff = self.random.randrange(organisation.staff) if way.service is ServiceChannel.OFFLINE else None
        return ServiceEvent(
            project_no=f"33{at:%Y%m%d}{self.random.randrange(10**9):09}",
            service_number=1,
            status=ProjectStatus.FINISHED,
            item_code=organisation.task_code(_ZIPF.draw(self.random, organisation.items)) + "01",
            organisation=organisation.uscc,
            region_code=organisation.region,
            window=window_of(staff) if staff is not None else None,
            platform=None if staff is not None else self.random.choice(organisation.platforms()),
            staff_no=staff_no(staff) if staff is not None else None,
            service_channel=way.service,
            handling_type=self.random.choice((HandlingType.INSTANT, HandlingType.PROMISED)),
            applicant_type=ApplicantType.NATURAL_PERSON,
            service_time=at,
            accepted_at=at,
            finished_at=at,
            applicant=Person(certificate_type="111", certificate_number=f"model-{self.random.randrange(10**9):09}"),
        )

    def _rating(self, way: Way, event: ServiceEvent, at: datetime) -> Rating:
        level = self.random.choices(list(_LEVELS), weights=list(_LEVELS.values()))[0]
        return Rating(
            project_no=event.project_no,
            service_number=1,
            round=1,
            kind=way.kind,
            level=level,
            tags=self._tags(level),
            provenance=way.provenance,
            rating_channel=way.channel,
            device=device_of(event.window) if event.window else None,
            occurred_at=at,
            rater=event.applicant if self.random.random() < NAMED else None,
        )

    def _tags(self, level: Level) -> tuple[str, ...]:
        given = level.is_bad or self.random.random() < WITH_TAGS
        return tuple(self.random.sample(tags.offered(level), self.random.randint(1, 2))) if given else ()

    def _arrival(self, way: Way, webhook_id: str, at: datetime) -> Arrival:
        return Arrival("", way.party, webhook_id, "", "", at, at + timedelta(seconds=1))


def poisson(random: Random, expected: float) -> int:
    """How often something happens that is expected so often; above 50 by the normal law that is then close enough."""
    if expected > 50:
        return max(round(random.gauss(expected, math.sqrt(expected))), 0)
    count, left = 0, random.random()
    least = math.exp(-expected)
    while left > least:
        count += 1
        left *= random.random()
    return count
