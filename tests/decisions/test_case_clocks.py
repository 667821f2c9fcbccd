"""The clocks of a case (domain handbook, 17.2 and 17.3): each starts from its fact, ends with one, and moves only for a stated reason."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from contract.codes import ActorRole, Clock, EscalationLevel, TimeUnit
from contract.zone import SHANGHAI
from policy import calendar
from policy.calendar import Day, Overlays
from policy.rules import Appeal, Extension, OpeningHours, Policy, Rung, TimeLimit
from rectify.facts import BecameOverdue, DueMoved, Escalated, ExtensionAsked, ExtensionGranted, InterviewCalled
from rectify.orders import LateMonth, Routing
from story import (
    ANSWERED,
    BY_REGION,
    CITY,
    CLOSED,
    COUNTY,
    DISSATISFIED,
    EXCLUDED,
    NOW,
    OTHER_COORDINATOR,
    POLICY,
    PROVINCE,
    REGISTERED,
    REOPENED,
    REPLIED,
    REVIEWER,
    SUPERVISED,
    TAX_CITY,
    TAX_OFFICE,
    TAX_PROVINCE,
    UNIT,
    UNREACHED,
    given,
    move,
    policy,
    verified,
    workdays,
)

COMPLEX = verified("COMPLEX")
EXTENDED = (*COMPLEX, "ASK_EXTENSION", "DECIDE_EXTENSION")
REFUSED = move("DECIDE_APPEAL", granted=False)
PAUSING = policy(appeal=Appeal(decide=workdays(10), pauses_rectify=True))
FROM_VERIFIED = policy(rectify_from="VERIFIED")
HEAD_OF_PROVINCE = REGISTERED[UNIT].above[-1]


def hours(value: int, unit: str = "HOUR") -> TimeLimit:
    return TimeLimit(value=value, unit=TimeUnit(unit))


# ---------------------------------------------------------------- where they start and stop


@pytest.mark.parametrize(
    ("so_far", "running"),
    [
        ((), {"first_contact", "verify", "rectify", "reply"}),
        (("ASSIGN",), {"first_contact", "verify", "rectify", "reply"}),
        (("ASSIGN", "CONTACT"), {"verify", "rectify", "reply"}),
        (verified(), {"rectify", "reply"}),
        ((*verified(), "ACT"), {"rectify", "reply"}),
        (REPLIED, {"callback"}),
        ((*REPLIED, UNREACHED), {"callback"}),
        (CLOSED, set()),
        (REOPENED, {"rectify_again"}),
        ((*REOPENED, "SET_TRACK", *ANSWERED), {"callback"}),
        (SUPERVISED, {"supervise"}),
        ((*SUPERVISED, "DECIDE_SUPERVISION"), {"rectify_again"}),
        ((*SUPERVISED, move("DECIDE_SUPERVISION", rectify=False)), set()),
        ((*verified(), "FILE_APPEAL"), {"rectify", "reply", "appeal"}),
        ((*verified(), "FILE_APPEAL", REFUSED), {"rectify", "reply"}),
        (EXCLUDED, set()),
        ((*EXCLUDED, "CONTEST"), {"review"}),
        ((*EXCLUDED, "CONTEST", "DECIDE_REVIEW"), {"rectify_again"}),
        ((*CLOSED, "CONTEST", move("DECIDE_REVIEW", overturned=False)), set()),
        ((*CLOSED, "FOLLOW_UP"), {"rectify_again"}),
        ((*REPLIED, "FOLLOW_UP"), {"rectify_again"}),
        ((*REOPENED, "SET_TRACK", *ANSWERED, "FOLLOW_UP"), {"supervise"}),
    ],
)
def test_these_clocks_run_when_this_was_done(so_far, running):
    assert given(*so_far).running == running


def test_the_clocks_run_from_the_receipt_and_not_from_the_opening():
    story = given(received_hour=NOW - timedelta(days=4))  # the Friday before
    assert [story.due(clock) for clock in ("first_contact", "verify", "rectify")] == ["2026-11-23", "2026-11-24", "2026-11-27"]


def test_the_clocks_of_a_parked_rating_run_from_its_admission():
    story = given(received_hour=NOW - timedelta(days=4), admitted_hour=NOW)
    assert story.due("rectify") == given().due("rectify") == "2026-12-01"
    assert story.case.rating.received_hour == NOW - timedelta(days=4)  # both times stay


def test_until_the_facts_are_checked_the_shorter_track_counts():
    assert given("ASSIGN", "CONTACT").due("rectify") == "2026-12-01"
    assert given(*verified()).due("rectify") == "2026-12-01"


def test_what_is_put_right_by_a_date_keeps_its_start():
    story = given("ASSIGN", "CONTACT").later(days=2).given(move("VERIFY", finding="COMPLEX"))
    assert story.case.clocks[Clock.RECTIFY].started_at == NOW
    assert story.due("rectify") == "2026-12-15"


def test_the_longer_track_can_be_set_after_a_suspicion_and_still_counts_from_the_receipt():
    story = given(*verified("SUSPECTED_MISTAKE")).later(days=2).given(move("SET_TRACK", track="COMPLEX"))
    assert story.due("rectify") == "2026-12-15"


def test_rectifying_runs_from_the_verification_where_the_policy_says_so():
    story = given("ASSIGN", "CONTACT", under=FROM_VERIFIED)
    assert "rectify" not in story.running
    story.later(days=2).given(move("VERIFY", finding="COMPLEX"))
    assert story.case.clocks[Clock.RECTIFY].started_at == NOW + timedelta(days=2)
    assert story.due("rectify") == "2026-12-17"


def test_rectifying_runs_from_the_verification_even_if_only_the_longer_track_has_a_limit():
    story = given("ASSIGN", "CONTACT", under=policy(rectify_from="VERIFIED", rectify_simple=None))
    story.given(move("VERIFY", finding="SUSPECTED_MALICIOUS")).later(days=3).given(move("SET_TRACK", track="COMPLEX"))
    assert story.case.clocks[Clock.RECTIFY].started_at == NOW


def test_a_planned_day_is_measured_by_the_clock_that_runs():
    story = given(*EXTENDED, *ANSWERED, DISSATISFIED, under=policy(rectify_complex=workdays(1)))
    assert story.refusal(move("SET_TRACK", track="COMPLEX", planned_day="2026-11-26")) == "planned_too_late"
    assert story.when(move("SET_TRACK", track="COMPLEX", planned_day="2026-11-25")) == ["TrackSet"]


def test_a_further_round_has_a_clock_of_its_own_under_the_limit_of_its_track():
    assert given(*REOPENED).due("rectify_again") == "2026-12-01"
    assert given(*REOPENED, move("SET_TRACK", track="COMPLEX")).due("rectify_again") == "2026-12-15"
    assert given(*COMPLEX, *ANSWERED, DISSATISFIED).due("rectify_again") == "2026-12-15"
    assert given(*COMPLEX, *ANSWERED, DISSATISFIED, "SET_TRACK").due("rectify_again") == "2026-12-01"


NOTHING_TO_DO_WITH_CLOCKS = (
    ("ASSIGN",),
    ("STATE",),
    ("ACT",),
    ("URGE",),
    ("LINK_PROBLEM", "RECORD_CHANGE"),
    ("ADD_SUBTASK", "CLOSE_SUBTASK"),
    ("PROPOSE_TRANSFER", move("ANSWER_TRANSFER", accepted=False)),
    ("PROPOSE_TRANSFER", "ANSWER_TRANSFER", move("ASSIGN", OTHER_COORDINATOR)),
    ("REASSIGN",),
    ("REPORT_PRESSURE",),
    ("REFER_VIOLATION",),
    ("FOLLOW_UP",),
    ("ASK_EXTENSION",),
    ("ASK_EXTENSION", move("DECIDE_EXTENSION", granted=False)),
)


@pytest.mark.parametrize("moves", NOTHING_TO_DO_WITH_CLOCKS)
def test_nothing_else_restarts_lengthens_or_pauses_a_clock(moves):
    story = given(*COMPLEX)
    before = story.case.clocks
    story.later(days=3).given(*moves)
    assert story.case.clocks == before


def test_each_limit_is_counted_in_its_own_unit():
    under = policy(first_contact=hours(4, "WORKHOUR"), verify=hours(24), rectify_simple=hours(7, "DAY"), reply=workdays(0))
    due = {clock.value: deadline.due_at.isoformat() for clock, deadline in given(under=under).case.clocks.items()}
    assert due == {
        "first_contact": "2026-11-24T14:00:00+08:00",
        "verify": "2026-11-25T10:00:00+08:00",
        "rectify": "2026-12-02T00:00:00+08:00",
        "reply": "2026-11-25T00:00:00+08:00",
    }


def test_a_fact_on_a_rest_day_starts_its_clock_as_the_limits_own_rule_says():
    saturday = datetime(2026, 11, 28, 10, tzinfo=SHANGHAI)
    own = policy(first_contact=TimeLimit(value=1, unit=TimeUnit.WORKDAY, start="FROM_OFFICE_HOURS"))
    assert given(received_hour=saturday).due("first_contact") == "2026-11-30"
    assert given(received_hour=saturday, under=own).due("first_contact") == "2026-12-01"


# ---------------------------------------------------------------- running out


def test_a_deadline_passes_at_its_instant_and_not_before():
    story = given()
    due_at = story.case.clocks[Clock.FIRST_CONTACT].due_at
    step = story.step(Clock.FIRST_CONTACT, None, due_at)
    story.now = due_at - timedelta(microseconds=1)
    assert story.take(step) == []
    story.now = due_at
    assert story.take(step) == ["BecameOverdue"]


def test_a_deadline_passes_once_whatever_is_redelivered():
    story = given().at("2026-11-26")
    step = story.step(Clock.FIRST_CONTACT, None, story.case.clocks[Clock.FIRST_CONTACT].due_at)
    assert story.take(step) == []


def test_a_step_of_a_clock_that_stopped_or_moved_has_no_effect():
    story = given(*COMPLEX)
    asked, contact = (story.step(clock, None, story.case.clocks[clock].due_at) for clock in (Clock.RECTIFY, Clock.FIRST_CONTACT))
    story.given("ASK_EXTENSION", "DECIDE_EXTENSION").later(days=60)
    assert story.take(asked) == story.take(contact) == []


def test_a_case_that_nobody_was_put_in_charge_of_runs_late_like_any_other():
    story = given().at("2026-12-31")
    late = {fact.clock.value for fact in story.history if isinstance(fact, BecameOverdue)}
    assert late == {"first_contact", "verify", "rectify", "reply"}


# ---------------------------------------------------------------- the ladder


def steps(story, clock: str = "rectify") -> list[tuple[str, str, str]]:
    told = [fact for fact in story.history if isinstance(fact, Escalated) and fact.clock == clock]
    return [(fact.level.value, fact.to, fact.at.strftime("%m-%d %H")) for fact in told]


def test_each_step_of_the_ladder_comes_once_in_office_hours_and_climbs():
    assert steps(given().at("2026-12-31")) == [
        ("PERSON", UNIT, "12-01 08"),  # four of five working days are over
        ("UNIT_HEAD", UNIT, "12-02 08"),
        ("SUPERVISOR", COUNTY, "12-03 08"),
        ("LEVEL_ABOVE", CITY, "12-09 08"),
    ]


def test_the_ladder_waits_over_the_weekend():
    due_friday = given(received_hour=NOW - timedelta(days=4))
    assert due_friday.due("rectify") == "2026-11-27"
    assert steps(due_friday.at("2026-12-05"))[1:3] == [("UNIT_HEAD", UNIT, "11-30 08"), ("SUPERVISOR", COUNTY, "12-01 08")]


def test_along_a_vertical_line_the_ladder_climbs_the_line():
    told = steps(given(routing=REGISTERED[TAX_OFFICE], organisation=TAX_OFFICE).at("2026-12-31"))
    assert [to for _, to, _ in told] == [TAX_OFFICE, TAX_OFFICE, TAX_CITY, TAX_PROVINCE]


def test_the_ladder_ends_with_the_highest_that_there_is():
    told = steps(given(routing=Routing(unit=UNIT, above=(COUNTY,))).at("2026-12-31"))
    assert [to for _, to, _ in told] == [UNIT, UNIT, COUNTY, COUNTY]


def test_without_a_known_unit_the_ladder_begins_with_the_region_in_charge():
    told = steps(given(routing=Routing(above=BY_REGION), organisation=None).at("2026-12-31"))
    assert [to for _, to, _ in told] == [COUNTY, COUNTY, CITY, PROVINCE]


@pytest.mark.parametrize(
    ("so_far", "clock"),
    [(REPLIED, "callback"), (SUPERVISED, "supervise"), ((*verified(), "FILE_APPEAL"), "appeal"), ((*CLOSED, "CONTEST"), "review")],
)
def test_what_is_not_for_the_unit_to_do_climbs_from_the_supervisor(so_far, clock):
    told = steps(given(*so_far).at("2027-01-31"), clock)
    assert [(level, to) for level, to, _ in told] == [
        ("PERSON", COUNTY),
        ("UNIT_HEAD", COUNTY),
        ("SUPERVISOR", CITY),
        ("LEVEL_ABOVE", PROVINCE),
    ]


def test_a_case_that_was_transferred_climbs_from_its_new_unit():
    told = steps(given(move("REASSIGN", to=TAX_OFFICE)).at("2026-12-31"))
    assert [to for _, to, _ in told] == [TAX_OFFICE, TAX_OFFICE, TAX_CITY, TAX_PROVINCE]


def test_a_reminder_that_would_come_with_the_deadline_or_after_it_does_not_come():
    reminds = Rung(level=EscalationLevel.PERSON, share=0.8)
    at_once = policy(rectify_simple=workdays(0), escalation=(reminds,))
    assert given(under=at_once).case.clocks[Clock.RECTIFY].steps == ()
    before_work = policy(rectify_simple=hours(12), escalation=(reminds,))  # at seven in the evening, and due at ten
    assert given(under=before_work).case.clocks[Clock.RECTIFY].steps == ()


def test_a_stopped_clock_reminds_nobody():
    assert steps(given(*verified(), *ANSWERED).at("2026-12-31")) == []


def test_a_late_case_is_told_again_only_for_a_later_date():
    story = given(*verified("SUSPECTED_MISTAKE")).at("2026-12-05").given(move("SET_TRACK", track="COMPLEX")).at("2026-12-31")
    assert [day for level, _, day in steps(story) if level == "UNIT_HEAD"] == ["12-02 08", "12-16 08"]


TALK = policy(interview_after=3)


def talks(late: LateMonth, under: Policy = TALK) -> list[int]:
    story = given(under=under)
    story.late = late
    story.at("2026-11-26")
    return [fact.cases for fact in story.history if isinstance(fact, InterviewCalled)]


def test_the_head_is_called_to_a_talk_when_so_many_cases_of_a_month_were_late():
    others = frozenset({"c_8", "c_9"})
    assert talks(LateMonth(month="2026-11", cases=others)) == [3]
    assert talks(LateMonth(month="2026-11", cases=frozenset({"c_9"}))) == []
    assert talks(LateMonth(month="2026-11", cases=others, called=True)) == []
    assert talks(LateMonth(month="2026-11", cases=others), POLICY) == []


def test_a_case_counts_once_for_the_talk_and_what_others_are_late_with_not_at_all():
    own = given().case.case_id
    assert talks(LateMonth(month="2026-11", cases=frozenset({own, "c_9"}))) == []
    story = given(*REPLIED, under=policy(interview_after=1)).at("2026-12-31")
    assert not any(isinstance(fact, InterviewCalled) for fact in story.history)


# ---------------------------------------------------------------- extension


def test_an_extension_counts_from_the_date_that_stood_and_the_first_date_stays_visible():
    story = given(*EXTENDED)
    assert (story.due("rectify"), story.case.extensions) == ("2026-12-22", 1)
    told = story.last(ExtensionGranted)
    assert (told.first_due_at.isoformat(), told.due_at.isoformat()) == ("2026-12-16T00:00:00+08:00", "2026-12-23T00:00:00+08:00")
    assert story.case.clocks[Clock.RECTIFY].first_due_at == told.first_due_at


def test_as_much_may_be_asked_for_as_is_needed():
    story = given(*COMPLEX, move("ASK_EXTENSION", value=2))
    assert story.last(ExtensionAsked).value == 2
    assert story.given("DECIDE_EXTENSION").due("rectify") == "2026-12-17"


def test_an_extension_in_natural_days_lands_on_a_working_day():
    four_days = policy(extension=Extension(max_count=1, value=4, unit=TimeUnit.DAY))
    assert given(*COMPLEX, under=four_days).due("rectify") == "2026-12-15"
    assert given(*EXTENDED, under=four_days).due("rectify") == "2026-12-18"  # the 19th is a Saturday


def test_an_extension_that_is_refused_leaves_the_date_and_may_be_asked_for_again():
    story = given(*COMPLEX, "ASK_EXTENSION", move("DECIDE_EXTENSION", granted=False))
    assert story.due("rectify") == "2026-12-15"
    assert story.when("ASK_EXTENSION") == ["ExtensionAsked"]


def test_an_extension_asked_for_in_time_may_be_granted_after_the_date():
    story = given(*COMPLEX, "ASK_EXTENSION").at("2026-12-16")
    assert story.case.is_overdue
    story.given("DECIDE_EXTENSION")
    assert not story.case.is_overdue
    assert story.due("rectify") == "2026-12-22"


def test_the_ladder_of_an_extended_date_is_that_date_s_own():
    story = given(*EXTENDED).at("2027-01-31")
    assert [day for level, _, day in steps(story) if level in {"PERSON", "UNIT_HEAD"}] == ["12-18 08", "12-23 08"]


def test_a_further_round_can_be_extended_if_the_policy_allows_another_one():
    twice = policy(extension=Extension(max_count=2, value=5, unit=TimeUnit.WORKDAY))
    again = (*EXTENDED, *ANSWERED, DISSATISFIED, move("SET_TRACK", track="COMPLEX"), "ASK_EXTENSION", "DECIDE_EXTENSION")
    assert given(*again, under=twice).due("rectify_again") == "2026-12-22"


def test_the_policy_may_leave_extensions_to_the_reviewer():
    by_reviewer = policy(extension=Extension(max_count=1, value=5, unit=TimeUnit.WORKDAY, approver_role=ActorRole.REVIEWER))
    story = given(*COMPLEX, "ASK_EXTENSION", under=by_reviewer)
    assert story.refusal("DECIDE_EXTENSION") == "role_may_not"
    assert story.when(move("DECIDE_EXTENSION", REVIEWER)) == ["ExtensionGranted"]


# ---------------------------------------------------------------- pause


def test_an_appeal_pauses_nothing_unless_the_policy_says_so():
    story = given(*verified(), "FILE_APPEAL").later(days=3).given(REFUSED)
    assert story.due("rectify") == "2026-12-01"


def test_a_pause_is_given_back_in_working_days_when_the_appeal_is_refused():
    story = given(*verified(), "FILE_APPEAL", under=PAUSING)
    assert story.running == {"appeal"}
    story.at("2026-11-30").given(REFUSED)  # Tuesday to Monday: four working days
    assert story.running == {"rectify", "reply"}
    assert story.due("rectify") == "2026-12-07"


def test_what_stands_still_does_not_run_out():
    story = given(*verified(), "FILE_APPEAL", under=PAUSING).at("2026-12-07")
    assert not [fact for fact in story.history if isinstance(fact, BecameOverdue)]


def test_an_appeal_does_not_revive_a_date_that_has_passed():
    story = given(*verified(), under=PAUSING).at("2026-12-03").given("FILE_APPEAL")
    assert story.case.is_overdue
    story.at("2026-12-10").given(REFUSED)
    assert story.due("rectify") == "2026-12-01"
    assert len([fact for fact in story.history if isinstance(fact, BecameOverdue) and fact.clock == "rectify"]) == 1


def test_a_pause_in_working_hours_is_given_back_in_the_hours_of_the_policy():
    under = PAUSING.model_copy(update={"rectify_simple": hours(10, "WORKHOUR"), "opening_hours": OpeningHours(opens=10, closes=14)})
    story = given(*verified(), "FILE_APPEAL", under=under)
    assert story.case.clocks[Clock.RECTIFY].due_at.isoformat() == "2026-11-26T12:00:00+08:00"
    story.now = datetime(2026, 11, 25, 13, tzinfo=SHANGHAI)  # four hours of the first day, three of the next
    assert story.given(REFUSED).case.clocks[Clock.RECTIFY].due_at.isoformat() == "2026-11-30T11:00:00+08:00"


# ---------------------------------------------------------------- a calendar that is known better


@pytest.fixture
def announce(monkeypatch):
    """Announces rest days: `announce("2026-11-30")`."""

    def announced(*off: str, years: tuple[int, ...] = ()) -> None:
        days = tuple(Day(date=day, off=True, region="000000000000", announced="2026-11-24", notice="国办发明电") for day in off)
        known = Overlays(about="test", published_years=years, days=days)
        monkeypatch.setattr(calendar, "overlays", lambda: known)
        calendar._year.cache_clear()

    yield announced
    calendar._year.cache_clear()


def test_open_deadlines_move_with_the_calendar_and_keep_the_old_date(announce):
    story = given(*verified(), "FILE_APPEAL")
    announce("2026-11-30")
    assert story.recount("2027-a") == ["DueMoved"] * 3
    moved = {fact.clock.value: fact for fact in story.history if isinstance(fact, DueMoved)}
    assert moved.keys() == {"rectify", "reply", "appeal"}
    assert moved["rectify"].before.isoformat() == "2026-12-02T00:00:00+08:00"
    assert (story.due("rectify"), moved["rectify"].calendar) == ("2026-12-02", "2027-a")
    assert story.due("first_contact") == "2026-11-25"  # it had stopped


def test_a_second_recount_moves_nothing(announce):
    story = given()
    announce("2026-11-30")
    assert story.recount("2027-a")
    assert story.recount("2027-a") == []


def test_a_recount_under_a_calendar_that_says_the_same_moves_nothing():
    assert given(*EXTENDED).recount() == []


def test_a_recount_leaves_what_was_told_of_a_date_that_stays(announce):
    story = given(*verified()).at("2026-12-01", 12)
    told = story.case.clocks[Clock.RECTIFY]
    announce("2026-12-15")
    story.recount()
    assert story.case.clocks[Clock.RECTIFY] == told


def test_a_case_that_has_ended_stays_as_judged(announce):
    story = given(*CLOSED)
    announce("2026-11-30")
    assert story.recount() == []


def test_an_extended_date_is_recounted_from_its_start(announce):
    story = given(*EXTENDED)
    announce("2026-11-30", "2026-12-17")
    story.recount()
    assert (story.due("rectify"), story.case.clocks[Clock.RECTIFY].first_due_at.isoformat()) == ("2026-12-24", "2026-12-17T00:00:00+08:00")


def test_a_clock_that_stands_still_is_recounted_too(announce):
    story = given(*verified(), "FILE_APPEAL", under=PAUSING)
    announce("2026-12-01")
    story.recount()
    assert story.case.clocks[Clock.RECTIFY].due_at.isoformat() == "2026-12-03T00:00:00+08:00"
    assert story.running == {"appeal"}


def test_a_date_beyond_the_announced_years_is_provisional_until_they_are_announced(announce):
    late = NOW + timedelta(days=35)
    story = given(received_hour=late)
    assert story.case.clocks[Clock.RECTIFY].provisional
    announce("2027-01-01", years=(2027,))
    story.recount()
    assert not story.case.clocks[Clock.RECTIFY].provisional


def test_a_date_that_moves_later_is_late_no_more(announce):
    story = given().at("2026-11-26")
    assert story.case.clocks[Clock.FIRST_CONTACT].overdue
    announce("2026-11-25", "2026-11-26")
    story.recount()
    assert not story.case.clocks[Clock.FIRST_CONTACT].overdue
    assert story.due("first_contact") == "2026-11-27"
