"""A unit sees its own cases and nothing that goes past it, a supervisor sees everything, a rater sees the answer; nobody sees who rated."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given as suppose
from hypothesis import strategies as st

from contract.codes import ActorRole, CaseState, Clock, ContestReason, Role
from contract.zone import SHANGHAI
from rectify.api import rater, views
from rectify.api.access import Reader, Sight, sight
from rectify.api.models import FactSeen, RatingSeen
from rectify.case import evolve
from rectify.facts import Fact, Happened, Opened, PressureReported, ViolationReferred
from rectify.naming import receipt_hash
from story import (
    ANSWERED,
    AUTHORITY,
    CLOSED,
    COORDINATOR,
    COUNTY,
    DISSATISFIED,
    EXPLAINED,
    HELPER,
    HELPING_UNIT,
    HOTLINE,
    NOW,
    OTHER_COORDINATOR,
    OTHER_UNIT,
    PROVINCE,
    RATER,
    RECEIPT,
    REPLIED,
    TAX_CITY,
    TAX_OFFICE,
    UNIT,
    given,
    move,
    verified,
)

if TYPE_CHECKING:
    from story import Story

ELSEWHERE = "330200000000"


def unit(by: Any = COORDINATOR) -> Reader:
    """The party for which somebody of a unit acts."""
    return Reader(by.party, Role.UNIT, (COUNTY,), by.organisations)


SUPERVISOR = Reader("county", Role.SUPERVISOR, (COUNTY,), (), AUTHORITY)


def for_unit(story: Story, by: Any = COORDINATOR) -> dict[str, Any]:
    return views.case_for_unit(story.case, story.history, unit(by)).plain()


def for_supervisor(story: Story) -> dict[str, Any]:
    return views.case_for_supervisor(story.case, story.history, []).plain()


def for_rater(story: Story, **later: float) -> dict[str, Any]:
    return rater.case_for_rater(story.case, story.history, story.policy, story.now + timedelta(**later)).plain()


def text_of(seen: Any) -> str:
    return json.dumps(seen, ensure_ascii=False)


def facts(told: dict[str, Any]) -> list[str]:
    return [fact["fact"]["code"] for fact in told["history"]]


def played() -> Story:
    """A case through almost everything: extended, overdue, escalated, reopened, contested."""
    story = given("ASSIGN", "CONTACT", "ADD_SUBTASK", move("VERIFY", finding="COMPLEX"), "ASK_EXTENSION", "DECIDE_EXTENSION")
    story.at("2027-01-05").given("URGE", move("CLOSE_SUBTASK", text="协办情况一"), *ANSWERED, DISSATISFIED, "LINK_PROBLEM", "RECORD_CHANGE")
    return story.given(move("SET_TRACK"), *ANSWERED, "CALL_BACK", "CONTEST", move("DECIDE_REVIEW", overturned=False))


PLAYED = played()


# ---------------------------------------------------------------- who sees which case


@pytest.mark.parametrize(
    ("reader", "seen"),
    [
        (unit(), Sight.UNIT),
        (unit(OTHER_COORDINATOR), Sight.NOTHING),
        (Reader("none", Role.UNIT, (COUNTY,)), Sight.NOTHING),
        (SUPERVISOR, Sight.WHOLE),
        (Reader("province", Role.SUPERVISOR, (PROVINCE,)), Sight.WHOLE),
        (Reader("elsewhere", Role.SUPERVISOR, (ELSEWHERE,)), Sight.NOTHING),
        (Reader("county", Role.SUPERVISOR, (COUNTY,), (UNIT, HELPING_UNIT)), Sight.WHOLE),
        (Reader("county", Role.SUPERVISOR, (COUNTY,), (OTHER_UNIT, HELPING_UNIT)), Sight.NOTHING),
        (Reader("itself", Role.SUPERVISOR, (COUNTY,), (), UNIT), Sight.UNIT),
        (Reader("portal", Role.CHANNEL, (COUNTY,)), Sight.NOTHING),
        (Reader("data", Role.CONSUMER, (COUNTY,), (UNIT,)), Sight.NOTHING),
    ],
)
def test_a_unit_sees_its_own_cases_and_a_supervisor_those_of_its_scope(reader, seen):
    assert sight(reader, given().case) is seen


def test_a_supervisor_sees_what_lies_below_its_body_on_a_vertical_line():
    case = given(move("REASSIGN", to=TAX_OFFICE)).case
    assert sight(Reader("tax", Role.SUPERVISOR, (ELSEWHERE,), (), TAX_CITY), case) is Sight.WHOLE
    assert sight(Reader("other", Role.SUPERVISOR, (ELSEWHERE,), (), AUTHORITY), case) is Sight.NOTHING


def test_whoever_is_asked_to_take_a_case_over_and_whoever_has_a_part_in_it_sees_it():
    story = given("ADD_SUBTASK", "PROPOSE_TRANSFER")
    assert {sight(unit(by), story.case) for by in (COORDINATOR, OTHER_COORDINATOR, HELPER)} == {Sight.UNIT}
    story.given("CLOSE_SUBTASK", "ANSWER_TRANSFER")
    seen = [sight(unit(by), story.case) for by in (HELPER, OTHER_COORDINATOR, COORDINATOR)]
    assert seen == [Sight.UNIT, Sight.UNIT, Sight.NOTHING]


def test_a_body_that_supervises_a_case_in_which_it_had_a_part_sees_no_more_than_a_unit():
    body = SUPERVISOR._replace(belongs_to=HELPING_UNIT)
    assert sight(body, given("ADD_SUBTASK", "CLOSE_SUBTASK").case) is Sight.UNIT
    # A unit takes nobody's sight by naming it for a part, and withdrawing that.
    named = ("ADD_SUBTASK", move("CLOSE_SUBTASK", COORDINATOR, done=False))
    assert sight(body, given(*named).case) is Sight.WHOLE


# ---------------------------------------------------------------- what goes past the unit


def test_a_unit_cannot_tell_a_call_back_under_pressure_from_any_other():
    said = {"text": "回访记录", "evidence": ["recording-1"]}
    pressed, free = (given(*REPLIED, move("CALL_BACK", verdict="DISSATISFIED", pressured=pressured, **said)) for pressured in (True, False))
    assert len(pressed.history) == len(free.history) + 1
    assert for_unit(pressed) == for_unit(free)
    assert for_supervisor(pressed)["pressured"] is True


@pytest.mark.property
@suppose(st.lists(st.tuples(st.integers(1, len(PLAYED.history)), st.booleans()), max_size=6))
def test_whatever_goes_past_a_unit_and_whenever_changes_nothing_that_it_sees(put_in):
    history = list(PLAYED.history)
    for place, is_report in put_in:
        said: dict[str, Any] = {"at": history[place - 1].at, "text": "past-the-unit"}
        history.insert(place, PressureReported(**said) if is_report else ViolationReferred(violation="PRESSURE", against="UNIT", **said))
    case = None
    for fact in history:
        case = evolve(case, fact)
    assert views.case_for_unit(case, history, unit()).plain() == for_unit(PLAYED)


def test_a_supervisor_sees_what_goes_past_the_unit():
    told = for_supervisor(given("REPORT_PRESSURE", "REFER_VIOLATION"))
    assert told["pressured"] is True
    assert facts(told) == ["Opened", "PressureReported", "ViolationReferred"]
    assert told["history"][1]["text"] == "有人打电话"
    assert told["history"][2]["against"] == {"code": "STAFF", "zh": ActorRole.STAFF.zh, "en": ActorRole.STAFF.en}


def test_why_a_result_is_contested_reaches_the_unit_as_the_fact_that_it_is():
    contested = {reason: given(*CLOSED, move("CONTEST", reason=reason, text="有人打电话")) for reason in ContestReason}
    told = [for_unit(story) for story in contested.values()]
    assert told == [told[0]] * len(ContestReason)
    assert told[0]["history"][-1].keys() == {"fact", "day", "by", "starts"}
    assert told[0]["history"][-1]["by"] == {"role": {"code": "RATER", "zh": ActorRole.RATER.zh, "en": ActorRole.RATER.en}}
    whole = for_supervisor(contested[ContestReason.NOT_TRUE])["history"][-1]
    assert (whole["reason"]["code"], whole["text"]) == ("NOT_TRUE", "有人打电话")
    assert for_supervisor(contested[ContestReason.PRESSURED])["pressured"] is True


# ---------------------------------------------------------------- persons


def test_a_unit_is_told_its_own_persons_and_of_others_the_role_and_the_organisation():
    told = for_unit(PLAYED)
    assert told["person"] == "zhang"
    by = {fact["fact"]["code"]: fact.get("by", {}) for fact in told["history"]}
    assert (by["Assigned"]["person"], by["Assigned"]["party"]) == (COORDINATOR.person, COORDINATOR.party)
    assert by["SubtaskClosed"].keys() == by["ExtensionGranted"].keys() == by["CalledBack"].keys() == {"role", "organisation"}
    assert (by["CalledBack"]["organisation"], by["SubtaskClosed"]["organisation"]) == (HOTLINE, HELPING_UNIT)
    persons = {fact.by.person for fact in PLAYED.history if fact.by and fact.by.party != COORDINATOR.party}
    assert persons > {HELPER.person, RATER.person}
    assert [person for person in persons if person in text_of(told)] == []


def test_who_is_in_charge_at_another_unit_is_not_told():
    story = given("ASSIGN", "PROPOSE_TRANSFER")
    assert '"zhang"' in text_of(for_unit(story))
    assert '"zhang"' not in text_of(for_unit(story, OTHER_COORDINATOR))


def test_nobody_is_told_the_rater_or_the_receipt():
    story = given(move("STATE", RATER, text="补充"), "REPORT_PRESSURE")
    for told in (for_unit(story), for_supervisor(story), for_rater(story)):
        assert [canary for canary in (RATER.person, RATER.party, RECEIPT, receipt_hash(RECEIPT)) if canary in text_of(told)] == []


def test_the_words_of_the_rater_and_of_a_call_back_do_not_reach_the_unit():
    story = given(move("STATE", RATER, text="rater-words"), *REPLIED, move("CALL_BACK", text="desk-words", evidence=["desk-words"]))
    assert "StatementAdded" in facts(for_unit(story))
    assert [canary for canary in ("rater-words", "desk-words") if canary in text_of(for_unit(story))] == []
    assert [canary for canary in ("rater-words", "desk-words") if canary in text_of(for_supervisor(story))] == ["rater-words", "desk-words"]


def test_the_staff_of_a_rating_are_known_to_their_own_organisation_and_its_supervisor():
    story = given("PROPOSE_TRANSFER")
    assert for_unit(story)["rating"]["staff_ref"] == for_supervisor(story)["rating"]["staff_ref"] == "v1:staff"
    assert "v1:staff" not in text_of(for_unit(story, OTHER_COORDINATOR))


# ---------------------------------------------------------------- anonymous ratings

ANONYMOUS: dict[str, Any] = {
    "handle_item_code": f"{UNIT}433013100100001",
    "guide_version": "3",
    "platform": "portal-1",
    "window": "A01",
    "checked": {"213": "CONFIRMED"},
    "flags": ["OVERRUN"],
}


def test_of_an_anonymous_rating_a_unit_sees_item_window_day_and_what_was_clicked():
    told = for_unit(given(real_name=False, **ANONYMOUS, admitted_hour=NOW))["rating"]
    assert told.keys() == {
        *("level", "tags", "kind", "task_code", "handle_item_code", "guide_version", "organisation", "region_code", "window", "platform"),
        *("day", "round", "identity_mode"),
    }
    assert told["tags"][0].keys() == {"code", "zh", "en"}


def test_the_hour_of_an_anonymous_rating_and_when_its_rater_does_something_are_told_by_the_day():
    story = given(real_name=False, **ANONYMOUS).later(hours=5).given("ASSIGN", move("VERIFY"), *ANSWERED)
    story.later(hours=1).given("FOLLOW_UP", move("STATE", RATER, text="补充")).at("2026-12-01")
    told = for_unit(story)
    assert told["history"][0].keys() == {"fact", "day", "starts"}
    assert {fact["fact"]["code"] for fact in told["history"] if "at" in fact} == {
        *("Assigned", "Contacted", "Verified", "TrackSet", "ActionTaken", "Replied", "Closed"),
    }
    assert {"FollowUpReceived", "Reopened", "StatementAdded", "Escalated"} <= set(facts(told))
    assert [canary for canary in ("T10:", "T16:", "T08:", "received_hour", "started_at") if canary in text_of(told)] == []


def test_an_anonymous_follow_up_says_no_more_to_a_unit_than_the_first_rating():
    told = for_unit(given("ASSIGN", "VERIFY", *ANSWERED, "FOLLOW_UP", real_name=False, **ANONYMOUS))
    (follow_up,) = [fact for fact in told["history"] if fact["fact"]["code"] == "FollowUpReceived"]
    assert follow_up["rating"].keys() <= views.OF_AN_ANONYMOUS_RATING
    assert follow_up["rating"]["round"] == 2


def test_a_supervisor_sees_both_times_of_a_rating_that_was_parked():
    told = for_supervisor(given(real_name=False, admitted_hour=NOW + timedelta(hours=5)))
    assert told["rating"]["received_hour"] == "2026-11-24T10:00:00+08:00"
    assert told["rating"]["admitted_hour"] == "2026-11-24T15:00:00+08:00"
    assert told["due"]["first_contact"]["started_at"] == "2026-11-24T15:00:00+08:00"


# ---------------------------------------------------------------- dates and labels


def test_a_deadline_says_its_first_date_and_whether_it_was_missed():
    story = given(*verified("COMPLEX"), "ASK_EXTENSION")
    before = for_unit(story)["due"]["rectify"]
    after = for_unit(story.given("DECIDE_EXTENSION"))["due"]["rectify"]
    assert (before["due_at"], "first_due_at" in before) == ("2026-12-16T00:00:00+08:00", False)
    assert (after["first_due_at"], after["due_at"]) == ("2026-12-16T00:00:00+08:00", "2026-12-23T00:00:00+08:00")
    assert (after["zh"], after["running"], after["overdue"]) == (Clock.RECTIFY.zh, True, False)
    late = for_unit(story.at("2026-12-23"))
    assert late["due"]["rectify"]["overdue"] is True
    assert [fact["due_at"] for fact in late["history"] if fact["fact"]["code"] == "BecameOverdue"][-1] == after["due_at"]


def test_a_date_in_a_year_that_is_not_announced_is_provisional():
    assert for_unit(given())["due"]["rectify"]["provisional"] is False
    far = given(received_hour=datetime(2031, 6, 2, 10, tzinfo=SHANGHAI))
    assert for_unit(far)["due"]["rectify"]["provisional"] is True


def test_a_reason_says_what_the_facts_say_of_it_in_words():
    (tag,) = for_unit(given(checked={"213": "CONFIRMED"}))["rating"]["tags"]
    assert (tag["code"], tag["checked"]["code"]) == ("213", "CONFIRMED")
    assert tag["zh"] != "213"


def coded(held: Any) -> list[dict[str, Any]]:
    """Everything that has a code."""
    if isinstance(held, dict):
        return ([held] if "code" in held else []) + [one for value in held.values() for one in coded(value)]
    return [one for value in held for one in coded(value)] if isinstance(held, list) else []


def test_every_code_comes_with_both_labels():
    for told in (for_unit(PLAYED), for_supervisor(PLAYED), for_rater(PLAYED)):
        assert coded(told)
        assert all(held["zh"] and held["en"] for held in coded(told))


@pytest.mark.parametrize("kind", get_args(Fact), ids=lambda kind: kind.__name__)
def test_what_a_fact_says_has_its_place_in_the_view(kind):
    own = kind.model_fields.keys() - Happened.model_fields.keys()
    assert kind is Opened or own <= FactSeen.model_fields.keys()


def test_what_an_anonymous_rating_may_tell_has_its_place_in_the_view():
    assert RatingSeen.model_fields.keys() >= views.OF_AN_ANONYMOUS_RATING


# ---------------------------------------------------------------- the rater


def test_a_rater_is_told_where_it_stands_what_is_due_and_the_answer():
    told = for_rater(given())
    zh, en = rater.IN_WORDS[CaseState.RECEIVED]
    assert told["state"] == {"code": "RECEIVED", "zh": zh, "en": en}
    assert told["received_hour"] == "2026-11-24T10:00:00+08:00"
    assert (told["next_due"]["clock"]["code"], told["next_due"]["due_at"]) == ("first_contact", "2026-11-26T00:00:00+08:00")
    assert (told["answered"], "answer" in told) == (False, False)
    assert for_rater(given(*REPLIED))["answer"] == {"day": "2026-11-24", "text": "已整改，谢谢"}


def test_the_answer_to_an_anonymous_rating_is_the_public_one():
    story = given("ASSIGN", "VERIFY", "ACT", move("REPLY", text="已整改，电话 13800000000"), real_name=False)
    assert for_rater(story)["answer"]["text"] == "已整改，电话 【电话】"


def test_a_rater_is_told_no_person_no_word_from_inside_and_no_escalation():
    told = text_of(for_rater(PLAYED))
    inside = {fact.text for fact in PLAYED.history if fact.text} - {"已整改，谢谢"}
    persons = {fact.by.person for fact in PLAYED.history if fact.by} | {"zhang"}
    assert "Escalated" in facts(for_supervisor(PLAYED))
    assert [canary for canary in {*inside, *persons, UNIT, HELPING_UNIT, "overdue", "doc-1"} if canary in told] == []


def test_an_explanation_comes_with_its_legal_basis():
    assert for_rater(given(*verified("NO_LEGAL_BASIS"), EXPLAINED))["answer"]["legal_basis"] == "《条例》第九条"


def test_a_rater_hears_of_an_appeal_and_may_object_until_it_is_decided():
    story = given(*verified("SUSPECTED_MISTAKE"))
    assert "appeal" not in for_rater(story)
    pending = for_rater(story.given("FILE_APPEAL"))["appeal"]
    assert (pending["reason"]["code"], pending["may_object"], pending["objected"], "granted" in pending) == ("MISTAKE", True, False, False)
    assert for_rater(story.given("OBJECT"))["appeal"]["objected"] is True
    told = for_rater(story.given("DECIDE_APPEAL"))
    assert (told["appeal"]["may_object"], told["appeal"]["granted"]) == (False, True)
    assert (told["excluded"]["code"], told["state"]["code"]) == ("MISTAKE", "EXCLUDED")


def test_a_refused_appeal_is_told_as_refused():
    told = for_rater(given(*verified("SUSPECTED_MISTAKE"), "FILE_APPEAL", move("DECIDE_APPEAL", granted=False)))
    assert (told["appeal"]["granted"], "excluded" in told) == (False, False)


def test_a_rater_may_contest_a_result_once_and_in_time():
    assert for_rater(given(*REPLIED))["contest"] == {"may_contest": False, "contested": False}
    story = given(*CLOSED)
    assert for_rater(story)["contest"] == {"may_contest": True, "until": "2026-12-09T00:00:00+08:00", "contested": False}
    assert for_rater(story, days=15)["contest"]["may_contest"] is False
    assert for_rater(story.given("CONTEST"))["contest"] == {"may_contest": False, "contested": True}
    story.given(move("DECIDE_REVIEW", overturned=False))
    assert for_rater(story)["contest"] == {"may_contest": False, "contested": True}


@pytest.mark.parametrize("state", CaseState)
def test_every_state_has_words_for_a_citizen_in_both_languages(state):
    zh, en = rater.IN_WORDS[state]
    assert zh
    assert en.isascii()
