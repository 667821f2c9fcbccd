"""Deadlines from their fact to their end: start rules, shares, extensions and pauses, over rest days and after hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contract.codes import TimeUnit
from contract.zone import SHANGHAI, day_of, last_day_before
from policy.calendar import add_working_hours, is_working_day, last_day, working_days_between
from policy.deadlines import ends, ends_by, extended, resumed, share_of
from policy.rules import OpeningHours, Policy, TimeLimit

ZHEJIANG = "330000000000"
OFFICE = OpeningHours(opens=9, closes=17)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def limit(text: str) -> TimeLimit:
    value, unit, *start = text.split()
    return TimeLimit(value=int(value), unit=unit, start=start[0] if start else None)


def ended(fact: str, length: str, rule: str = "FROM_FACT") -> datetime:
    return ends(at(fact), limit(length), rule, OFFICE, ZHEJIANG).at


moments = st.datetimes(datetime(2019, 1, 1), datetime(2026, 10, 1)).map(lambda moment: moment.replace(tzinfo=SHANGHAI))  # noqa: DTZ001
units = st.sampled_from([TimeUnit.HOUR, TimeUnit.WORKHOUR, TimeUnit.DAY, TimeUnit.WORKDAY])
limits = st.builds(TimeLimit, value=st.integers(0, 40), unit=units)
rules = st.sampled_from(["FROM_FACT", "FROM_OFFICE_HOURS"])
lengths = st.builds(TimeLimit, value=st.integers(1, 40), unit=st.sampled_from([TimeUnit.DAY, TimeUnit.WORKDAY]))


@pytest.mark.parametrize(
    ("fact", "length", "from_fact", "from_office_hours"),
    [
        # In office hours nothing differs.
        ("2026-11-24 10:20", "2 WORKDAY", "2026-11-27 00:00", "2026-11-27 00:00"),
        ("2026-11-24 10:20", "24 HOUR", "2026-11-25 10:20", "2026-11-25 10:20"),
        # Before opening: the same day.
        ("2026-11-24 07:00", "2 HOUR", "2026-11-24 09:00", "2026-11-24 11:00"),
        ("2026-11-24 07:00", "1 DAY", "2026-11-26 00:00", "2026-11-26 00:00"),
        # After hours, and as offices close: the next opening.
        ("2026-11-24 17:00", "1 WORKDAY", "2026-11-26 00:00", "2026-11-27 00:00"),
        ("2026-11-24 16:59", "1 WORKDAY", "2026-11-26 00:00", "2026-11-26 00:00"),
        ("2026-11-24 20:00", "4 HOUR", "2026-11-25 00:00", "2026-11-25 13:00"),
        # A Saturday: the next working day is day 1, or day 0.
        ("2026-11-21 10:00", "1 WORKDAY", "2026-11-24 00:00", "2026-11-25 00:00"),
        ("2026-11-21 10:00", "0 WORKDAY", "2026-11-22 00:00", "2026-11-24 00:00"),
        ("2026-11-21 10:00", "3 DAY", "2026-11-25 00:00", "2026-11-27 00:00"),
        # A made-up Saturday is no rest day, the National Day holiday is one.
        ("2026-10-10 10:00", "1 WORKDAY", "2026-10-13 00:00", "2026-10-13 00:00"),
        ("2026-10-02 10:00", "1 WORKDAY", "2026-10-09 00:00", "2026-10-10 00:00"),
        # Working hours begin with the offices, whatever the rule.
        ("2026-11-21 10:00", "2 WORKHOUR", "2026-11-23 11:00", "2026-11-23 11:00"),
    ],
)
def test_a_fact_on_a_rest_day_or_after_hours_counts_as_the_start_rule_says(fact, length, from_fact, from_office_hours):
    assert (ended(fact, length), ended(fact, length, "FROM_OFFICE_HOURS")) == (at(from_fact), at(from_office_hours))


@pytest.mark.parametrize(("own", "rule"), [("FROM_FACT", "FROM_OFFICE_HOURS"), ("FROM_OFFICE_HOURS", "FROM_FACT")])
def test_a_limits_own_start_rule_goes_before_that_of_the_policy(own, rule):
    assert ended("2026-11-21 10:00", f"1 WORKDAY {own}", rule) == ended("2026-11-21 10:00", "1 WORKDAY", own)


def test_a_policy_brings_its_rule_and_its_office_hours():
    policy = Policy(version="test", clock_start_rule="FROM_OFFICE_HOURS", opening_hours=OFFICE)
    assert ends_by(policy, at("2026-11-21 10:00"), limit("2 HOUR"), ZHEJIANG).at == at("2026-11-23 11:00")


@pytest.mark.property
@given(moments, limits, rules)
def test_office_hours_as_the_start_never_bring_a_deadline_forward(fact, length, rule):
    assert ends(fact, length, "FROM_FACT", OFFICE, ZHEJIANG).at <= ends(fact, length, "FROM_OFFICE_HOURS", OFFICE, ZHEJIANG).at
    assert ends(fact, length, rule, OFFICE, ZHEJIANG).at >= fact


@pytest.mark.property
@given(moments, moments, limits, rules)
def test_of_two_facts_the_earlier_is_never_due_later(one, other, length, rule):
    first, second = sorted([one, other])
    assert ends(first, length, rule, OFFICE, ZHEJIANG).at <= ends(second, length, rule, OFFICE, ZHEJIANG).at


@pytest.mark.parametrize(
    ("fact", "length", "rule", "provisional"),
    [
        ("2026-12-30 10:00", "1 WORKDAY", "FROM_FACT", False),
        ("2026-12-30 10:00", "2 WORKDAY", "FROM_FACT", True),
        ("2026-12-31 20:00", "5 DAY", "FROM_FACT", False),
        ("2026-12-31 20:00", "5 DAY", "FROM_OFFICE_HOURS", True),  # offices open on a day of which nothing is announced
        ("2026-12-31 10:00", "5 DAY", "FROM_OFFICE_HOURS", False),
        ("2027-03-02 10:00", "5 HOUR", "FROM_OFFICE_HOURS", True),  # and whether they are open is not either
        ("2027-03-02 10:00", "5 HOUR", "FROM_FACT", False),
    ],
)
def test_what_rests_on_an_unannounced_day_is_provisional(fact, length, rule, provisional):
    assert ends(at(fact), limit(length), rule, OFFICE, ZHEJIANG).provisional is provisional


# ---------------------------------------------------------------- a share


@pytest.mark.parametrize(
    ("length", "share", "end"),
    [
        ("5 WORKDAY", 0.8, "2026-12-01 00:00"),
        ("15 DAY", 0.8, "2026-12-07 00:00"),
        ("2 WORKDAY", 0.8, "2026-11-26 00:00"),
        ("1 WORKDAY", 0.8, "2026-11-25 00:00"),  # no whole day of one
        ("10 HOUR", 0.8, "2026-11-24 18:00"),
        ("100 DAY", 0.29, "2026-12-24 00:00"),  # 29 days, whatever binary fractions say
    ],
)
def test_a_share_of_a_limit_is_whole_days_or_hours_of_it(length, share, end):
    assert share_of(at("2026-11-24 10:00"), limit(length), share, Policy(version="test"), ZHEJIANG) == at(end)


@pytest.mark.property
@given(moments, limits, st.floats(0.01, 0.99))
def test_a_share_of_a_limit_is_never_over_after_the_limit(fact, length, share):
    policy = Policy(version="test")
    assert share_of(fact, length, share, policy, ZHEJIANG) <= ends_by(policy, fact, length, ZHEJIANG).at


# ---------------------------------------------------------------- an extension


@pytest.mark.parametrize(
    ("end", "by", "later"),
    [
        ("2026-12-02 00:00", "5 WORKDAY", "2026-12-09 00:00"),
        ("2026-12-02 00:00", "5 DAY", "2026-12-05 00:00"),  # the fifth day is a Sunday
        ("2026-11-28 00:00", "2 DAY", "2026-12-01 00:00"),  # no working day within: the next one
        ("2026-11-24 15:30", "1 WORKDAY", "2026-11-26 00:00"),  # a limit in hours is moved on to the end of a day
        ("2026-10-01 00:00", "9 DAY", "2026-10-10 00:00"),
        ("2026-10-01 00:00", "10 DAY", "2026-10-11 00:00"),  # onto a made-up Saturday
    ],
)
def test_an_extension_lands_on_a_working_day(end, by, later):
    assert extended(at(end), limit(by), ZHEJIANG) == (at(later), False)


@pytest.mark.property
@given(moments, lengths)
def test_an_extension_ends_later_on_a_working_day_and_is_no_longer_than_granted(end, by):
    moved = extended(end, by, ZHEJIANG).at
    before, landed = last_day_before(end), last_day_before(moved)
    assert landed > before
    assert is_working_day(landed, ZHEJIANG)[0]
    assert landed <= last_day(before, by, ZHEJIANG).date or working_days_between(before, landed, ZHEJIANG) == 1


@pytest.mark.property
@given(moments, moments, lengths)
def test_of_two_deadlines_the_earlier_stays_so_when_both_are_extended(one, other, by):
    first, second = sorted([one, other])
    assert extended(first, by, ZHEJIANG).at <= extended(second, by, ZHEJIANG).at


def test_an_extension_by_natural_days_onto_an_unannounced_day_is_provisional():
    assert extended(at("2026-12-31 00:00"), limit("5 DAY"), ZHEJIANG).provisional
    assert not extended(at("2026-12-20 00:00"), limit("5 DAY"), ZHEJIANG).provisional


# ---------------------------------------------------------------- a pause


@pytest.mark.parametrize(
    ("unit", "end", "paused_at", "until", "later"),
    [
        (TimeUnit.WORKDAY, "2026-12-02 00:00", "2026-11-26 10:00", "2026-12-01 09:00", "2026-12-05 00:00"),  # Friday, Monday, Tuesday
        (TimeUnit.DAY, "2026-12-02 00:00", "2026-11-26 10:00", "2026-12-01 09:00", "2026-12-07 00:00"),
        (TimeUnit.HOUR, "2026-11-27 10:00", "2026-11-26 10:00", "2026-11-26 12:30", "2026-11-27 12:30"),
        (TimeUnit.WORKHOUR, "2026-11-27 16:00", "2026-11-26 16:00", "2026-11-27 10:00", "2026-11-30 10:00"),  # one hour, and one
        (TimeUnit.WORKHOUR, "2026-11-27 16:00", "2026-11-26 18:00", "2026-11-26 23:00", "2026-11-27 16:00"),  # nobody was there
        (TimeUnit.WORKDAY, "2026-12-02 00:00", "2026-11-28 10:00", "2026-11-29 09:00", "2026-12-02 00:00"),  # over a weekend
    ],
)
def test_a_deadline_goes_on_for_as_long_as_its_clock_stood_still(unit, end, paused_at, until, later):
    assert resumed(at(end), at(paused_at), at(until), unit, ZHEJIANG, OFFICE) == (at(later), False)


@pytest.mark.property
@given(moments, st.timedeltas(timedelta(0), timedelta(days=40)), st.timedeltas(timedelta(0), timedelta(days=40)), units)
def test_a_pause_never_brings_a_deadline_forward_and_a_longer_one_never_helps_less(fact, one, other, unit):
    shorter, longer = sorted([one, other])
    end = ends(fact, TimeLimit(value=10, unit=unit), "FROM_FACT", OFFICE, ZHEJIANG).at
    first, second = (resumed(end, fact, fact + length, unit, ZHEJIANG, OFFICE).at for length in (shorter, longer))
    assert end <= first <= second


@pytest.mark.property
@given(moments, st.integers(1, 20), st.integers(1, 30))
def test_a_pause_of_working_hours_leaves_as_many_as_there_were(fact, value, hours_later):
    end = add_working_hours(fact, value, OFFICE, ZHEJIANG).at
    until = fact + timedelta(hours=hours_later)
    assume(until < end)
    moved = resumed(end, fact, until, TimeUnit.WORKHOUR, ZHEJIANG, OFFICE).at
    # What is left after the pause is all of the limit, since it began with it.
    assert add_working_hours(until, value, OFFICE, ZHEJIANG).at == moved


def test_a_pause_in_an_unannounced_year_is_provisional():
    stood = resumed(at("2027-02-01 00:00"), at("2027-01-04 10:00"), at("2027-01-06 10:00"), TimeUnit.WORKDAY, ZHEJIANG)
    assert (day_of(stood.at), stood.provisional) == (date(2027, 2, 3), True)
    weekend = resumed(at("2027-02-01 00:00"), at("2027-01-09 10:00"), at("2027-01-10 10:00"), TimeUnit.WORKDAY, ZHEJIANG)
    assert (day_of(weekend.at), weekend.provisional) == (date(2027, 2, 1), True)  # if it is none, it was longer
