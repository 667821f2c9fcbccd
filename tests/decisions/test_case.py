"""A case as its history makes it: how it opens, what names it, and that its history alone is enough."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from pydantic import TypeAdapter

from contract.codes import CaseFact
from policy.rules import Policy
from rectify.case import Case, evolve
from rectify.decisions import NoCase, decide
from rectify.facts import AnyFact, BecameOverdue, Fact, Opened, SubtaskClosed
from rectify.naming import case_id_of
from rectify.orders import PassStep, Recount, TakeFollowUp
from story import CLOSED, EXCLUDED, HELPING_UNIT, NOW, OTHER_UNIT, POLICY, REPLIED, SUPERVISED, UNIT, given, move, verified


def test_a_bad_rating_opens_a_case_where_it_belongs():
    story = given()
    assert (story.state, story.case.unit, story.case.version) == ("RECEIVED", UNIT, 1)
    assert story.case.opened_at == NOW
    assert story.case.policy_version == story.policy.version


def test_a_second_announcement_opens_nothing():
    story = given()
    assert story.take(story.opening) == []


def test_the_case_of_a_rating_is_named_after_it():
    assert given().case.case_id == case_id_of("r_1")
    assert given(rating_id="r_2").case.case_id != case_id_of("r_1")


def test_only_an_opening_can_be_the_first_fact_of_a_case():
    with pytest.raises(ValueError, match="first fact"):
        evolve(None, BecameOverdue(clock="rectify", due_at=NOW, at=NOW))


def test_a_step_or_a_recount_of_a_case_that_is_not_there_has_no_effect():
    assert decide(None, PassStep(case_id="c_1", clock="rectify", due_at=NOW), POLICY, NOW) == []
    assert decide(None, Recount(case_id="c_1", calendar="2027"), POLICY, NOW) == []


def test_a_follow_up_waits_until_its_case_is_there():
    with pytest.raises(NoCase):
        decide(None, TakeFollowUp(case_id="c_1", rating=given().case.rating), POLICY, NOW)


def test_without_a_policy_a_case_has_no_clock_and_takes_the_same_way():
    story = given(under=Policy(version="none"))
    assert (story.running, story.case.next_at, story.case.next_due) == (set(), None, None)
    story.given(*CLOSED)
    assert (story.state, story.case.closure) == ("CLOSED", "RECTIFIED")


@pytest.mark.parametrize("so_far", [CLOSED, EXCLUDED, SUPERVISED, (*verified("COMPLEX"), "ASK_EXTENSION", "DECIDE_EXTENSION")])
def test_a_case_is_what_its_stored_history_says(so_far):
    story, read = given(*so_far), TypeAdapter(AnyFact)
    case = None
    for fact in story.history:
        case = evolve(case, read.validate_json(fact.model_dump_json(exclude_none=True)))
    assert case == story.case
    assert case.version == len(story.history)
    assert Case.model_validate_json(case.model_dump_json(exclude_none=True, exclude_defaults=True)) == case


def test_every_fact_has_its_name_in_the_contract():
    assert {fact.__name__ for fact in get_args(Fact)} == {code.value for code in CaseFact}
    assert all(fact.model_fields["fact"].default == fact.__name__ for fact in get_args(Fact))


def test_every_unit_that_ever_had_a_part_in_it_is_involved():
    story = given("ADD_SUBTASK", "CLOSE_SUBTASK", "REASSIGN")
    assert story.case.involved == {UNIT, OTHER_UNIT, HELPING_UNIT}
    assert story.last(SubtaskClosed).organisation == HELPING_UNIT
    assert story.case.units == (UNIT, OTHER_UNIT)


def test_a_transfer_back_names_a_unit_once():
    back = (
        move("PROPOSE_TRANSFER", given().order("ANSWER_TRANSFER").acting, to=UNIT),
        move("ANSWER_TRANSFER", given().order("ASSIGN").acting),
    )
    story = given("REASSIGN", *back)
    assert (story.case.unit, story.case.units, story.case.transfers) == (UNIT, (UNIT, OTHER_UNIT), 2)


def test_a_case_is_overdue_only_while_a_clock_runs_that_ran_out():
    story = given().at("2026-11-26")
    assert story.case.is_overdue
    story.given("ASSIGN", "CONTACT")
    assert not story.case.is_overdue


def test_the_next_look_is_at_the_next_step_and_the_next_due_is_a_deadline():
    story = given(*REPLIED)
    assert story.case.next_due == story.case.clocks["callback"].due_at
    assert story.case.next_at < story.case.next_due


def test_the_opening_knows_the_time_of_receipt_and_its_own():
    story = given(received_hour=NOW - timedelta(hours=3))
    assert story.last(Opened).rating.received_hour == NOW - timedelta(hours=3)
    assert story.last(Opened).at == NOW
