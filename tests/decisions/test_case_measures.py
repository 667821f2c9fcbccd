"""What a case adds to the scores (domain handbook, section 11): each clock falls due once, and no rate can exceed one."""

from __future__ import annotations

from datetime import date

import pytest

from contract.codes import CaseMeasure
from policy.rules import Policy
from scoring.figures.indicators import INDICATORS
from story import (
    ANSWERED,
    CLOSED,
    DISSATISFIED,
    EXCLUDED,
    EXPLAINED,
    POLICY,
    REOPENED,
    REPLIED,
    SUPERVISED,
    UNREACHED,
    given,
    move,
    policy,
    verified,
)

OVERTURNED = move("DECIDE_REVIEW", overturned=True)
CONTACT = {"CONTACT_DUE": 1, "CONTACTED_IN_TIME": 1}
REPLY = {"REPLIED": 1, "REPLY_DUE": 1, "REPLIED_IN_TIME": 1}
IN_TIME = {"RECTIFY_DUE": 1, "RECTIFIED_IN_TIME": 1}
UNTIL_REPLY = {"OPENED": 1, **CONTACT, "TO_RECTIFY": 1, **REPLY, **IN_TIME}
REACHED = {"CALLBACK_DUE": 1, "CALLED_BACK": 1}
CONFIRMED = {**REACHED, "REACHED_AFTER_RECTIFYING": 1, "CONFIRMED_BY_RATER": 1, "RECTIFIED": 1, "SATISFIED_AT_CALLBACK": 1}
EXCLUSION = {"APPEAL_FILED": 1, "APPEAL_DECIDED": 1, "APPEAL_GRANTED": 1}
NO_DATES = Policy(version="none")


@pytest.mark.parametrize(
    ("so_far", "counted"),
    [
        ((), {"OPENED": 1}),
        (("ASSIGN", "CONTACT"), {"OPENED": 1, **CONTACT}),
        (verified("SUSPECTED_MISTAKE"), {"OPENED": 1, **CONTACT}),
        (verified(), {"OPENED": 1, **CONTACT, "TO_RECTIFY": 1}),
        ((*verified("SUSPECTED_MISTAKE"), move("SET_TRACK", track="COMPLEX")), {"OPENED": 1, **CONTACT, "TO_RECTIFY": 1}),
        (REPLIED, UNTIL_REPLY),
        (CLOSED, UNTIL_REPLY | CONFIRMED),
        (REOPENED, {**UNTIL_REPLY, **REACHED, "REACHED_AFTER_RECTIFYING": 1, "REOPENED": 1}),
        (
            (*REOPENED, "SET_TRACK", *ANSWERED, "CALL_BACK"),
            {**UNTIL_REPLY, **CONFIRMED, "CALLBACK_DUE": 2, "CALLED_BACK": 2, "REACHED_AFTER_RECTIFYING": 2, "REOPENED": 1},
        ),
        (
            SUPERVISED,
            {**UNTIL_REPLY, "CALLBACK_DUE": 2, "CALLED_BACK": 2, "REACHED_AFTER_RECTIFYING": 2, "REOPENED": 1},
        ),
        (
            (*verified("NO_LEGAL_BASIS"), EXPLAINED, "CALL_BACK"),
            {"OPENED": 1, **CONTACT, **REPLY, **REACHED, "CONFIRMED_BY_RATER": 1},
        ),
        (EXCLUDED, {"OPENED": 1, **CONTACT, **EXCLUSION}),
        (
            (*verified(), "FILE_APPEAL", move("DECIDE_APPEAL", granted=False), *ANSWERED),
            {**UNTIL_REPLY, "APPEAL_FILED": 1, "APPEAL_DECIDED": 1},
        ),
    ],
)
def test_this_is_counted_when_that_was_done(so_far, counted):
    assert given(*so_far).counted == counted


def test_a_rater_who_is_not_reached_is_told_beside_the_rate_and_never_counted_as_satisfied():
    story = given(*REPLIED, UNREACHED, UNREACHED).later(days=1).given(UNREACHED)
    assert story.counted == {**UNTIL_REPLY, "CALLBACK_DUE": 1, "UNREACHED": 1}


def test_nobody_is_contacted_or_called_back_for_an_anonymous_rating():
    story = given(real_name=False).at("2026-11-27").given("ASSIGN", "VERIFY", *ANSWERED)
    assert story.counted == {"OPENED": 1, "TO_RECTIFY": 1, **REPLY, **IN_TIME, "OVERDUE": 2}


# ---------------------------------------------------------------- due once


def test_a_clock_that_ran_out_is_due_once_and_what_comes_late_is_not_in_time():
    story = given().at("2026-12-31")
    assert story.counted == {"OPENED": 1, "CONTACT_DUE": 1, "RECTIFY_DUE": 1, "REPLY_DUE": 1, "OVERDUE": 4}
    story.given(*REPLIED)
    late = {"OPENED": 1, "CONTACT_DUE": 1, "RECTIFY_DUE": 1, "REPLY_DUE": 1, "OVERDUE": 4, "TO_RECTIFY": 1, "REPLIED": 1}
    assert story.counted == late


def test_a_call_back_that_comes_late_is_due_once():
    story = given(*REPLIED).at("2026-12-31").given("CALL_BACK")
    assert story.counted == {**UNTIL_REPLY, **CONFIRMED, "OVERDUE": 1}


def test_what_ran_out_counts_for_its_last_day_whenever_that_is_told():
    (late,) = [step for step in given().at("2026-11-26").steps if "OVERDUE" in step.measures]
    assert (late.measures, late.day) == (("OVERDUE", "CONTACT_DUE"), date(2026, 11, 25))


def test_anything_else_counts_for_its_own_day():
    story = given("ASSIGN").later(days=1).given("CONTACT")
    assert [step.day for step in story.steps] == [date(2026, 11, 24), date(2026, 11, 24), date(2026, 11, 25)]
    assert all(step.rating == story.case.rating for step in story.steps)


def test_without_a_date_of_its_own_the_reply_falls_due_with_what_it_answers_for():
    without = policy(reply=None)
    assert given(*REPLIED, under=without).counted == UNTIL_REPLY
    assert given(under=without).at("2026-12-05").counted["REPLY_DUE"] == 1
    assert given(*verified("NO_LEGAL_BASIS"), EXPLAINED, under=without).counted == {"OPENED": 1, **CONTACT, **REPLY}


def test_where_no_date_is_set_nothing_falls_due_but_a_call_back_that_was_made():
    story = given(*CLOSED, under=NO_DATES)
    assert story.counted == {"OPENED": 1, "TO_RECTIFY": 1, "REPLIED": 1, **CONFIRMED}


# ---------------------------------------------------------------- extensions and tracks

EXTENDED = (*verified("COMPLEX"), "ASK_EXTENSION", "DECIDE_EXTENSION")


def test_an_extension_that_was_not_needed_changes_nothing():
    assert given(*EXTENDED, *ANSWERED).counted == UNTIL_REPLY


@pytest.mark.parametrize(("day", "within"), [("2026-12-15", "RECTIFIED_IN_TIME"), ("2026-12-16", "RECTIFIED_WITHIN_EXTENSION")])
def test_on_time_and_within_an_extension_are_counted_apart(day, within):
    counted = given(*EXTENDED).at(day).given(*ANSWERED).counted
    assert (counted["RECTIFY_DUE"], counted["RECTIFIED_IN_TIME"] + counted["RECTIFIED_WITHIN_EXTENSION"], counted[within]) == (1, 1, 1)


def test_an_extension_granted_after_the_date_counts_as_an_extension():
    story = given(*verified("COMPLEX"), "ASK_EXTENSION").at("2026-12-16").given("DECIDE_EXTENSION", *ANSWERED)
    assert (story.counted["RECTIFY_DUE"], story.counted["RECTIFIED_IN_TIME"], story.counted["RECTIFIED_WITHIN_EXTENSION"]) == (1, 0, 1)


def test_after_the_extension_it_is_late():
    counted = given(*EXTENDED).at("2026-12-23").given(*ANSWERED).counted
    assert counted["RECTIFY_DUE"] == 1
    assert not counted["RECTIFIED_IN_TIME"] + counted["RECTIFIED_WITHIN_EXTENSION"]


# ---------------------------------------------------------------- no rate exceeds one


def rates(story) -> dict[str, tuple[int, int]]:
    counts = {f"case.{measure}": n for measure, n in story.counted.items()}
    of_cases = ("contact", "reply", "callback", "rectification", "rectification_satisfaction", "on_time", "on_time_or_extended", "appeal")
    found = {name: INDICATORS[f"{name}_rate"].of(counts, POLICY) for name in of_cases}
    return {name: (rate.numerator, rate.denominator) for name, rate in found.items()}


def test_a_case_that_goes_well_is_one_of_one_everywhere():
    assert set(rates(given(*CLOSED)).items()) == {(name, (1, 1)) for name in rates(given()) if name != "appeal"} | {("appeal", (0, 0))}


def test_a_case_that_goes_badly_is_none_of_one():
    story = given().at("2026-12-31").given(*REPLIED).at("2027-01-31").given(DISSATISFIED)
    assert rates(story) == {
        "contact": (0, 1),
        "reply": (0, 1),
        "callback": (1, 1),  # late, and reached
        "rectification": (0, 1),
        "rectification_satisfaction": (0, 1),
        "on_time": (0, 1),
        "on_time_or_extended": (0, 1),
        "appeal": (0, 0),
    }


EXPLAINED_FIRST = (*verified("NO_LEGAL_BASIS"), EXPLAINED, DISSATISFIED)


@pytest.mark.parametrize(
    ("so_far", "under"),
    [
        ((*EXPLAINED_FIRST, "SET_TRACK", *ANSWERED, "CALL_BACK"), POLICY),
        ((*EXPLAINED_FIRST, "DECIDE_SUPERVISION", *ANSWERED, "CALL_BACK"), policy(max_reopenings=0)),
        ((*verified("NO_LEGAL_BASIS"), EXPLAINED, "CALL_BACK", "CONTEST", OVERTURNED, *ANSWERED, "CALL_BACK"), POLICY),
        ((*EXCLUDED, "CONTEST", OVERTURNED, *ANSWERED, "CALL_BACK"), POLICY),
        ((*CLOSED, "CONTEST", OVERTURNED, *ANSWERED, "CALL_BACK"), POLICY),
        ((*CLOSED, "FOLLOW_UP", "SET_TRACK", *ANSWERED, "CALL_BACK"), POLICY),
        ((*CLOSED, "FOLLOW_UP", "DECIDE_SUPERVISION", *ANSWERED, "CALL_BACK"), policy(max_reopenings=0)),
    ],
    ids=[
        "explained, then put right",
        "explained, then put right by the supervisor's word",
        "explained, then overturned",
        "excluded, then restored",
        "confirmed, then overturned, then confirmed",
        "confirmed, then followed up, then confirmed",
        "confirmed, then supervised, then confirmed",
    ],
)
def test_what_was_put_right_needed_it_and_counts_once(so_far, under):
    story = given(*so_far, under=under)
    assert rates(story)["rectification"] == (1, 1)
    assert story.counted["REPLIED"] == 1


def test_the_answer_of_a_further_round_is_no_second_answer_even_if_that_round_has_no_clock():
    no_date = policy(rectify_simple=None, max_reopenings=0)
    story = given(*REPLIED, DISSATISFIED, "DECIDE_SUPERVISION", *ANSWERED, under=no_date)
    assert (story.counted["REPLIED"], story.counted["REPLY_DUE"], story.counted["REPLIED_IN_TIME"]) == (1, 1, 1)


def test_what_an_exclusion_stopped_does_not_fall_due_by_the_answer_after_its_restoring():
    story = given(*EXCLUDED, "CONTEST", OVERTURNED, *ANSWERED)
    assert story.counted == {"OPENED": 1, **CONTACT, **EXCLUSION, "TO_RECTIFY": 1, "REPLIED": 1}


def test_every_measure_is_counted_somewhere():
    stories = [
        given().at("2026-12-31"),
        given(*EXTENDED).at("2026-12-16").given(*ANSWERED),
        given(*CLOSED),
        given(*REOPENED),
        given(*EXCLUDED),
        given(*REPLIED, UNREACHED, UNREACHED).later(days=1).given(UNREACHED),
    ]
    assert {measure for story in stories for measure in story.counted} == set(CaseMeasure)
