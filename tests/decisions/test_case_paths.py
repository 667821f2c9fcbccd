"""Every way through the state chart (domain handbook, 17.1): given what was done, when somebody does this, then these facts."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest

from contract.codes import CaseState
from rectify.facts import CalledBack, Closed, ContactTried, Fact, Replied, Supervised, Transferred, Verified
from story import (
    ANSWERED,
    CHART,
    CLOSED,
    DESK,
    DISSATISFIED,
    EXCLUDED,
    EXPLAINED,
    HELPER,
    OTHER_COORDINATOR,
    OTHER_UNIT,
    POLICY,
    RATER,
    REGISTERED,
    REOPENED,
    REPLIED,
    REVIEWER,
    STAFF,
    SUPERVISED,
    SUPERVISOR,
    TAX_CITY,
    TAX_COORDINATOR,
    TAX_OFFICE,
    TAX_PROVINCE,
    UNIT,
    UNREACHED,
    given,
    move,
    policy,
    verified,
)

UNTIL_UNREACHED = (*REPLIED, UNREACHED, UNREACHED)
APPEALED = (*verified("SUSPECTED_MISTAKE"), move("FILE_APPEAL"))
GRANTED, REFUSED = move("DECIDE_APPEAL", granted=True), move("DECIDE_APPEAL", granted=False)
UPHELD, OVERTURNED = move("DECIDE_REVIEW", overturned=False), move("DECIDE_REVIEW", overturned=True)
PROPOSED = move("PROPOSE_TRANSFER")

PATHS = [
    # The unit's own work.
    ("a person is put in charge", (), "ASSIGN", ["Assigned"], "ASSIGNED"),
    ("another person is put in charge", ("ASSIGN",), move("ASSIGN", person="li"), ["Assigned"], "ASSIGNED"),
    ("the rater is reached", ("ASSIGN",), "CONTACT", ["Contacted"], "CONTACTED"),
    ("the call-back desk reaches the rater", ("ASSIGN",), move("CONTACT", DESK), ["Contacted"], "CONTACTED"),
    ("the rater is not reached", ("ASSIGN",), move("CONTACT", reached=False), ["ContactTried"], "ASSIGNED"),
    ("found simple", ("ASSIGN", "CONTACT"), move("VERIFY", finding="SIMPLE"), ["Verified", "TrackSet"], "RECTIFYING"),
    ("found complex", ("ASSIGN", "CONTACT"), move("VERIFY", finding="COMPLEX"), ["Verified", "TrackSet"], "RECTIFYING"),
    ("no legal basis", ("ASSIGN", "CONTACT"), move("VERIFY", finding="NO_LEGAL_BASIS"), ["Verified", "TrackSet"], "EXPLAINING"),
    ("suspected a mistake", ("ASSIGN", "CONTACT"), move("VERIFY", finding="SUSPECTED_MISTAKE"), ["Verified"], "VERIFIED"),
    ("suspected malicious", ("ASSIGN", "CONTACT"), move("VERIFY", finding="SUSPECTED_MALICIOUS"), ["Verified"], "VERIFIED"),
    ("suspected, and put right at once", verified("SUSPECTED_MALICIOUS"), "SET_TRACK", ["TrackSet"], "RECTIFYING"),
    ("suspected, and put right", verified("SUSPECTED_MISTAKE"), move("SET_TRACK", track="COMPLEX"), ["TrackSet"], "RECTIFYING"),
    ("suspected, and explained", verified("SUSPECTED_MISTAKE"), move("SET_TRACK", track="EXPLAIN"), ["TrackSet"], "EXPLAINING"),
    ("something is done", verified(), "ACT", ["ActionTaken"], "RECTIFYING"),
    ("something is done where it was to be explained", verified("NO_LEGAL_BASIS"), "ACT", ["ActionTaken"], "EXPLAINING"),
    ("the rater is answered", (*verified(), "ACT"), "REPLY", ["Replied"], "REPLIED"),
    ("the rater has it explained", verified("NO_LEGAL_BASIS"), EXPLAINED, ["Replied"], "REPLIED"),
    # The rater has the last word.
    ("confirmed", REPLIED, "CALL_BACK", ["CalledBack", "Closed"], "CLOSED"),
    ("dissatisfied", REPLIED, DISSATISFIED, ["CalledBack", "Reopened"], "REOPENED"),
    ("nobody is reached", REPLIED, UNREACHED, ["CallbackTried"], "CALLBACK"),
    ("confirmed at the second try", (*REPLIED, UNREACHED), "CALL_BACK", ["CalledBack", "Closed"], "CLOSED"),
    ("dissatisfied at the second try", (*REPLIED, UNREACHED), DISSATISFIED, ["CalledBack", "Reopened"], "REOPENED"),
    (
        "confirmed under pressure",
        REPLIED,
        move("CALL_BACK", pressured=True),
        ["CalledBack", "PressureReported", "Closed"],
        "CLOSED",
    ),
    ("put right again at once", REOPENED, "SET_TRACK", ["TrackSet"], "RECTIFYING"),
    ("put right again by a date", REOPENED, move("SET_TRACK", track="COMPLEX"), ["TrackSet"], "RECTIFYING"),
    ("dissatisfied again", (*REOPENED, "SET_TRACK", *ANSWERED), DISSATISFIED, ["CalledBack", "Supervised"], "SUPERVISED"),
    ("the supervisor has it put right", SUPERVISED, "DECIDE_SUPERVISION", ["SupervisionDecided"], "RECTIFYING"),
    (
        "the supervisor closes it",
        SUPERVISED,
        move("DECIDE_SUPERVISION", rectify=False),
        ["SupervisionDecided", "Closed"],
        "CLOSED",
    ),
    (
        "dissatisfied after the supervisor",
        (*SUPERVISED, "DECIDE_SUPERVISION", *ANSWERED),
        DISSATISFIED,
        ["CalledBack", "Supervised"],
        "SUPERVISED",
    ),
    ("confirmed after the supervisor", (*SUPERVISED, "DECIDE_SUPERVISION", *ANSWERED), "CALL_BACK", ["CalledBack", "Closed"], "CLOSED"),
    # Appeal and review.
    ("appealed when verified", verified("SUSPECTED_MALICIOUS"), "FILE_APPEAL", ["AppealFiled"], "APPEALED"),
    ("appealed by the rated person", verified("SUSPECTED_MALICIOUS"), move("FILE_APPEAL", STAFF), ["AppealFiled"], "APPEALED"),
    ("appealed while rectifying", verified(), "FILE_APPEAL", ["AppealFiled"], "APPEALED"),
    ("appealed while explaining", verified("NO_LEGAL_BASIS"), "FILE_APPEAL", ["AppealFiled"], "APPEALED"),
    ("the rater objects", APPEALED, "OBJECT", ["Objected"], "APPEALED"),
    ("the appeal is granted", APPEALED, GRANTED, ["RatingExcluded"], "EXCLUDED"),
    ("the appeal is refused", APPEALED, REFUSED, ["AppealRefused"], "VERIFIED"),
    ("refused, back to rectifying", (*verified(), "FILE_APPEAL"), REFUSED, ["AppealRefused"], "RECTIFYING"),
    ("refused, back to explaining", (*verified("NO_LEGAL_BASIS"), "FILE_APPEAL"), REFUSED, ["AppealRefused"], "EXPLAINING"),
    ("an exclusion is contested", EXCLUDED, "CONTEST", ["Contested"], "UNDER_REVIEW"),
    ("a closing is contested", CLOSED, "CONTEST", ["Contested"], "UNDER_REVIEW"),
    ("the exclusion stands", (*EXCLUDED, "CONTEST"), UPHELD, ["ReviewRefused"], "EXCLUDED"),
    ("the exclusion is overturned", (*EXCLUDED, "CONTEST"), OVERTURNED, ["ReviewGranted"], "RECTIFYING"),
    ("the closing stands", (*CLOSED, "CONTEST"), UPHELD, ["ReviewRefused"], "CLOSED"),
    ("the closing is overturned", (*CLOSED, "CONTEST"), OVERTURNED, ["ReviewGranted"], "RECTIFYING"),
    # A bad follow-up.
    ("a follow-up to the reply", REPLIED, "FOLLOW_UP", ["FollowUpReceived", "Reopened"], "REOPENED"),
    ("a follow-up during the call-back", (*REPLIED, UNREACHED), "FOLLOW_UP", ["FollowUpReceived", "Reopened"], "REOPENED"),
    ("a follow-up to what was closed", CLOSED, "FOLLOW_UP", ["FollowUpReceived", "Reopened"], "REOPENED"),
    (
        "a follow-up of whoever had an answer, to what was excluded later",
        (*REOPENED, "SET_TRACK", "FILE_APPEAL", GRANTED),
        "FOLLOW_UP",
        ["FollowUpReceived", "Reopened"],
        "REOPENED",
    ),
    (
        "a follow-up to the last reply",
        (*REOPENED, "SET_TRACK", *ANSWERED),
        "FOLLOW_UP",
        ["FollowUpReceived", "Supervised"],
        "SUPERVISED",
    ),
    (
        "a follow-up to what was closed after a reopening",
        (*REOPENED, "SET_TRACK", *ANSWERED, "CALL_BACK"),
        "FOLLOW_UP",
        ["FollowUpReceived", "Supervised"],
        "SUPERVISED",
    ),
    *(
        (f"a follow-up is kept beside in {state}", so_far, "FOLLOW_UP", ["FollowUpReceived"], state)
        for state, so_far in {
            "RECEIVED": (),
            "ASSIGNED": ("ASSIGN",),
            "CONTACTED": ("ASSIGN", "CONTACT"),
            "VERIFIED": verified("SUSPECTED_MISTAKE"),
            "RECTIFYING": verified(),
            "EXPLAINING": verified("NO_LEGAL_BASIS"),
            "APPEALED": APPEALED,
            "EXCLUDED": EXCLUDED,
            "UNDER_REVIEW": (*CLOSED, "CONTEST"),
            "REOPENED": REOPENED,
            "SUPERVISED": SUPERVISED,
        }.items()
    ),
    # Whose case it is.
    ("another unit is asked", verified(), PROPOSED, ["TransferProposed"], "RECTIFYING"),
    ("the other unit takes it", (*verified(), PROPOSED), "ANSWER_TRANSFER", ["Transferred"], "RECTIFYING"),
    ("the other unit takes what was assigned", ("ASSIGN", PROPOSED), "ANSWER_TRANSFER", ["Transferred"], "RECEIVED"),
    ("the other unit does not", ("ASSIGN", PROPOSED), move("ANSWER_TRANSFER", accepted=False), ["TransferRefused"], "ASSIGNED"),
    ("the supervisor gives it to another unit", ("ASSIGN", "CONTACT"), "REASSIGN", ["Transferred"], "CONTACTED"),
    ("a unit helps", verified(), "ADD_SUBTASK", ["SubtaskAdded"], "RECTIFYING"),
    ("the helping unit is done", (*verified(), "ADD_SUBTASK"), "CLOSE_SUBTASK", ["SubtaskClosed"], "RECTIFYING"),
    # What changes no state.
    ("extension asked for", verified("COMPLEX"), "ASK_EXTENSION", ["ExtensionAsked"], "RECTIFYING"),
    ("extension granted", (*verified("COMPLEX"), "ASK_EXTENSION"), "DECIDE_EXTENSION", ["ExtensionGranted"], "RECTIFYING"),
    (
        "extension refused",
        (*verified("COMPLEX"), "ASK_EXTENSION"),
        move("DECIDE_EXTENSION", granted=False),
        ["ExtensionRefused"],
        "RECTIFYING",
    ),
    *(
        (f"{who.role} states something", (*APPEALED, "ADD_SUBTASK")[:4], move("STATE", who), ["StatementAdded"], "APPEALED")
        for who in (STAFF, RATER, SUPERVISOR, REVIEWER)
    ),
    ("the helping unit states something", ("ADD_SUBTASK",), move("STATE", HELPER), ["StatementAdded"], "RECEIVED"),
    ("the supervisor urges", (), "URGE", ["Urged"], "RECEIVED"),
    ("a problem has the same cause", verified(), "LINK_PROBLEM", ["ProblemLinked"], "RECTIFYING"),
    ("the problem is solved", (*CLOSED, "LINK_PROBLEM"), "RECORD_CHANGE", ["ChangeRecorded"], "CLOSED"),
    ("the rater reports pressure", (), "REPORT_PRESSURE", ["PressureReported"], "RECEIVED"),
    ("the rater reports pressure afterwards", CLOSED, "REPORT_PRESSURE", ["PressureReported"], "CLOSED"),
    ("a violation is referred", CLOSED, "REFER_VIOLATION", ["ViolationReferred"], "CLOSED"),
]


@pytest.mark.parametrize(("so_far", "when", "then", "state"), [pytest.param(*path[1:], id=path[0]) for path in PATHS])
def test_when_this_is_done_then_that_follows(so_far, when, then, state):
    story = given(*so_far)
    assert story.when(when) == then
    assert story.state == state


def walked(story) -> set[tuple[str, str]]:
    return {(before.state, after.state) for before, after in pairwise(story.entries) if before.state is not after.state}


def test_the_scenarios_walk_every_way_of_the_chart():
    stories = [given(*so_far, when) for _, so_far, when, _, _ in PATHS]
    stories += [anonymous(*so_far) for so_far in (("FOLLOW_UP",), ("CONTEST", UPHELD))] + [unreached_in_the_end(), anonymous_twice()]
    found = set().union(*map(walked, stories))
    assert found == {(state, after) for state, following in CHART.items() for after in following}
    assert CHART.keys() == set(CaseState)


def test_the_scenarios_bring_about_every_fact_but_those_of_time():
    told = {name for _, _, _, names, _ in PATHS for name in names}
    of_time = {"Opened", "BecameOverdue", "Escalated", "InterviewCalled", "DueMoved"}
    assert told | of_time == {fact.__name__ for fact in get_args(Fact)}


# ---------------------------------------------------------------- longer stories


def anonymous(*moves):
    return given("ASSIGN", move("VERIFY"), "ACT", "REPLY", *moves, real_name=False)


def anonymous_twice():
    return anonymous("FOLLOW_UP", "SET_TRACK", *ANSWERED).given("FOLLOW_UP")


def unreached_in_the_end(**opening):
    return given(*UNTIL_UNREACHED, **opening).later(days=1).given(UNREACHED)


def test_an_anonymous_rater_is_not_contacted_and_the_history_says_so():
    story = given("ASSIGN", real_name=False)
    assert (story.state, story.case.contact) == ("CONTACTED", "ANONYMOUS")
    assert "first_contact" not in story.running


def test_the_public_reply_to_an_anonymous_rating_is_screened_and_ends_the_case_without_a_confirmation():
    story = given("ASSIGN", move("VERIFY"), "ACT", real_name=False)
    assert story.when(move("REPLY", text="请致电 13800138000")) == ["Replied", "Closed"]
    assert story.last(Replied).public_reply == "请致电 【电话】"
    assert (story.state, story.case.closure, story.case.confirmed) == ("CLOSED_UNCONFIRMED", "RECTIFIED", False)
    assert story.running == set()


def test_an_explanation_to_an_anonymous_rater_ends_as_explained():
    story = given("ASSIGN", move("VERIFY", finding="NO_LEGAL_BASIS"), EXPLAINED, real_name=False)
    assert (story.state, story.case.closure) == ("CLOSED_UNCONFIRMED", "EXPLAINED")


def test_the_reply_to_a_real_name_rating_is_not_published():
    assert given(*REPLIED).last(Replied).public_reply is None


def test_an_anonymous_rater_may_follow_up_and_contest_by_the_receipt():
    assert anonymous("FOLLOW_UP").state == "REOPENED"
    assert anonymous("CONTEST", OVERTURNED).state == "RECTIFYING"
    assert anonymous("CONTEST", UPHELD).state == "CLOSED_UNCONFIRMED"


def test_a_rater_counts_as_not_reached_after_three_tries_on_two_days():
    story = given("ASSIGN", *[move("CONTACT", reached=False)] * 3)
    assert story.state == "ASSIGNED"  # three tries on one day are one day
    assert story.later(days=1).when(move("CONTACT", reached=False)) == ["ContactTried", "Contacted"]
    assert (story.state, story.case.contact) == ("CONTACTED", "UNREACHED")
    assert len([fact for fact in story.history if isinstance(fact, ContactTried)]) == 4


def test_two_tries_on_two_days_are_not_enough():
    story = given(*REPLIED, UNREACHED).later(days=1)
    assert story.when(UNREACHED) == ["CallbackTried"]
    assert story.when(UNREACHED) == ["CallbackTried", "CalledBack", "Closed"]


def test_a_rater_who_is_not_reached_has_confirmed_nothing():
    story = unreached_in_the_end()
    assert (story.state, story.case.closure, story.case.confirmed) == ("CLOSED_UNCONFIRMED", "UNREACHED", False)
    assert story.last(CalledBack).verdict == "UNREACHED"


def test_the_tries_of_one_round_do_not_count_in_the_next():
    story = given(*REPLIED, UNREACHED, UNREACHED).later(days=1).given("FOLLOW_UP", "SET_TRACK", *ANSWERED)
    assert story.when(UNREACHED) == ["CallbackTried"]


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_a_case_is_reopened_as_often_as_the_policy_says_and_then_the_supervisor_decides(allowed):
    story = given(*REPLIED, under=policy(max_reopenings=allowed))
    for _ in range(allowed):
        assert story.when(DISSATISFIED) == ["CalledBack", "Reopened"]
        story.given("SET_TRACK", *ANSWERED)
    assert story.when(DISSATISFIED) == ["CalledBack", "Supervised"]


def test_what_the_supervisor_closes_nobody_has_confirmed():
    story = given(*SUPERVISED, move("DECIDE_SUPERVISION", rectify=False))
    assert (story.state, story.case.closure, story.case.confirmed) == ("CLOSED", "RECTIFIED", False)


def test_the_supervisor_may_have_it_put_right_later_if_that_was_not_done_before():
    story = given(*SUPERVISED, move("DECIDE_SUPERVISION", rectify=False), "FOLLOW_UP")
    assert story.last(Supervised)
    assert story.when("DECIDE_SUPERVISION") == ["SupervisionDecided"]


@pytest.mark.parametrize("so_far", [REOPENED, (*SUPERVISED, "DECIDE_SUPERVISION"), (*CLOSED, "CONTEST", OVERTURNED)])
def test_a_further_round_begins_with_nothing_done(so_far):
    story = given(*so_far)
    if story.state == "REOPENED":
        story.given("SET_TRACK")
    assert story.refusal("REPLY") == "action_missing"
    assert story.given(*ANSWERED).state == "REPLIED"


def test_an_explanation_that_did_not_satisfy_is_put_right_by_the_supervisors_word():
    story = given(*verified("NO_LEGAL_BASIS"), EXPLAINED, DISSATISFIED, "DECIDE_SUPERVISION", under=policy(max_reopenings=0))
    assert (story.state, story.case.track) == ("RECTIFYING", "SIMPLE")


def test_what_was_done_before_an_appeal_was_refused_need_not_be_done_again():
    assert given(*verified(), "ACT", "FILE_APPEAL", REFUSED).when("REPLY") == ["Replied"]


def test_an_exclusion_says_why_and_a_restored_rating_is_put_right():
    story = given(*EXCLUDED)
    assert (story.case.excluded, story.case.turn, story.case.closure) == ("MISTAKE", 1, "EXCLUDED")
    story.given("CONTEST", OVERTURNED)
    assert (story.case.excluded, story.case.turn, story.case.closure) == (None, 2, None)
    assert story.given(*ANSWERED, "CALL_BACK").state == "CLOSED"


def test_after_a_review_the_rater_has_had_the_last_word_however_many_appeals_the_policy_allows():
    twice = policy(appeal=POLICY.appeal.model_copy(update={"max_rounds": 2}))
    assert given(*EXCLUDED, "CONTEST", OVERTURNED, under=twice).refusal("FILE_APPEAL") == "appeal_used_up"
    assert given(*CLOSED, "CONTEST", OVERTURNED, under=twice).refusal("FILE_APPEAL") == "appeal_used_up"


def test_what_is_late_already_can_still_be_found_to_be_complex():
    story = given("ASSIGN", "CONTACT").at("2027-03-01")
    assert story.when(move("VERIFY", finding="COMPLEX", planned_day="2027-03-05")) == ["Verified", "TrackSet"]


def test_a_closed_case_that_is_overturned_leaves_the_rating_counted():
    story = given(*CLOSED, "CONTEST", OVERTURNED)
    assert (story.case.excluded, story.case.turn) == (None, 0)


def test_a_result_that_stood_is_final():
    assert given(*CLOSED, "CONTEST", UPHELD).refusal("CONTEST") == "contest_used_up"


def test_an_extension_that_was_not_decided_before_an_exclusion_does_not_bar_another_one():
    asked = (*verified("COMPLEX"), "ASK_EXTENSION", "FILE_APPEAL", GRANTED, "CONTEST", OVERTURNED)
    assert given(*asked).when("ASK_EXTENSION") == ["ExtensionAsked"]


def test_until_the_other_unit_accepts_the_case_stays_where_it_is():
    story = given("ASSIGN", PROPOSED)
    assert (story.case.unit, story.case.person) == (UNIT, "zhang")
    assert story.refusal(move("ASSIGN", OTHER_COORDINATOR)) == "not_your_case"
    story.given("ANSWER_TRANSFER")
    assert (story.case.unit, story.last(Transferred).before, story.case.person) == (OTHER_UNIT, UNIT, None)
    assert story.refusal("ASSIGN") == "not_your_case"
    assert story.when(move("ASSIGN", OTHER_COORDINATOR)) == ["Assigned"]


def test_a_transfer_that_was_refused_can_be_proposed_elsewhere():
    story = given(PROPOSED, move("ANSWER_TRANSFER", accepted=False))
    assert story.when(move("PROPOSE_TRANSFER", to=TAX_OFFICE)) == ["TransferProposed"]
    assert story.when(move("ANSWER_TRANSFER", TAX_COORDINATOR)) == ["Transferred"]
    assert story.case.routing.above == (TAX_CITY, TAX_PROVINCE)


def test_the_supervisors_word_overrides_a_transfer_that_waits():
    story = given(PROPOSED, move("REASSIGN", to=TAX_OFFICE))
    assert story.case.unit == TAX_OFFICE
    assert story.refusal("ANSWER_TRANSFER") == "no_transfer"


def test_one_reply_waits_for_every_part():
    story = given(*verified(), "ACT", "ADD_SUBTASK", "ADD_SUBTASK")
    assert story.refusal("REPLY") == "subtask_open"
    story.given("CLOSE_SUBTASK", move("CLOSE_SUBTASK", move("ADD_SUBTASK").by, subtask=2))
    assert story.when("REPLY") == ["Replied"]


def test_the_lead_unit_may_withdraw_a_part():
    withdrawn = move("CLOSE_SUBTASK", by=given().order("ADD_SUBTASK").acting, done=False, evidence=())
    assert given(*verified(), "ACT", "ADD_SUBTASK", withdrawn).when("REPLY") == ["Replied"]


def test_a_case_of_no_known_unit_is_handled_by_the_supervisor_of_the_region():
    from story import BY_REGION, Routing, somebody

    nobody = Routing(unit=None, above=BY_REGION)
    managing = somebody("COORDINATOR", None, "SUPERVISOR")
    story = given(move("ASSIGN", managing), routing=nobody, organisation=None)
    assert (story.state, story.case.unit) == ("ASSIGNED", None)
    assert story.when(move("PROPOSE_TRANSFER", managing, to=UNIT)) == ["TransferProposed"]
    assert story.when(move("ANSWER_TRANSFER", given().order("ASSIGN").acting)) == ["Transferred"]
    assert story.case.routing == REGISTERED[UNIT]


def test_what_was_found_and_done_is_kept_in_the_words_in_which_it_was_said():
    story = given(*verified(text="确有其事", evidence=["doc-7"]))
    found = story.last(Verified)
    assert (found.text, found.evidence, found.by.person) == ("确有其事", ("doc-7",), "coordinator-of-" + UNIT)
    assert found.said_at == found.at == story.now


def test_what_a_rater_says_under_pressure_is_in_the_report_and_nowhere_else():
    story = given(*REPLIED, move("CALL_BACK", pressured=True, text="他们打了电话", verdict="DISSATISFIED"))
    said = [fact.fact for fact in story.history if fact.text == "他们打了电话"]
    assert said == ["PressureReported"]
    assert story.case.pressured


def test_who_contests_because_of_pressure_reports_it_past_the_unit():
    story = given(*CLOSED)
    assert story.when(move("CONTEST", reason="PRESSURED", text="他们打了电话")) == ["Contested", "PressureReported"]
    assert [fact.fact for fact in story.history if fact.text == "他们打了电话"] == ["PressureReported"]
    assert not any("PRESSURED" in event.model_dump_json() for event in story.events)


def test_a_closing_says_what_happened():
    assert given(*CLOSED).last(Closed).closure == "RECTIFIED"
    assert given(*verified("NO_LEGAL_BASIS"), EXPLAINED, "CALL_BACK").last(Closed).closure == "EXPLAINED"
    assert unreached_in_the_end().last(Closed).closure == "UNREACHED"
