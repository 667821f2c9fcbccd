"""What a case tells the bus: one event for each fact, once, with what is due, and what goes past the unit apart."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, get_args

import pytest
from pydantic import TypeAdapter

from contract import events
from contract.codes import CaseState
from contract.events import EVENTS, CaseEvent
from contract.zone import hour_of
from rectify.facts import CONFIDENTIAL, AnyFact, Fact, Opened, RatingExcluded, ReviewGranted
from rectify.orders import LateMonth
from rectify.telling import answers_of, events_of
from story import (
    ANSWERED,
    CLOSED,
    COUNTY,
    DISSATISFIED,
    EXCLUDED,
    OTHER_UNIT,
    REPLIED,
    SUPERVISED,
    UNIT,
    UNREACHED,
    Story,
    given,
    move,
    policy,
    verified,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OVERTURNED, UPHELD = move("DECIDE_REVIEW", overturned=True), move("DECIDE_REVIEW", overturned=False)


def late():
    story = given(under=policy(interview_after=1))
    story.late = LateMonth(month="2026-11")
    return story.at("2026-12-31")


def moved():
    story = given()
    deadline = story.case.clocks["rectify"]
    story.held = story.case.model_copy(update={"clocks": {"rectify": deadline.model_copy(update={"due_at": story.now})}})
    story.recount("2027-a")
    return story


TALES: list[Callable[[], Story]] = [
    late,
    moved,
    *(
        partial(given, *so_far)
        for so_far in (
            (*CLOSED, "LINK_PROBLEM", "RECORD_CHANGE", "REPORT_PRESSURE", "REFER_VIOLATION", "CONTEST", UPHELD),
            (*EXCLUDED, "CONTEST", OVERTURNED),
            (*verified(), "FILE_APPEAL", "OBJECT", move("DECIDE_APPEAL", granted=False)),
            (*verified("COMPLEX"), "ASK_EXTENSION", "DECIDE_EXTENSION"),
            (*verified("COMPLEX"), "ASK_EXTENSION", move("DECIDE_EXTENSION", granted=False), "FOLLOW_UP"),
            ("URGE", "STATE", "ADD_SUBTASK", "CLOSE_SUBTASK", "PROPOSE_TRANSFER", move("ANSWER_TRANSFER", accepted=False), "REASSIGN"),
            ("ASSIGN", move("CONTACT", reached=False)),
            (*SUPERVISED, "DECIDE_SUPERVISION", *ANSWERED, UNREACHED),
        )
    ),
]


@cache
def tell(tale: Callable[[], Story]) -> Story:
    """A story is told once, and read by every test."""
    return tale()


def told_by(kind: type[Fact]) -> list[events.Event]:
    return next(events_of(entry) for tale in TALES for entry in tell(tale).entries if isinstance(entry.fact, kind))


@pytest.mark.parametrize("kind", get_args(Fact), ids=lambda kind: kind.__name__)
def test_every_fact_is_told_by_an_event_of_the_contract(kind):
    event = told_by(kind)[0]
    assert EVENTS[type(event).__name__] is type(event)
    assert type(event).model_validate_json(event.model_dump_json()) == event
    assert event.source() == "haochaping.rectify"


OF_THEIR_OWN = {
    "Opened": "CaseOpened",
    "Contacted": "CaseContacted",
    "Verified": "CaseVerified",
    "Replied": "CaseReplied",
    "CalledBack": "CaseCalledBack",
    "Closed": "CaseClosed",
    "Reopened": "CaseReopened",
    "Transferred": "CaseTransferred",
    "ExtensionGranted": "CaseExtended",
    "BecameOverdue": "CaseOverdue",
    "Escalated": "CaseEscalated",
    "DueMoved": "CaseDueMoved",
    "AppealFiled": "AppealFiled",
    "AppealRefused": "AppealRefused",
    "RatingExcluded": "AppealGranted",
    "Contested": "ResultContested",
    "ReviewRefused": "ReviewDecided",
    "ReviewGranted": "ReviewDecided",
    "InterviewCalled": "InterviewCalled",
    "PressureReported": "PressureReported",
    "ViolationReferred": "ViolationReferred",
}


@pytest.mark.parametrize("kind", get_args(Fact), ids=lambda kind: kind.__name__)
def test_a_fact_has_an_event_of_its_own_or_says_which_it_is(kind):
    event = told_by(kind)[0]
    assert type(event).__name__ == OF_THEIR_OWN.get(kind.__name__, "CaseProgressed")
    if isinstance(event, events.CaseProgressed):
        assert event.fact == kind.__name__


@pytest.mark.parametrize("tale", TALES)
def test_an_event_says_where_the_case_stands_and_what_is_due_after_it(tale):
    story = tell(tale)
    for entry in story.entries:
        for event in events_of(entry):
            if isinstance(event, CaseEvent | events.CaseReplied):
                assert (event.state, event.due, event.organisation) == (entry.state, entry.due, entry.unit)
                assert (event.case_id, event.rating_id, event.region_code) == (story.case.case_id, "r_1", COUNTY)
    assert story.entries[-1].due == {clock: held.due_at for clock, held in story.case.running.items()}


@pytest.mark.parametrize("tale", TALES)
def test_what_says_another_thing_has_another_id_which_is_the_same_for_every_telling(tale):
    story = tell(tale)
    told = {(event.event_id, type(event), entry.written) for entry in story.entries for event in events_of(entry)}
    assert len({said for said, _, _ in told}) == len(told)
    assert [event.event_id for event in story.events] == [event.event_id for event in story.events]


def test_two_cases_with_the_same_history_tell_apart():
    one, other = given(), given(rating_id="r_2")
    assert one.events[0].event_id != other.events[0].event_id


def test_the_opening_tells_every_deadline_and_the_hour_alone():
    story = given()
    (event,) = story.events
    assert event.due == {clock: held.due_at for clock, held in story.case.clocks.items()}
    assert event.happened_at == hour_of(story.last(Opened).at)
    assert (event.policy_version, event.provisional) == (story.policy.version, ())


def test_a_deadline_that_rests_on_an_unannounced_year_says_so():
    story = given(received_hour=given().now.replace(month=12, day=29))
    assert "rectify" in story.events[0].provisional
    assert "rectify" in story.given("ASSIGN").events[-1].provisional


def test_a_granted_appeal_tells_the_rating_its_reason_and_an_odd_turn():
    (event,) = told_by(RatingExcluded)
    assert (type(event), event.turn, event.reason, event.rating.rating_id) == (events.AppealGranted, 1, "MISTAKE", "r_1")


def test_an_overturned_exclusion_is_told_to_whoever_counts_with_an_even_turn():
    decided, overturned = told_by(ReviewGranted)
    assert (decided.overturned, overturned.turn, overturned.reason) == (True, 2, "MISTAKE")


def test_an_overturned_closing_brings_nothing_back():
    (decided,) = events_of(given(*CLOSED, "CONTEST", OVERTURNED).entries[-1])
    assert (type(decided), decided.overturned) == (events.ReviewDecided, True)


def test_what_goes_past_the_unit_is_told_by_confidential_events_alone():
    told = {type(event) for kind in CONFIDENTIAL for event in told_by(kind)}
    assert told == set(events.CONFIDENTIAL)
    others = [kind for kind in get_args(Fact) if kind not in CONFIDENTIAL]
    assert not {type(event) for kind in others for event in told_by(kind)} & set(events.CONFIDENTIAL)


def test_no_event_says_what_anybody_wrote_or_who_acted():
    story = given(*verified(text="机密词"), move("REPORT_PRESSURE", text="机密词"), move("ACT", text="机密词", change="机密词"), "REPLY")
    said = json.dumps([event.plain() for event in story.events], ensure_ascii=False)
    assert "机密词" not in said
    assert not any(name in said for name in ("zhang", "coordinator-of", "the-rater", "doc-1"))


def test_the_public_reply_is_told_and_the_answer_to_a_named_rater_is_not():
    public = given("ASSIGN", "VERIFY", *ANSWERED, real_name=False).events
    assert next(event for event in public if isinstance(event, events.CaseReplied)).public_reply == "已整改，谢谢"
    named = given(*REPLIED).events
    assert next(event for event in named if isinstance(event, events.CaseReplied)).public_reply is None


def test_a_transfer_tells_the_new_unit_and_the_old_one():
    event = given("REASSIGN").events[-1]
    assert (event.organisation, event.before) == (OTHER_UNIT, UNIT)


def test_an_overdue_clock_tells_which_and_since_when():
    event = next(event for event in late().events if isinstance(event, events.CaseOverdue))
    assert (event.clock, event.due_at.isoformat()) == ("first_contact", "2026-11-26T00:00:00+08:00")


def test_the_call_back_tells_what_the_rater_said_and_not_that_there_was_pressure():
    story = given(*REPLIED, move("CALL_BACK", verdict=DISSATISFIED.said["verdict"], pressured=True))
    public = [event for event in story.events if not isinstance(event, events.CONFIDENTIAL)]
    assert not any("pressure" in event.model_dump_json().lower() for event in public)


def test_a_fact_is_stored_and_told_as_it_was():
    read = TypeAdapter(AnyFact)
    for tale in TALES:
        for entry in tell(tale).entries:
            stored = read.validate_json(entry.fact.model_dump_json(exclude_none=True))
            assert events_of(entry._replace(fact=stored)) == events_of(entry)


# ---------------------------------------------------------------- answers

OUTCOME = {
    "announce": True,
    "party": "hangzhou",
    "at": "2026-11-24T10:00:00+08:00",
    "refusals": [],
    "command_id": "c-1",
    "state": "ASSIGNED",
}


def test_a_command_of_the_queue_is_answered_with_where_the_case_stands():
    (answer,) = answers_of("c_1", "C#hangzhou/c-1", OUTCOME)
    assert isinstance(answer, events.CommandAccepted)
    assert (answer.party, answer.command_id, answer.case_id, answer.state) == ("hangzhou", "c-1", "c_1", CaseState.ASSIGNED)


def test_a_refused_command_is_answered_with_its_codes_once_each():
    refused = OUTCOME | {"refusals": [{"code": "wrong_state"}, {"code": "missing_field"}, {"code": "missing_field"}]}
    (answer,) = answers_of("c_1", "C#hangzhou/c-1", refused)
    assert isinstance(answer, events.CommandRefused)
    assert (answer.codes, answer.case_id) == (("missing_field", "wrong_state"), "c_1")


def test_what_is_no_command_of_a_case_is_answered_without_one():
    refused = {name: value for name, value in OUTCOME.items() if name != "command_id"} | {"refusals": [{"code": "not_json"}]}
    (answer,) = answers_of("REFUSED#2026-11-24", "C#m-1", refused)
    assert (answer.command_id, answer.case_id) == (None, None)


def test_a_command_whose_sender_waited_is_not_answered_on_the_bus():
    assert answers_of("c_1", "C#hangzhou/c-1", OUTCOME | {"announce": False}) == []
