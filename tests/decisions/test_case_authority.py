"""Who may do what with a case (domain handbook, 17.4): by the party, its scope, the granted role, and having no part in what is decided."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from contract.codes import ActorRole, CaseAction, Role
from contract.refusals import Refused
from rectify.authority import INDEPENDENT, MAY, OF_THE_UNIT, check
from rectify.facts import ViolationReferred
from rectify.orders import Routing
from story import (
    AUTHORITY,
    CITY,
    CLOSED,
    COORDINATOR,
    COUNTY,
    DESK,
    EVERYBODY,
    EXCLUDED,
    HELPER,
    HELPING_UNIT,
    HOTLINE,
    OTHER_COORDINATOR,
    OTHER_UNIT,
    POLICY,
    RATER,
    RECTIFIER,
    REGISTERED,
    REPLIED,
    REVIEW_BODY,
    REVIEWER,
    SECOND_REVIEWER,
    STAFF,
    SUPERVISOR,
    TAX_CITY,
    TAX_OFFICE,
    UNIT,
    USUAL,
    given,
    move,
    policy,
    somebody,
    verified,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rectify.orders import Acting

# The right-hand column of the handbook's table, as far as it is a command.
MAY_NOT = {
    "COORDINATOR": {"DECIDE_EXTENSION", "DECIDE_APPEAL", "DECIDE_REVIEW", "CALL_BACK", "DECIDE_SUPERVISION", "URGE", "REASSIGN"},
    "RECTIFIER": {"REPLY", "VERIFY", "CALL_BACK", "ASSIGN", "FILE_APPEAL", "ASK_EXTENSION"},
    "STAFF": {"CONTACT", "VERIFY", "ACT", "REPLY", "CALL_BACK", "DECIDE_APPEAL"},
    "CALLBACK_DESK": {"REPLY", "VERIFY", "DECIDE_SUPERVISION", "DECIDE_APPEAL"},
    "SUPERVISOR": {"REPLY", "VERIFY", "CALL_BACK", "FILE_APPEAL", "DECIDE_REVIEW"},
    "REVIEWER": {"REPLY", "CALL_BACK", "FILE_APPEAL", "DECIDE_SUPERVISION"},
    "RATER": {"DECIDE_REVIEW", "CALL_BACK", "FILE_APPEAL", "ASSIGN"},
}
# What the handbook lets each role do.
MUST = {
    "COORDINATOR": {"ASSIGN", "VERIFY", "SET_TRACK", "FILE_APPEAL", "ASK_EXTENSION", "REPLY"},
    "RECTIFIER": {"ACT"},
    "STAFF": {"STATE", "FILE_APPEAL"},
    "CALLBACK_DESK": {"CALL_BACK"},
    "SUPERVISOR": {"URGE", "DECIDE_EXTENSION", "REASSIGN", "DECIDE_SUPERVISION", "REFER_VIOLATION"},
    "REVIEWER": {"DECIDE_APPEAL", "DECIDE_REVIEW", "REFER_VIOLATION"},
    "RATER": {"OBJECT", "CONTEST", "REPORT_PRESSURE", "STATE"},
}


@pytest.mark.parametrize("role", list(ActorRole))
def test_a_role_may_what_the_handbook_says_and_not_what_it_forbids(role):
    assert MUST[role] <= MAY[role]
    assert not MAY[role] & MAY_NOT[role]


@pytest.mark.parametrize("action", list(CaseAction))
def test_everything_that_can_be_done_is_somebodys_to_do(action):
    assert [role for role in ActorRole if action in MAY[role]]
    assert action in MAY[USUAL[action][0].role]


def test_whoever_decides_or_asks_is_none_of_the_unit():
    decisions = {action for action in CaseAction if action.startswith("DECIDE")} | {CaseAction.CALL_BACK, CaseAction.URGE}
    assert not any(decisions & MAY[role] for role in OF_THE_UNIT | {ActorRole.RATER})


@pytest.mark.parametrize("against", ["UNIT", "STAFF"])
def test_a_violation_is_of_the_unit_or_its_staff_and_never_of_a_rater(against):
    assert given(move("REFER_VIOLATION", against=against)).last(ViolationReferred).against == against
    with pytest.raises(ValidationError):
        given(move("REFER_VIOLATION", against="RATER"))


# ---------------------------------------------------------------- scope


@pytest.mark.parametrize(("regions", "reaches"), [((COUNTY,), True), ((CITY,), True), (("330200000000",), False), ((), False)])
def test_a_supervisor_acts_within_the_regions_of_the_party(regions, reaches):
    urges = move("URGE", somebody("SUPERVISOR", AUTHORITY, "SUPERVISOR", regions=regions))
    assert given().refusal(urges) == ("" if reaches else "not_your_case")


def test_along_a_vertical_line_the_bodies_above_are_in_charge_wherever_they_sit():
    line = {"routing": REGISTERED[TAX_OFFICE], "organisation": TAX_OFFICE}
    above = move("URGE", somebody("SUPERVISOR", TAX_CITY, "SUPERVISOR", regions=()))
    assert given(**line).refusal(above) == ""
    assert given().refusal(above) == "not_your_case"


def test_a_person_of_one_organisation_acts_for_that_one_alone_whatever_its_party_speaks_for():
    of_one = COORDINATOR.model_copy(update={"organisations": (OTHER_UNIT, UNIT), "organisation": OTHER_UNIT})
    assert given().refusal(move("ASSIGN", of_one)) == "not_your_case"
    assert given("REASSIGN").refusal(move("ASSIGN", of_one)) == ""


def test_a_supervisor_of_some_organisations_supervises_these_alone():
    of_one = SUPERVISOR.model_copy(update={"organisations": (OTHER_UNIT,)})
    assert given().refusal(move("URGE", of_one)) == "not_your_case"
    assert given("REASSIGN").refusal(move("URGE", of_one)) == ""


def test_a_unit_acts_for_every_organisation_of_its_party_and_for_no_other():
    both = COORDINATOR.model_copy(update={"organisations": (OTHER_UNIT, UNIT), "organisation": None})
    assert given().refusal(move("ASSIGN", both)) == ""
    assert given("REASSIGN").refusal(move("ASSIGN", both)) == ""
    assert given().refusal(move("ASSIGN", OTHER_COORDINATOR)) == "not_your_case"


def test_a_managing_body_may_be_the_unit_itself():
    own = somebody("COORDINATOR", AUTHORITY, "SUPERVISOR")
    story = given(routing=Routing(unit=AUTHORITY, above=(CITY,)), organisation=AUTHORITY)
    assert story.refusal(move("ASSIGN", own)) == ""
    assert given().refusal(move("ASSIGN", own)) == "not_your_case"
    assert story.refusal("URGE") == "of_the_rated_unit"


def test_a_body_that_handles_the_case_of_no_known_unit_decides_nothing_about_it():
    chief, colleague = (
        somebody("COORDINATOR", AUTHORITY, "SUPERVISOR", "chief"),
        somebody("SUPERVISOR", AUTHORITY, "SUPERVISOR", "colleague"),
    )
    own = (*(move(one.action, chief, **one.said) for one in verified("COMPLEX")), move("ASK_EXTENSION", chief))
    story = given(*own, routing=Routing(above=(COUNTY, CITY)), organisation=None)
    assert story.refusal(move("DECIDE_EXTENSION", colleague)) == "of_the_rated_unit"
    assert story.refusal(move("DECIDE_EXTENSION", somebody("SUPERVISOR", REVIEW_BODY, "SUPERVISOR"))) == ""


def test_a_helping_unit_does_its_part_and_says_what_it_has_to_say():
    story = given(*verified(), "ADD_SUBTASK")
    assert story.refusal(move("STATE", HELPER)) == story.refusal("CLOSE_SUBTASK") == ""
    assert story.refusal(move("ACT", HELPER)) == "not_your_case"


def test_a_unit_that_is_asked_may_answer_and_do_nothing_else_yet():
    story = given("PROPOSE_TRANSFER")
    assert story.refusal("ANSWER_TRANSFER") == ""
    assert story.refusal(move("STATE", OTHER_COORDINATOR)) == "not_your_case"


def test_a_rater_needs_the_receipt_and_no_grant():
    assert RATER.roles == ()
    assert given(*CLOSED).refusal("CONTEST") == ""
    assert given(*CLOSED).refusal(move("CONTEST", receipt="rc_x")) == "wrong_receipt"


def test_the_hotline_calls_back_as_a_channel_too():
    hotline = somebody("CALLBACK_DESK", HOTLINE, "CHANNEL")
    assert given(*REPLIED).refusal(move("CALL_BACK", hotline)) == ""


def test_another_reviewer_of_the_same_body_reviews_an_exclusion():
    story = given(*EXCLUDED, "CONTEST")
    assert (story.refusal(move("DECIDE_REVIEW", REVIEWER)), story.refusal(move("DECIDE_REVIEW", SECOND_REVIEWER))) == ("own_decision", "")


def test_a_namesake_of_another_party_is_another_person():
    namesake = REVIEWER.model_copy(update={"party": "another-party"})
    assert given(*EXCLUDED, "CONTEST").refusal(move("DECIDE_REVIEW", namesake)) == ""


def test_the_policy_says_whether_the_reviewer_or_the_supervisor_decides_appeals():
    by_supervisor = policy(appeal=POLICY.appeal.model_copy(update={"reviewer_role": ActorRole.SUPERVISOR}))
    assert given(*verified(), "FILE_APPEAL", under=by_supervisor).refusal(move("DECIDE_APPEAL", SUPERVISOR)) == ""


# ---------------------------------------------------------------- whoever it is

MAY_BE_NAMED_BY = {
    Role.UNIT: {"COORDINATOR", "RECTIFIER", "STAFF"},
    Role.SUPERVISOR: {"CALLBACK_DESK", "SUPERVISOR", "REVIEWER", "COORDINATOR", "RECTIFIER", "STAFF"},
    Role.CHANNEL: {"RATER", "CALLBACK_DESK"},
    Role.CONSUMER: set(),
}
ORGANISATIONS = (UNIT, OTHER_UNIT, HELPING_UNIT, AUTHORITY, REVIEW_BODY, HOTLINE, None)
STANDING = [("ADD_SUBTASK",), ("ADD_SUBTASK", *verified("COMPLEX"), "ASK_EXTENSION"), ("ADD_SUBTASK", "REASSIGN"), (*EXCLUDED, "CONTEST")]


def passing(role: ActorRole, story) -> Iterator[tuple[str, Acting]]:
    """Who passes with what, of everybody who could be thought of in a role, with the role granted and without."""
    for party_role, organisation, granted in product(Role, ORGANISATIONS, (True, False)):
        acting = somebody(role, organisation, party_role, **({} if granted else {"roles": ()}))
        for action in CaseAction:
            if passes(story, action, acting):
                yield action, acting


def passes(story, action: str, acting: Acting) -> bool:
    try:
        check(story.case, story.order(move(action, acting)).command, acting, story.policy)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("role", list(ActorRole))
@pytest.mark.parametrize("so_far", STANDING, ids=lambda moves: str(moves[-1]))
def test_whoever_passes_has_the_role_the_scope_and_no_part_in_what_is_decided(role, so_far):
    story = given(*so_far)
    found = list(passing(role, story))
    assert found
    for action, acting in found:
        assert role in MAY_BE_NAMED_BY[acting.party_role]
        assert action in MAY[role]
        assert role is ActorRole.RATER or role in acting.roles
        if role in INDEPENDENT:
            assert acting.organisation is not None
            assert acting.organisation not in story.case.involved
        if role in OF_THE_UNIT and acting.organisation != story.case.unit:
            assert (acting.organisation, action in {"STATE", "CLOSE_SUBTASK"}) == (HELPING_UNIT, True)


@pytest.mark.parametrize("acting", EVERYBODY, ids=lambda acting: f"{acting.role} of {acting.organisation}")
def test_everybody_of_the_stories_has_something_to_do_somewhere(acting):
    stories = [given(), given("PROPOSE_TRANSFER"), given(move("PROPOSE_TRANSFER", to=TAX_OFFICE)), given("ADD_SUBTASK")]
    assert any(passes(story, action, acting) for story in stories for action in CaseAction)


def test_the_people_of_the_unit_are_the_units():
    assert {COORDINATOR.organisation, RECTIFIER.organisation, STAFF.organisation} == {UNIT}
    assert DESK.organisation not in given().case.involved
