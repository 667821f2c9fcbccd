"""Given facts, when a command, then facts."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from contract.codes import Clock
from contract.zone import SHANGHAI
from facts import rating_facts
from policy.rules import in_force
from rectify.case import BecameOverdue, OpenCase, Opened, PassDeadline, case_id_of, decide, evolve

NOW = datetime(2026, 11, 24, 10, tzinfo=SHANGHAI)
SHANDONG = {"region": "370000000000", "valid_from": "2020-01-01", "rules": {"rectify_simple": {"value": 5, "unit": "WORKDAY"}}}
ZHEJIANG = {
    "region": "330000000000",
    "valid_from": "2020-01-01",
    "rules": {"first_contact": {"value": 1, "unit": "DAY"}, "rectify_simple": {"value": 15, "unit": "DAY"}},
}


def policy(region: str = "330106000000"):
    return in_force([SHANDONG, ZHEJIANG], region, date(2026, 11, 24))


def opened(received_at: datetime = NOW, region_code: str = "330106000000"):
    command = OpenCase(rating=rating_facts(received_hour=received_at, region_code=region_code))
    (fact,) = decide(None, command, policy(region_code), NOW)
    return fact


def test_a_case_has_the_deadlines_that_the_policy_sets():
    due = {clock: deadline.due_at.isoformat() for clock, deadline in opened().clocks.items()}
    assert due == {Clock.FIRST_CONTACT: "2026-11-26T00:00:00+08:00", Clock.RECTIFY: "2026-12-10T00:00:00+08:00"}


def test_another_province_counts_working_days_and_sets_no_time_for_contact():
    due = {clock: deadline.due_at.isoformat() for clock, deadline in opened(region_code="370102000000").clocks.items()}
    assert due == {Clock.RECTIFY: "2026-12-02T00:00:00+08:00"}


def test_a_deadline_beyond_the_announced_calendar_is_provisional():
    late = datetime(2026, 12, 30, 10, tzinfo=SHANGHAI)
    assert opened(late, region_code="370102000000").clocks[Clock.RECTIFY].provisional


def test_the_clock_runs_from_receipt_not_from_opening():
    received = NOW - timedelta(days=3)
    assert opened(received).clocks[Clock.FIRST_CONTACT].due_at == datetime(2026, 11, 23, tzinfo=SHANGHAI)


def test_a_second_announcement_opens_nothing():
    case = evolve(None, opened())
    assert decide(case, OpenCase(rating=case.rating), policy(), NOW) == []


@pytest.mark.parametrize(("after", "passes"), [(timedelta(0), True), (timedelta(seconds=-1), False), (timedelta(days=9), True)])
def test_a_deadline_passes_at_its_instant_and_not_before(after, passes):
    case = evolve(None, opened())
    due_at = case.clocks[Clock.FIRST_CONTACT].due_at
    facts = decide(case, PassDeadline(case_id=case.case_id, clock=Clock.FIRST_CONTACT, due_at=due_at), None, due_at + after)
    assert bool(facts) == passes


def test_a_deadline_passes_once_and_the_next_one_comes_up():
    case = evolve(None, opened())
    first, second = case.clocks[Clock.FIRST_CONTACT].due_at, case.clocks[Clock.RECTIFY].due_at
    assert case.next_due == first
    late = evolve(case, BecameOverdue(clock=Clock.FIRST_CONTACT, due_at=first, at=first))
    assert (late.next_due, late.version) == (second, 2)
    assert decide(late, PassDeadline(case_id=case.case_id, clock=Clock.FIRST_CONTACT, due_at=first), None, second) == []


def test_a_deadline_of_a_case_that_is_not_there_has_no_effect():
    assert decide(None, PassDeadline(case_id="c_1", clock=Clock.RECTIFY, due_at=NOW), None, NOW) == []


def test_nothing_but_its_opening_can_be_the_first_fact_of_a_case():
    with pytest.raises(ValueError, match="first fact"):
        evolve(None, BecameOverdue(clock=Clock.RECTIFY, due_at=NOW, at=NOW))


def test_the_case_of_a_rating_is_named_after_it():
    assert isinstance(opened(), Opened)
    assert opened().case_id == case_id_of("r_1")
    assert opened().case_id != case_id_of("r_2")
