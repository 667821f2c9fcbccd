"""What other rules would do to open cases: each clock from its own fact, with its extensions and pauses; nothing is changed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contract.codes import Clock
from contract.zone import last_day_before
from haochaping.what_if import Change, limit_of, moves, planned, totals
from policy.rules import Appeal, Extension, Policy, Rules
from story import CLOSED, COUNTY, NOW, PROVINCE, REOPENED, REPLIED, SUPERVISED, given, move, policy, verified, workdays

FREE = Policy(version="free")
PAUSING = policy(appeal=Appeal(decide=workdays(10), pauses_rectify=True))
TO_A_DATE = verified("COMPLEX")
EXTENDED = (*TO_A_DATE, "ASK_EXTENSION", "DECIDE_EXTENSION")
REFUSED_APPEAL = ("FILE_APPEAL", move("DECIDE_APPEAL", granted=False))


def told(case, then: Policy) -> dict[str, tuple[str, str | None]]:
    """By clock: what becomes of it, and the last day that it would have."""
    return {one.clock.value: (one.change.value, last_day_before(one.then).isoformat() if one.then else None) for one in moves(case, then)}


STORIES = {
    "received": (),
    "verified": verified(),
    "by a date": TO_A_DATE,
    "extended": EXTENDED,
    "appealed": (*verified(), "FILE_APPEAL"),
    "appeal refused": (*TO_A_DATE, *REFUSED_APPEAL),
    "replied": REPLIED,
    "reopened": REOPENED,
    "supervised": SUPERVISED,
    "contested": (*CLOSED, "CONTEST"),
    "transferred": ("PROPOSE_TRANSFER", "ANSWER_TRANSFER"),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
@pytest.mark.parametrize("under", [policy(), PAUSING, policy(rectify_from="VERIFIED")], ids=["full", "pausing", "from verified"])
def test_the_same_rules_move_nothing(story, under):
    case = given(*story, under=under).later(days=2).case
    found = moves(case, under)
    assert {one.clock for one in found} == set(case.running)
    assert all(one.change is Change.UNCHANGED and one.now == one.then for one in found)


def test_a_new_case_gets_the_new_limits_from_the_receipt_of_the_rating():
    then = policy(first_contact=workdays(0), verify=workdays(3), rectify_simple=workdays(5), reply=None)
    assert told(given().later(days=2).case, then) == {
        "first_contact": ("EARLIER", "2026-11-24"),
        "verify": ("LATER", "2026-11-27"),
        "rectify": ("UNCHANGED", "2026-12-01"),
        "reply": ("GONE", None),
    }


@pytest.mark.parametrize(("finding", "last"), [("SIMPLE", "2026-11-25"), ("COMPLEX", "2026-12-04")])
def test_the_limit_is_that_of_the_track(finding, last):
    then = policy(rectify_simple=workdays(1), rectify_complex=workdays(8))
    assert told(given(*verified(finding)).case, then)["rectify"] == ("EARLIER", last)


def test_what_is_put_right_again_counts_from_the_reopening():
    again = given(*REPLIED).at("2026-11-30").given(move("CALL_BACK", verdict="DISSATISFIED"))
    assert told(again.case, policy(rectify_simple=workdays(3)))["rectify_again"] == ("EARLIER", "2026-12-03")


def test_an_extension_that_was_granted_stays_granted():
    case = given(*EXTENDED).case
    assert told(case, policy(extension=None))["rectify"] == ("UNCHANGED", "2026-12-22")
    assert told(case, policy(rectify_complex=workdays(10)))["rectify"] == ("EARLIER", "2026-12-15")


def test_a_pause_stays_a_pause():
    story = given(*TO_A_DATE, "FILE_APPEAL", under=PAUSING)
    assert "rectify" not in told(story.case, PAUSING)  # it stands still
    on = story.later(days=2).given(move("DECIDE_APPEAL", granted=False)).case
    assert told(on, policy(rectify_complex=workdays(10)))["rectify"] == ("EARLIER", "2026-12-10")


@pytest.mark.parametrize(
    ("story", "clock", "then", "expected"),
    [
        (REPLIED, "callback", policy(post_rectify_callback=workdays(2)), ("EARLIER", "2026-11-26")),
        ((*verified(), "FILE_APPEAL"), "appeal", policy(appeal=Appeal(decide=workdays(12))), ("LATER", "2026-12-10")),
        ((*CLOSED, "CONTEST"), "review", policy(appeal=Appeal(decide=workdays(3))), ("EARLIER", "2026-11-27")),
        (SUPERVISED, "supervise", policy(supervise=workdays(6)), ("LATER", "2026-12-02")),
    ],
)
def test_every_other_clock_has_its_rule(story, clock, then, expected):
    assert told(given(*story).case, then)[clock] == expected


def test_every_clock_has_a_rule():
    case = given().case
    assert all(limit_of(clock, case, policy()) is not None for clock in Clock)


def test_where_there_was_no_limit_the_deadline_would_be_a_new_one():
    case = given(under=FREE).case
    assert told(case, policy(reply=None)) == {
        "first_contact": ("NEW", "2026-11-25"),
        "verify": ("NEW", "2026-11-26"),
        "rectify": ("NEW", "2026-12-01"),
    }
    contacted = given("ASSIGN", "CONTACT", under=FREE).case
    assert told(contacted, policy()).keys() == {"verify", "rectify", "reply"}
    assert told(given(*REPLIED, under=FREE).case, policy()) == {}


def test_counted_from_the_verification_a_case_that_waits_for_it_has_no_date():
    then = policy(rectify_from="VERIFIED")
    assert told(given().case, then)["rectify"] == ("GONE", None)
    late = given("ASSIGN", "CONTACT").later(days=3).given("VERIFY").case
    assert told(late, then)["rectify"] == ("LATER", "2026-12-04")
    assert told(given(*verified(), under=policy(rectify_from="VERIFIED")).later(days=1).case, policy())["rectify"][0] == "UNCHANGED"


def test_another_start_rule_moves_what_was_received_in_the_evening():
    evening = given(received_hour=NOW + timedelta(hours=10)).case
    then = policy(clock_start_rule="FROM_OFFICE_HOURS")
    assert told(evening, then)["first_contact"] == ("LATER", "2026-11-26")
    assert told(given().case, then)["first_contact"] == ("UNCHANGED", "2026-11-25")


def test_totals_say_what_moves_and_what_has_run_out():
    cases = [given().case, given(*verified(), rating_id="r_9").case]
    then = policy(first_contact=None, verify=workdays(0), rectify_simple=workdays(2), reply=workdays(20))
    found = [one for case in cases for one in moves(case, then)]
    assert totals(found, NOW + timedelta(days=3)) == {
        "cases": 2,
        "clocks": 6,
        "earlier": 3,  # verify of one, rectify of both
        "later": 2,
        "unchanged": 0,
        "gone": 1,
        "new": 0,
        "past_now": 2,
        "past_then": 3,
    }


def test_planned_rules_take_the_place_of_those_of_their_regions_only():
    held = [
        {"region": PROVINCE, "valid_from": "2020-01-01", "rules": {"min_n": 20, "reply": {"value": 15, "unit": "DAY"}}},
        {"region": COUNTY, "valid_from": "2020-01-01", "rules": {"min_n": 30}},
    ]
    then = planned(held, {PROVINCE: Rules(reply=workdays(5))}, COUNTY, date(2026, 11, 24))
    assert (then.reply, then.min_n) == (workdays(5), 30)
    assert planned(held, {COUNTY: Rules()}, COUNTY, date(2026, 11, 24)).min_n == 20
    of_today = [{"region": COUNTY, "valid_from": "2026-11-24", "rules": {"min_n": 40}}]
    assert planned(of_today, {COUNTY: Rules(min_n=50)}, COUNTY, date(2026, 11, 24)).min_n == 50


def test_trying_out_changes_nothing():
    case = given(*EXTENDED).case
    before = case.model_dump_json()
    moves(case, policy(rectify_complex=workdays(1), extension=Extension(max_count=2, value=9, unit="WORKDAY")))
    assert case.model_dump_json() == before
