"""Every rule that refuses a command: in which situation, and by which code."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import NamedTuple

import pytest
from pydantic import ValidationError

from contract.codes import CaseAction, CaseState, TimeUnit
from contract.commands import command_of
from contract.refusals import CATALOGUE, Refused, from_validation
from policy.rules import Appeal, Extension, Policy
from rectify.decisions import decide
from rectify.orders import Routing
from story import (
    ANSWERED,
    AUTHORITY,
    BY_REGION,
    CLOSED,
    COORDINATOR,
    DISSATISFIED,
    EXCLUDED,
    HELPER,
    HELPING_UNIT,
    HOTLINE,
    NOW,
    OTHER_COORDINATOR,
    OTHER_UNIT,
    POLICY,
    RATER,
    RECEIPT,
    RECTIFIER,
    REOPENED,
    REPLIED,
    REVIEW_BODY,
    REVIEWER,
    STAFF,
    SUPERVISED,
    SUPERVISOR,
    TAX_COORDINATOR,
    TAX_OFFICE,
    UNIT,
    UNREACHED,
    UNREGISTERED,
    USUAL,
    Move,
    given,
    move,
    policy,
    somebody,
    verified,
    workdays,
)
from template_file import ROOT

COMPLEX = verified("COMPLEX")
ASKED = (*COMPLEX, "ASK_EXTENSION")
OVERTURNED = (*EXCLUDED, "CONTEST", "DECIDE_REVIEW")
UPHELD = move("DECIDE_REVIEW", overturned=False)
TWO_REFERENCES = policy(min_evidence=2)
SHORT_APPEAL = policy(appeal=Appeal(window=workdays(1), decide=workdays(10)))
BY_SUPERVISOR = policy(appeal=POLICY.appeal.model_copy(update={"reviewer_role": "SUPERVISOR"}))
MANAGING = somebody("COORDINATOR", AUTHORITY, "SUPERVISOR", "both", roles=("COORDINATOR", "SUPERVISOR"))
NEIGHBOUR = somebody("COORDINATOR", REVIEW_BODY, "SUPERVISOR")
BOTH = somebody("SUPERVISOR", AUTHORITY, "SUPERVISOR", "both", roles=("COORDINATOR", "SUPERVISOR"))
ELSEWHERE = {"regions": ("320000000000",)}
MANAGING_ELSEWHERE, SUPERVISOR_ELSEWHERE = MANAGING.model_copy(update=ELSEWHERE), SUPERVISOR.model_copy(update=ELSEWHERE)
HELPERS_CHIEF, HELPERS_SUPERVISOR = somebody("COORDINATOR", HELPING_UNIT, "UNIT"), somebody("SUPERVISOR", HELPING_UNIT, "SUPERVISOR")
DESK_OF_NOBODY = somebody("CALLBACK_DESK", None, "SUPERVISOR")
EXTENDED_AND_REOPENED = (*ASKED, "DECIDE_EXTENSION", *ANSWERED, DISSATISFIED, move("SET_TRACK", track="COMPLEX"))
HANDED_ON, FORMER = ("REASSIGN", move("REASSIGN", to=TAX_OFFICE)), somebody("SUPERVISOR", OTHER_UNIT, "SUPERVISOR")
NO_EXTENSION = policy(extension=Extension(max_count=0, value=1, unit=TimeUnit.DAY))
NO_UNIT = {"routing": Routing(above=BY_REGION), "organisation": None}


class Refusing(NamedTuple):
    """After this, and so many days, the move is refused with the code."""

    code: str
    why: str
    so_far: tuple[Move | str, ...]
    when: Move | str
    under: Policy = POLICY
    days: int = 0
    opening: dict = {}  # noqa: RUF012 - nobody writes to it


R = Refusing
TABLE = [
    # Who may.
    R("role_of_other_party", "a unit names no supervisor", (), move("URGE", somebody("SUPERVISOR", UNIT, "UNIT"))),
    R("role_of_other_party", "a unit speaks for no rater", (), move("REPORT_PRESSURE", somebody("RATER", UNIT, "UNIT"))),
    R("role_of_other_party", "a channel names no coordinator", (), move("ASSIGN", somebody("COORDINATOR", UNIT, "CHANNEL"))),
    R("role_of_other_party", "a channel names no reviewer", EXCLUDED, move("DECIDE_REVIEW", somebody("REVIEWER", HOTLINE, "CHANNEL"))),
    R("role_of_other_party", "a consumer acts for nobody", (), move("STATE", somebody("STAFF", UNIT, "CONSUMER"))),
    R("role_not_granted", "the person has no such role", (), move("ASSIGN", COORDINATOR.model_copy(update={"roles": ()}))),
    R("role_not_granted", "another role does not help", (), move("URGE", SUPERVISOR.model_copy(update={"roles": ("REVIEWER",)}))),
    R("role_may_not", "a rectifier does not answer", (*verified(), "ACT"), move("REPLY", RECTIFIER)),
    R("role_may_not", "a unit does not call back", REPLIED, move("CALL_BACK", COORDINATOR)),
    R("role_may_not", "a unit grants no extension", ASKED, move("DECIDE_EXTENSION", COORDINATOR)),
    R("role_may_not", "a unit decides no appeal", (*verified(), "FILE_APPEAL"), move("DECIDE_APPEAL", COORDINATOR)),
    R("role_may_not", "staff verify nothing", ("ASSIGN", "CONTACT"), move("VERIFY", STAFF)),
    R("role_may_not", "a rater appeals not, but contests", verified(), move("FILE_APPEAL", RATER)),
    R("role_may_not", "extensions are the supervisor's here", ASKED, move("DECIDE_EXTENSION", REVIEWER)),
    R("role_may_not", "appeals are the reviewer's here", (*verified(), "FILE_APPEAL"), move("DECIDE_APPEAL", SUPERVISOR)),
    R("role_may_not", "appeals are the supervisor's there", (*verified(), "FILE_APPEAL"), "DECIDE_APPEAL", BY_SUPERVISOR),
    R("wrong_receipt", "a rater shows another receipt", CLOSED, move("CONTEST", receipt="rc_of-another")),
    R("wrong_receipt", "nobody knows the receipt of an imported rating", CLOSED, "CONTEST", opening={"receipt_sha256": None}),
    R("not_your_case", "another unit's", (), move("ASSIGN", OTHER_COORDINATOR)),
    R("not_your_case", "it was handed on", ("REASSIGN",), "ASSIGN"),
    R("not_your_case", "a helping unit does its part only", ("ADD_SUBTASK",), move("ASSIGN", HELPERS_CHIEF)),
    R("not_your_case", "a helping unit withdraws nothing", ("ADD_SUBTASK",), move("CLOSE_SUBTASK", HELPER, done=False)),
    R("not_your_case", "a helping unit has one part of two", ("ADD_SUBTASK",), move("CLOSE_SUBTASK", HELPER, subtask=2)),
    R("not_your_case", "a supervisor elsewhere", (), move("URGE", SUPERVISOR_ELSEWHERE)),
    R("not_your_case", "nobody's unit, elsewhere", (), move("ASSIGN", MANAGING_ELSEWHERE), opening=NO_UNIT),
    R("organisation_unknown", "nobody knows where the desk belongs", REPLIED, move("CALL_BACK", DESK_OF_NOBODY)),
    R("of_the_rated_unit", "the unit calls back by another hat", REPLIED, move("CALL_BACK", somebody("CALLBACK_DESK", UNIT, "SUPERVISOR"))),
    R(
        "of_the_rated_unit",
        "the unit that had it decides on its appeal",
        ("REASSIGN", *(move(action, OTHER_COORDINATOR) for action in ("ASSIGN", "CONTACT", "VERIFY", "FILE_APPEAL"))),
        move("DECIDE_APPEAL", somebody("REVIEWER", UNIT, "SUPERVISOR")),
    ),
    R("of_the_rated_unit", "a unit that handed it on urges the next", HANDED_ON, move("URGE", FORMER)),
    R("of_the_rated_unit", "a helper decides", (*ASKED, "ADD_SUBTASK", "CLOSE_SUBTASK"), move("DECIDE_EXTENSION", HELPERS_SUPERVISOR)),
    R(
        "own_decision",
        "who asked for it, where another body had put somebody in charge, grants it",
        (move("ASSIGN", NEIGHBOUR), *(move(one.action, MANAGING, **one.said) for one in COMPLEX[1:]), move("ASK_EXTENSION", MANAGING)),
        move("DECIDE_EXTENSION", BOTH),
        opening=NO_UNIT,
    ),
    R("own_decision", "who excluded it reviews that", (*EXCLUDED, "CONTEST"), move("DECIDE_REVIEW", REVIEWER)),
    # The unit's own work.
    R("planned_too_early", "yesterday", ("ASSIGN", "CONTACT"), move("VERIFY", finding="COMPLEX", planned_day="2026-11-23")),
    R("planned_too_late", "after the date", ("ASSIGN", "CONTACT"), move("VERIFY", finding="COMPLEX", planned_day="2026-12-16")),
    R("planned_too_late", "after the date of the further round", REOPENED, move("SET_TRACK", track="COMPLEX", planned_day="2026-12-16")),
    R("not_explained_again", "reopened", REOPENED, move("SET_TRACK", track="EXPLAIN")),
    R("evidence_missing", "an action on its text alone", verified(), move("ACT", evidence=[])),
    R("evidence_missing", "less than the policy asks for", verified(), "ACT", TWO_REFERENCES),
    R("evidence_missing", "an explanation without any", verified("NO_LEGAL_BASIS"), move("REPLY", legal_basis="第九条")),
    R("evidence_missing", "a part on its text alone", ("ADD_SUBTASK",), move("CLOSE_SUBTASK", evidence=[])),
    R("action_missing", "an answer before anything was done", verified(), "REPLY"),
    R("action_missing", "what was done before did not do", (*REOPENED, "SET_TRACK"), "REPLY"),
    R("legal_basis_missing", "an explanation of nothing", (*verified("NO_LEGAL_BASIS"), "ACT"), "REPLY"),
    R("subtask_open", "a part is not done", (*verified(), "ACT", "ADD_SUBTASK"), "REPLY"),
    R("problem_linked", "twice", (*verified(), "LINK_PROBLEM"), "LINK_PROBLEM"),
    R("problem_not_linked", "a change without its problem", verified(), "RECORD_CHANGE"),
    # Call-back.
    R("anonymous_rater", "nobody to call", ("ASSIGN", "VERIFY", *ANSWERED), "CALL_BACK", opening={"real_name": False}),
    R("malformed_field", "pressed, and not reached", REPLIED, move("CALL_BACK", verdict="UNREACHED", pressured=True)),
    R("supervised_before", "put right once already", (*SUPERVISED, "DECIDE_SUPERVISION", *ANSWERED, DISSATISFIED), "DECIDE_SUPERVISION"),
    # Extension.
    R("extension_not_allowed", "the policy knows none", COMPLEX, "ASK_EXTENSION", policy(extension=None)),
    R("extension_of_simple", "what is put right at once", verified(), "ASK_EXTENSION"),
    R("extension_pending", "asked twice", ASKED, "ASK_EXTENSION"),
    R("extension_used_up", "granted before", (*ASKED, "DECIDE_EXTENSION"), "ASK_EXTENSION"),
    R("extension_used_up", "granted in the round before", EXTENDED_AND_REOPENED, "ASK_EXTENSION"),
    R("extension_used_up", "the policy allows none", COMPLEX, "ASK_EXTENSION", NO_EXTENSION),
    R("extension_too_long", "six days of five", COMPLEX, move("ASK_EXTENSION", value=6)),
    R("extension_too_late", "as the date has passed", COMPLEX, "ASK_EXTENSION", days=22),
    R("no_deadline", "no date to be moved", COMPLEX, "ASK_EXTENSION", policy(rectify_simple=None, rectify_complex=None)),
    R("no_extension_asked", "nothing to decide", COMPLEX, "DECIDE_EXTENSION"),
    R("no_extension_asked", "answered meanwhile", (*ASKED, *ANSWERED), "DECIDE_EXTENSION"),
    R("no_extension_asked", "excluded meanwhile", (*ASKED, "FILE_APPEAL", "DECIDE_APPEAL"), "DECIDE_EXTENSION"),
    # Whose case it is.
    R("transfer_pending", "asked twice", ("PROPOSE_TRANSFER",), "PROPOSE_TRANSFER"),
    R("no_transfer", "nothing was proposed", (), "ANSWER_TRANSFER"),
    R("no_transfer", "another unit was asked", ("PROPOSE_TRANSFER",), move("ANSWER_TRANSFER", TAX_COORDINATOR)),
    R("no_transfer", "the asking unit cannot accept", ("PROPOSE_TRANSFER",), move("ANSWER_TRANSFER", COORDINATOR)),
    R("unknown_organisation", "to nobody", (), move("PROPOSE_TRANSFER", to=UNREGISTERED)),
    R("unknown_organisation", "a part for nobody", (), move("ADD_SUBTASK", organisation=UNREGISTERED)),
    R("same_unit", "to itself", (), move("PROPOSE_TRANSFER", to=UNIT)),
    R("same_unit", "reassigned to where it is", ("REASSIGN",), "REASSIGN"),
    R("stands_above", "a part for its supervisor", (), "ADD_SUBTASK", opening={"routing": Routing(unit=UNIT, above=(HELPING_UNIT,))}),
    R("same_unit", "a part for itself", (), move("ADD_SUBTASK", organisation=UNIT)),
    R("too_many_subtasks", "one more than there may be", ("ADD_SUBTASK",) * 20, "ADD_SUBTASK"),
    R("no_subtask", "there is none", verified(), move("CLOSE_SUBTASK", COORDINATOR, done=False)),
    R("not_your_case", "the lead unit does not say that another unit is done", ("ADD_SUBTASK",), move("CLOSE_SUBTASK", COORDINATOR)),
    R("no_subtask", "it is done", ("ADD_SUBTASK", "CLOSE_SUBTASK"), "CLOSE_SUBTASK"),
    # Appeal and review.
    R("appeal_used_up", "refused before", (*verified(), "FILE_APPEAL", move("DECIDE_APPEAL", granted=False)), "FILE_APPEAL"),
    R("appeal_used_up", "granted and overturned", OVERTURNED, "FILE_APPEAL"),
    R("appeal_used_up", "the policy knows none", verified(), "FILE_APPEAL", policy(appeal=Appeal(decide=workdays(1), max_rounds=0))),
    R("appeal_too_late", "after the window", verified(), "FILE_APPEAL", SHORT_APPEAL, days=2),
    R("contest_used_up", "once is all", (*CLOSED, "CONTEST", UPHELD), "CONTEST"),
    R("contest_used_up", "once is all, also of the result that came of it", (*OVERTURNED, *ANSWERED, "CALL_BACK"), "CONTEST"),
    R("contest_too_late", "after the window", CLOSED, "CONTEST", days=15),
]  # fmt: skip


def situation(row: Refusing):
    receipt = {"receipt_sha256": None} if "receipt_sha256" in row.opening else {}
    opening = {name: value for name, value in row.opening.items() if name not in receipt}
    story = given(*row.so_far, under=row.under, **opening).later(days=row.days)
    story.held = story.case.model_copy(update=receipt)
    return story


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.code}: {row.why}") for row in TABLE])
def test_a_command_is_refused_by_its_rule(row):
    assert situation(row).refusal(row.when) == row.code


# In which states a command is possible at all; in every other one it is refused as `wrong_state`.
WORKING = {"RECEIVED", "ASSIGNED", "CONTACTED", "VERIFIED", "RECTIFYING", "EXPLAINING", "REOPENED"}
OPEN = set(CaseState) - {"CLOSED", "CLOSED_UNCONFIRMED", "EXCLUDED"}
POSSIBLE: dict[str, set[str]] = {
    "ASSIGN": WORKING,
    "CONTACT": {"ASSIGNED"},
    "VERIFY": {"CONTACTED"},
    "SET_TRACK": {"VERIFIED", "REOPENED"},
    "ACT": {"RECTIFYING", "EXPLAINING"},
    "REPLY": {"RECTIFYING", "EXPLAINING"},
    "CALL_BACK": {"REPLIED", "CALLBACK"},
    "ASK_EXTENSION": {"RECTIFYING"},
    "DECIDE_EXTENSION": {"RECTIFYING"},
    "PROPOSE_TRANSFER": WORKING,
    "ANSWER_TRANSFER": WORKING,
    "REASSIGN": WORKING,
    "ADD_SUBTASK": WORKING,
    "CLOSE_SUBTASK": OPEN,
    "STATE": OPEN,
    "LINK_PROBLEM": set(CaseState) - {"RECEIVED", "ASSIGNED", "CONTACTED"},
    "RECORD_CHANGE": set(CaseState),
    "FILE_APPEAL": {"VERIFIED", "RECTIFYING", "EXPLAINING"},
    "OBJECT": {"APPEALED"},
    "DECIDE_APPEAL": {"APPEALED"},
    "CONTEST": {"CLOSED", "CLOSED_UNCONFIRMED", "EXCLUDED"},
    "DECIDE_REVIEW": {"UNDER_REVIEW"},
    "REPORT_PRESSURE": set(CaseState),
    "DECIDE_SUPERVISION": {"SUPERVISED"},
    "URGE": OPEN,
    "REFER_VIOLATION": set(CaseState),
}
IN: dict[str, tuple[Move | str, ...]] = {
    "RECEIVED": (),
    "ASSIGNED": ("ASSIGN",),
    "CONTACTED": ("ASSIGN", "CONTACT"),
    "VERIFIED": verified("SUSPECTED_MISTAKE"),
    "RECTIFYING": COMPLEX,
    "EXPLAINING": verified("NO_LEGAL_BASIS"),
    "APPEALED": (*COMPLEX, "FILE_APPEAL"),
    "UNDER_REVIEW": (*CLOSED, "CONTEST"),
    "REPLIED": REPLIED,
    "CALLBACK": (*REPLIED, UNREACHED),
    "REOPENED": REOPENED,
    "SUPERVISED": SUPERVISED,
    "CLOSED": CLOSED,
    "CLOSED_UNCONFIRMED": (*SUPERVISED, "DECIDE_SUPERVISION", *ANSWERED, UNREACHED, UNREACHED),
    "EXCLUDED": EXCLUDED,
}
# What has to be there before the command makes sense, wherever the case stands.
BEFORE = {"DECIDE_EXTENSION": "ASK_EXTENSION", "ANSWER_TRANSFER": "PROPOSE_TRANSFER", "CLOSE_SUBTASK": "ADD_SUBTASK"}
# Other rules of the same command, which may stand in the way where the state does not.
RULES = {
    "not_explained_again",
    "action_missing",
    "legal_basis_missing",
    "no_transfer",
    "no_subtask",
    "no_extension_asked",
    "problem_not_linked",
}


# What is asked of somebody does not depend on the state, but on that it was asked.
INSTEAD = {"DECIDE_EXTENSION": "no_extension_asked", "ANSWER_TRANSFER": "no_transfer"}


def standing(state: str):
    story = given(*IN[state])
    if state == "CLOSED_UNCONFIRMED":
        story.later(days=1).given(UNREACHED)
    assert story.state == state
    return story


@pytest.mark.parametrize("state", list(CaseState))
@pytest.mark.parametrize("action", list(CaseAction))
def test_a_command_is_possible_in_its_states_and_refused_in_every_other(action, state):
    story = standing(state)
    if state in WORKING and action in BEFORE and not story.refusal(BEFORE[action]):
        story.given(BEFORE[action])
    code = story.refusal(move(action, COORDINATOR, done=False) if action == "CLOSE_SUBTASK" else action)
    assert code in RULES | {""} if state in POSSIBLE[action] else code == INSTEAD.get(action, "wrong_state")


def test_a_command_of_a_case_that_is_not_there_is_refused():
    with pytest.raises(Refused, match="unknown_case"):
        decide(None, given().order("ASSIGN"), POLICY, NOW)


@pytest.mark.parametrize("row", TABLE[::7], ids=lambda row: row.code)
def test_a_refusal_says_why_in_both_languages(row):
    story = situation(row)
    with pytest.raises(Refused) as refused:
        story.when(row.when)
    (reason,) = refused.value.reasons
    assert (reason.zh, reason.en) == CATALOGUE[row.code][:2]
    assert reason.field


def test_an_appeal_and_a_contest_are_in_time_until_the_last_day_of_the_window_is_over():
    story = given(*verified(), under=SHORT_APPEAL).later(days=2, hours=-10, microseconds=-1)
    assert story.refusal("FILE_APPEAL") == ""
    assert story.later(microseconds=1).refusal("FILE_APPEAL") == "appeal_too_late"
    closed = given(*CLOSED).later(days=15, hours=-10, microseconds=-1)
    assert closed.refusal("CONTEST") == ""
    assert closed.later(microseconds=1).refusal("CONTEST") == "contest_too_late"


def test_an_extension_is_asked_for_until_the_date_and_not_from_then_on():
    story = given(*COMPLEX)
    story.now = story.case.clocks["rectify"].due_at - timedelta(microseconds=1)
    assert story.refusal("ASK_EXTENSION") == ""
    assert story.later(microseconds=1).refusal("ASK_EXTENSION") == "extension_too_late"


def raised() -> set[str]:
    """The codes that the decisions name in their source."""
    folder = ROOT / "services" / "rectify"
    codes = set()
    for path in (folder / "authority.py", *(folder / "decisions").glob("*.py")):
        calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
        named = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "refuse"]
        assert all(isinstance(code, ast.Constant) for code in named), f"{path.name} refuses with a code that cannot be read"
        codes |= {code.value for code in named}
    return codes


def test_the_table_covers_exactly_the_codes_that_the_decisions_raise():
    elsewhere = {"wrong_state", "unknown_case"}  # in tests of their own, above
    assert {row.code for row in TABLE} | elsewhere == raised()


# ---------------------------------------------------------------- what the contract refuses before anybody decides


@pytest.mark.parametrize(
    ("code", "field", "action", "said"),
    [
        ("missing_field", "planned_day", "VERIFY", {"finding": "COMPLEX"}),
        ("missing_field", "planned_day", "SET_TRACK", {"track": "SIMPLE", "planned_day": "2026-12-01"}),
        ("missing_field", "text", "VERIFY", {"text": None}),
        ("malformed_field", "text", "REPLY", {"text": " "}),
        ("change_missing", "change", "ACT", {"change": None}),
        ("malformed_field", "evidence", "FILE_APPEAL", {"evidence": []}),
        ("missing_field", "receipt", "CONTEST", {"receipt": None}),
        ("missing_field", "receipt", "ASSIGN", {"receipt": RECEIPT}),
        ("unknown_code", "finding", "VERIFY", {"finding": "FINE"}),
        ("unknown_field", "level", "STATE", {"level": "SATISFIED"}),
    ],
)
def test_a_command_that_does_not_say_what_it_must_is_none(code, field, action, said):
    by, usual = USUAL[CaseAction(action)]
    named = {"command_id": "c-1", "case_id": "c_1", "command": action, "at": NOW.isoformat()}
    actor = {"actor": {"person_ref": by.person, "role": by.role}}
    receipt = {"receipt": RECEIPT} if by.role == "RATER" else {}
    data = {name: value for name, value in (receipt | named | actor | usual | said).items() if value is not None}
    with pytest.raises(ValidationError) as error:
        command_of(data)
    assert {(reason.code, reason.field.partition(".")[2] or reason.field) for reason in from_validation(error.value).reasons} == {
        (code, field)
    }


def test_there_is_no_command_that_is_not_in_the_list():
    with pytest.raises(Refused, match="unknown_command"):
        command_of({"command": "CLOSE"})
