"""A limit of a service ends on the right instant; a promise that can end after the law's limit is found out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codes import TimeUnit
from contract.identifiers import NATION
from contract.messages import Limit
from contract.zone import SHANGHAI
from policy.calendar import due
from policy.deadlines import ends
from policy.limits import ends_later, longer
from policy.rules import OpeningHours, TimeLimit

ZHEJIANG = "330000000000"
NATURAL = [TimeUnit.DAY, TimeUnit.MONTH, TimeUnit.YEAR]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def limit(text: str) -> Limit:
    value, unit = text.split()
    return Limit(value=int(value), unit=unit)


OF_A_SERVICE = [unit for unit in TimeUnit if unit is not TimeUnit.WORKHOUR]
OFFICE = OpeningHours(opens=9, closes=17)
limits = st.builds(Limit, value=st.integers(0, 400), unit=st.sampled_from(OF_A_SERVICE))


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [
        ("2026-11-24 15:30", "2 HOUR", "2026-11-24 17:30"),
        ("2026-11-24 15:30", "0 DAY", "2026-11-25 00:00"),
        ("2026-11-24 15:30", "3 DAY", "2026-11-28 00:00"),
        ("2026-09-30 09:00", "3 WORKDAY", "2026-10-11 00:00"),  # the third is a made-up Saturday
        ("2026-11-24 09:00", "1 MONTH", "2026-12-25 00:00"),
        ("2026-01-31 09:00", "1 MONTH", "2026-03-01 00:00"),  # February has no 31st
        ("2024-02-29 09:00", "1 YEAR", "2025-03-01 00:00"),
        ("2026-11-24 09:00", "14 MONTH", "2028-01-25 00:00"),
    ],
)
def test_a_limit_ends(start, length, end):
    assert due(at(start), limit(length), ZHEJIANG) == (at(end), False)


def test_a_limit_starts_on_the_day_in_shanghai():
    assert due(datetime.fromisoformat("2026-11-24T23:00:00+00:00"), limit("1 DAY"), ZHEJIANG).at == at("2026-11-27 00:00")


def test_working_days_of_an_unannounced_year_are_provisional():
    assert due(at("2026-12-30 09:00"), limit("15 WORKDAY"), ZHEJIANG).provisional


@pytest.mark.parametrize("unit", OF_A_SERVICE)
def test_the_longest_limit_that_can_be_said_has_an_end(unit):
    assert due(at("2099-12-31 09:00"), Limit(value=10_000, unit=unit), ZHEJIANG).at > at("2100-01-01 00:00")


@pytest.mark.parametrize(
    ("promised", "statutory", "is_longer"),
    [
        ("5 WORKDAY", "5 WORKDAY", False),
        ("6 WORKDAY", "5 WORKDAY", True),
        ("5 WORKDAY", "5 DAY", True),
        ("5 DAY", "5 WORKDAY", False),
        ("14 DAY", "10 WORKDAY", True),  # a made-up weekend brings the tenth working day forward
        ("20 WORKDAY", "1 MONTH", True),
        ("1 HOUR", "0 DAY", False),
        ("2 DAY", "48 HOUR", True),
        ("12 MONTH", "1 YEAR", False),
        ("13 MONTH", "1 YEAR", True),
        ("31 DAY", "1 MONTH", True),
        ("28 DAY", "1 MONTH", False),
        ("10000 WORKDAY", "10000 DAY", True),
    ],
)
def test_a_promise_is_longer_than_the_law_if_it_ever_ends_later(promised, statutory, is_longer):
    assert longer(limit(promised), limit(statutory)) is is_longer


@given(limits, limits, st.datetimes(datetime(2020, 1, 1), datetime(2026, 12, 31)))  # noqa: DTZ001 - a day is drawn
def test_a_promise_that_is_not_longer_ends_in_time_on_every_published_day(promised, statutory, day):
    noon = day.replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=SHANGHAI)
    if not longer(promised, statutory):
        assert due(noon, promised, NATION).at <= due(noon, statutory, NATION).at


@given(limits, limits, limits)
def test_a_shorter_promise_is_never_the_longer_one(first, second, third):
    if not longer(first, second) and not longer(second, third):
        assert not longer(first, third)


@given(st.sampled_from(NATURAL), st.integers(0, 100), st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_natural_limits_end_at_midnight_and_grow_with_their_value(unit, value, start):
    start = start.replace(tzinfo=SHANGHAI)
    here, more = (due(start, Limit(value=n, unit=unit), ZHEJIANG).at for n in (value, value + 1))
    assert start < here < more
    assert (here.hour, here.minute) == (0, 0)
    assert more - here >= timedelta(days=1)


# ---------------------------------------------------------------- limits of cases


def of_a_case(text: str) -> TimeLimit:
    value, unit, *start = text.split()
    return TimeLimit(value=int(value), unit=unit, start=start[0] if start else None)


@pytest.mark.parametrize(
    ("here", "there", "is_later"),
    [
        ("5 WORKDAY", "5 WORKDAY", False),
        ("6 WORKDAY", "5 WORKDAY", True),
        ("5 DAY", "5 WORKDAY", False),
        ("5 WORKDAY", "5 DAY", True),
        ("5 WORKDAY", "14 DAY", True),  # over the Spring Festival of 2020
        ("5 WORKDAY", "15 DAY", False),
        ("24 HOUR", "1 DAY", False),
        ("25 HOUR", "1 DAY", True),  # from late in the evening
        ("1 HOUR", "0 DAY", True),
        ("0 HOUR", "0 DAY", False),
        # Working hours: a working day of theirs at the most.
        ("8 WORKHOUR", "1 WORKDAY", False),
        ("9 WORKHOUR", "1 WORKDAY", True),  # a fact of the night has its ninth hour on the second day
        ("7 WORKHOUR", "8 WORKHOUR", False),
        ("1 WORKHOUR", "24 HOUR", True),  # on a rest day
        ("8 HOUR", "1 WORKHOUR", True),
        ("0 HOUR", "0 WORKHOUR", False),
        # Start rules.
        ("1 WORKDAY FROM_OFFICE_HOURS", "1 WORKDAY", True),
        ("1 WORKDAY", "1 WORKDAY FROM_OFFICE_HOURS", False),
        ("0 WORKDAY FROM_OFFICE_HOURS", "1 WORKDAY", False),
        ("1 WORKDAY FROM_FACT", "1 WORKDAY", False),
        ("2 HOUR FROM_OFFICE_HOURS", "2 WORKHOUR", False),
        ("2 WORKHOUR FROM_OFFICE_HOURS", "2 WORKHOUR", False),
        ("2 WORKHOUR", "2 HOUR FROM_OFFICE_HOURS", True),  # shortly before closing
        ("7 HOUR", "0 WORKDAY FROM_OFFICE_HOURS", False),
        ("8 HOUR", "0 WORKDAY FROM_OFFICE_HOURS", True),  # in the last hour before closing
        ("16 HOUR", "1 WORKHOUR", True),  # offices open, and an hour later
        ("5 WORKDAY FROM_OFFICE_HOURS", "15 DAY FROM_OFFICE_HOURS", False),
    ],
)
def test_a_rule_ends_later_if_it_does_from_any_day_and_hour(here, there, is_later):
    assert ends_later(of_a_case(here), of_a_case(there), OFFICE) is is_later


short = st.builds(
    TimeLimit,
    value=st.integers(0, 12),
    unit=st.sampled_from([TimeUnit.HOUR, TimeUnit.WORKHOUR, TimeUnit.DAY, TimeUnit.WORKDAY]),
    start=st.sampled_from([None, "FROM_FACT", "FROM_OFFICE_HOURS"]),
)
offices = st.sampled_from([OFFICE, OpeningHours(opens=0, closes=24), OpeningHours(opens=8, closes=12)])


@pytest.mark.property
@given(short, short, offices, st.randoms(use_true_random=False))
def test_a_rule_that_does_not_end_later_ends_in_time_from_any_instant(here, there, office, chance):
    if not ends_later(here, there, office):
        for _ in range(300):
            fact = at("2020-01-01") + timedelta(seconds=chance.randrange(7 * 365 * 86_400))
            assert ends(fact, here, "FROM_FACT", office, NATION).at <= ends(fact, there, "FROM_FACT", office, NATION).at


@pytest.mark.property
@given(short, offices, st.integers(0, 7 * 365 * 86_400))
def test_of_two_rules_of_a_kind_the_longer_ends_later_from_any_instant(length, office, second):
    more, fact = length.model_copy(update={"value": length.value + 1}), at("2020-01-01") + timedelta(seconds=second)
    assert ends(fact, more, "FROM_FACT", office, NATION).at > ends(fact, length, "FROM_FACT", office, NATION).at
    assert (ends_later(more, length, office), ends_later(length, more, office)) == (True, False)
