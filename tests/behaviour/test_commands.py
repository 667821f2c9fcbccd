"""Commands by the queue: carried out once, answered on the bus, refused with the rule; a played case is told fact by fact."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bed import CONTEXT
from casework import DESK, DONE, RATER, RECTIFIER, REVIEWER, RULES, SUPERVISOR, UNIT, facts, rated, up_to_replied, up_to_verified
from cloud import clock
from contract.zone import day_of
from haochaping.casework import envelope
from rectify import cases
from rectify.app import deadlines, handle, relay
from said import bad_rating, event, letter


def names(bed, case_id):
    return [fact.fact for fact in cases.history(case_id)]


def settle(bed):
    for _ in range(3):
        bed.flow()


def test_a_case_is_played_through_to_the_raters_word(bed):
    bed.policy(**RULES)
    case_id = rated(bed)
    up_to_replied(bed, case_id)
    assert facts(bed.order("CALL_BACK", case_id, **DESK, verdict="CONFIRMED", text="评价人表示满意")) == ("CalledBack", "Closed")
    case = cases.find(case_id)
    assert (case.state, case.closure, case.confirmed) == ("CLOSED", "RECTIFIED", True)
    settle(bed)
    (closed,) = bed.told("CaseClosed")
    assert (closed["closure"], closed["confirmed"], closed["due"]) == ("RECTIFIED", True, {})
    # The rater has an answer, which opens the way to a follow-up.
    assert len(bed.items("LedgerTable", "A#")) == 1


def test_every_fact_arrives_in_the_feed_once_with_the_deadlines_after_it(bed):
    bed.policy(**RULES)
    case_id = rated(bed)
    up_to_verified(bed, case_id, "COMPLEX", planned_day=(day_of(clock.now()) + timedelta(days=5)).isoformat())
    facts(bed.order("ASK_EXTENSION", case_id, **UNIT, text="需要会商"))
    facts(bed.order("DECIDE_EXTENSION", case_id, **SUPERVISOR, granted=True, text="同意"))
    settle(bed)
    bed.read.clear()
    settle(bed)  # everything is told again
    of_case = [event["data"] for event in bed.told() if event["data"].get("case_id") == case_id]
    ids = [told["event_id"] for told in of_case]
    assert len(ids) == len(set(ids))
    facts_told = [event for event in bed.told() if event["source"] == "haochaping.rectify" and not event["type"].startswith("Command")]
    assert len(facts_told) == len(names(bed, case_id))
    (extended,) = bed.told("CaseExtended")
    assert extended["first_due_at"] < extended["due_at"] == extended["due"]["rectify"]


def test_a_command_that_comes_again_is_answered_with_what_it_first_led_to(bed):
    case_id = rated(bed)
    first = bed.order("ASSIGN", case_id, **UNIT, command_id="one", person="p-2")
    again = bed.send_order(first.letter)
    assert facts(again) == facts(first) == ("Assigned",)
    assert names(bed, case_id).count("Assigned") == 1


def test_a_command_id_that_is_used_for_another_command_is_refused(bed):
    case_id = rated(bed)
    at = clock.now().isoformat()
    held = {"command_id": "one", "case_id": case_id, "actor": {"person_ref": "p-1", "role": "COORDINATOR"}, "at": at}
    facts(bed.send_order(envelope(held | {"command": "ASSIGN", "person": "p-2"}, "xihu-hall", "a")))
    other = bed.send_order(envelope(held | {"command": "ASSIGN", "person": "p-3"}, "xihu-hall", "b"))
    assert other.codes == ("command_differs",)
    assert cases.find(case_id).person == "p-2"


def test_two_parties_may_give_their_commands_the_same_id(bed):
    case_id = rated(bed)
    facts(bed.order("ASSIGN", case_id, **UNIT, command_id="one", person="p-2"))
    assert facts(bed.order("URGE", case_id, **SUPERVISOR, command_id="one", text="请抓紧")) == ("Urged",)


@pytest.mark.parametrize(
    ("actor", "command", "said", "code"),
    [
        (UNIT | {"party": "xihu-market"}, "ASSIGN", {"person": "p-2"}, "not_your_case"),
        (UNIT | {"party": "hall-devices"}, "ASSIGN", {"person": "p-2"}, "role_of_other_party"),
        (SUPERVISOR, "REPLY", {"text": "x"}, "role_may_not"),
        (REVIEWER | {"who": "s-1"}, "DECIDE_APPEAL", {"granted": True, "text": "x"}, "role_not_granted"),
        (UNIT, "REPLY", {"text": "x"}, "wrong_state"),
        (UNIT, "REPLY", {}, "missing_field"),
        (UNIT, "FORGET", {}, "unknown_command"),
        (RATER, "CONTEST", {"reason": "OTHER", "text": "x", "receipt": "rc_other"}, "wrong_receipt"),
        (UNIT, "ASSIGN", {"person": "p-2", "receipt": "rc_1"}, "missing_field"),
    ],
)
def test_a_refused_command_says_why_changes_nothing_and_is_kept(bed, actor, command, said, code):
    case_id = rated(bed)
    before = cases.find(case_id)
    answer = bed.order(command, case_id, **actor, **said)
    assert answer.codes == (code,)
    assert cases.find(case_id) == before
    (kept,) = cases.refused(clock.now().date().isoformat())
    assert kept["refusals"][0]["code"] == code
    assert kept["refusals"][0]["zh"]
    settle(bed)
    (told,) = bed.told("CommandRefused")
    assert told["codes"] == [code]


def test_a_command_of_a_case_that_is_not_there_is_refused_and_kept(bed):
    answer = bed.order("ASSIGN", "c_0", **UNIT, person="p-2")
    assert answer.codes == ("unknown_case",)


def test_a_command_whose_signature_does_not_fit_is_refused_and_kept_unread(bed):
    from bed import sqs_record
    from rectify.app import command

    case_id = rated(bed)
    at = clock.now().isoformat()
    data = {"command_id": "one", "case_id": case_id, "command": "ASSIGN", "actor": {"person_ref": "p-1", "role": "COORDINATOR"}, "at": at}
    forged = envelope(data | {"person": "p-2"}, "xihu-hall", "forged")
    other = envelope(data | {"person": "p-9"}, "xihu-hall", "other")
    assert command({"Records": [sqs_record(forged, proof_of=other)]}, CONTEXT) == {"batchItemFailures": []}
    (kept,) = cases.refused(clock.now().date().isoformat())
    assert (kept["refusals"][0]["code"], kept["proven"]) == ("bad_signature", False)
    assert cases.find(case_id).person is None


def test_a_rating_message_in_the_command_inbox_is_refused(bed):
    answer = bed.send_order(letter(bad_rating()))
    assert answer.codes == ("not_accepted_here",)


def test_a_command_is_judged_by_when_it_was_sent_so_that_a_backlog_makes_nobody_late(bed, later):
    bed.policy(**RULES)
    case_id = rated(bed)
    up_to_verified(bed, case_id)
    facts(bed.order("ACT", case_id, **RECTIFIER, **DONE))
    from bed import sqs_record
    from rectify.app import command

    at = clock.now()
    data = {
        "command_id": "late",
        "case_id": case_id,
        "command": "REPLY",
        "actor": {"person_ref": "p-1", "role": "COORDINATOR"},
        "text": "x",
    }
    record = sqs_record(envelope(data | {"at": at.isoformat()}, "xihu-hall", "late"), sent_at=at, signed_at=at)
    later(days=30)
    command({"Records": [record]}, CONTEXT)
    settle(bed)
    assert bed.count("province#330000000000", "case.RECTIFIED_IN_TIME") == 1


def test_pressure_goes_past_the_unit_to_the_supervisor_alone(bed):
    bed.policy(**RULES)
    case_id = rated(bed)
    up_to_replied(bed, case_id)
    secret = "窗口的人打电话要我改口"
    facts(bed.order("CALL_BACK", case_id, **DESK, verdict="CONFIRMED", pressured=True, text=secret))
    settle(bed)
    (notice,) = bed.messages("SupervisorNotices")
    assert json.loads(notice["body"])["detail-type"] == "PressureReported"
    told = json.dumps(bed.told(), ensure_ascii=False)
    assert "Pressure" not in told
    assert secret not in told + notice["body"]
    (page,) = [cases.watched("PRESSURE", "33", 10)]
    assert [json.loads(row["summary"])["case_id"] for row in page.items] == [case_id]


def test_a_rater_reports_pressure_and_nobody_is_told_that_a_command_came(bed):
    from intake import door
    from intake.places import rating_key

    case_id = rated(bed)
    receipt = door.keys().receipt(rating_key("33202611240001", 1, 1))
    assert facts(bed.order("REPORT_PRESSURE", case_id, **RATER, receipt=receipt, text="有人给我打电话")) == ("PressureReported",)
    settle(bed)
    assert bed.told("CommandAccepted") == []
    assert len(bed.messages("SupervisorNotices")) == 1


def test_a_granted_appeal_takes_the_rating_out_of_the_score_and_the_raters_word_brings_it_back(bed):
    from intake import door
    from intake.places import rating_key

    bed.policy(**RULES)
    case_id = rated(bed)
    up_to_verified(bed, case_id, "SUSPECTED_MISTAKE")
    facts(bed.order("FILE_APPEAL", case_id, **UNIT, reason="MISTAKE", text="误点", evidence=["video-1"]))
    assert bed.order("DECIDE_APPEAL", case_id, **UNIT, granted=True, text="x").codes == ("role_may_not",)
    facts(bed.order("DECIDE_APPEAL", case_id, **REVIEWER, granted=True, text="属误评"))
    settle(bed)
    assert cases.find(case_id).state == "EXCLUDED"
    assert bed.count("province#330000000000") == 0
    assert bed.count("province#330000000000", "case.APPEAL_GRANTED") == 1
    assert len(bed.items("LedgerTable", "X#")) == 1
    receipt = door.keys().receipt(rating_key("33202611240001", 1, 1))
    facts(bed.order("CONTEST", case_id, **RATER, receipt=receipt, reason="NO_MISTAKE", text="我没有误点"))
    # Who decided the appeal does not decide about that decision.
    assert bed.order("DECIDE_REVIEW", case_id, **REVIEWER, overturned=True, text="x").codes == ("own_decision",)
    grant(bed, "reviewer-2")
    facts(bed.order("DECIDE_REVIEW", case_id, **REVIEWER | {"who": "reviewer-2"}, overturned=True, text="评价属实"))
    settle(bed)
    assert cases.find(case_id).state == "RECTIFYING"
    assert sorted(item["turn"] for item in bed.items("LedgerTable", "X#")) == [1, 2]
    assert bed.count("province#330000000000") == 1


def grant(bed, who):
    from cloud import registry

    value = {"roles": ["REVIEWER"], "organisation": "11330000MB0000021N"}
    registry.add(registry.Record(kind="grant", id=f"zhejiang-supervision#{who}", valid_from="2020-01-01", value=value))
    registry.forget()


def test_a_bad_follow_up_reopens_the_case_of_the_first_rating(bed):
    bed.policy(**RULES)
    case_id = rated(bed)
    up_to_replied(bed, case_id)
    settle(bed)
    bed.accept(letter(bad_rating(round=2, comment="还是没解决"), "again"))
    settle(bed)
    assert [case.case_id for case in cases.all_open()] == [case_id]
    assert names(bed, case_id)[-2:] == ["FollowUpReceived", "Reopened"]
    assert set(cases.find(case_id).running) == {"rectify_again"}


def test_an_anonymous_rating_gets_a_public_reply_in_place_of_the_call_back(bed):
    bed.policy(**RULES)
    case_id = rated(bed, rater=None)
    facts(bed.order("ASSIGN", case_id, **UNIT, person="p-2"))
    assert cases.find(case_id).contact == "ANONYMOUS"
    facts(bed.order("VERIFY", case_id, **UNIT, finding="SIMPLE", text="属实"))
    facts(bed.order("ACT", case_id, **RECTIFIER, **DONE))
    reply = "已整改，联系人 13800000000"
    assert facts(bed.order("REPLY", case_id, **UNIT, text=reply)) == ("Replied", "Closed")
    settle(bed)
    (told,) = bed.told("CaseReplied")
    assert told["public_reply"] == "已整改，联系人 【电话】"
    (closed,) = bed.told("CaseClosed")
    assert (closed["state"], closed["confirmed"]) == ("CLOSED_UNCONFIRMED", False)


def test_a_parked_ratings_clocks_start_at_admission_and_both_times_are_shown(bed, later):
    bed.accept(letter(bad_rating()))
    later(days=2)
    bed.accept(letter(event()))
    bed.flow()
    (case,) = cases.all_open()
    assert case.rating.admitted_hour > case.rating.received_hour
    assert case.clocks["first_contact"].started_at == case.rating.admitted_hour
    assert case.rating.plain().keys() >= {"received_hour", "admitted_hour"}


def test_a_case_whose_unit_nobody_knows_goes_to_the_managing_body_of_its_region(bed, later):
    bed.policy(parked_policy="ACCEPT_UNLINKED")
    bed.accept(letter(bad_rating()))
    later(days=9)
    bed.sweep()
    bed.flow()
    (case,) = cases.all_open()
    assert (case.unit, case.routing.above) == (None, ("330000000000",))
    assert facts(bed.order("ASSIGN", case.case_id, "COORDINATOR", "zhejiang-supervision", who="c-1", person="c-1")) == ("Assigned",)


def test_the_ladder_climbs_and_a_unit_that_is_often_late_is_called_to_a_talk_once_a_month(bed, later):
    bed.policy(interview_after=2)
    for n in range(3):
        bed.accept(letter(event(project_no=f"33-{n}")), letter(bad_rating(project_no=f"33-{n}")))
    bed.flow()
    later(days=10)
    deadlines({}, CONTEXT)
    settle(bed)
    assert len(bed.told("CaseOverdue")) == 3
    (talk,) = bed.told("InterviewCalled")
    assert talk["cases"] == 2
    climbed = {told["level"]: told["to"] for told in bed.told("CaseEscalated")}
    unit = event().organisation
    assert climbed == {"PERSON": unit, "UNIT_HEAD": unit, "SUPERVISOR": "330106000000", "LEVEL_ABOVE": "330100000000"}
    assert len(bed.told("CaseEscalated")) == 12
    deadlines({}, CONTEXT)
    settle(bed)
    assert len(bed.told("CaseEscalated")) == 12


def test_a_refused_command_is_corrected_in_its_codes_and_sent_again(bed):
    case_id = rated(bed)
    up_to_verified(bed, case_id)
    wrong = bed.order("ACT", case_id, **RECTIFIER, command_id="act", action_kind="REDONE", cause="STAFF", text="已培训", evidence=["f"])
    assert wrong.codes == ("change_missing",)
    (kept,) = cases.refused(clock.now().date().isoformat())
    body = json.loads(kept["command"])
    body["data"]["cause"] = "OTHER"
    send_again(bed, kept, json.dumps(body))
    assert cases.find(case_id).acted
    (note,) = cases.notes(kept)
    assert (note["by"], note["refusals"]) == ("operator", [])


def test_an_operator_puts_no_words_into_anybodys_mouth(bed):
    case_id = rated(bed)
    up_to_verified(bed, case_id)
    bed.order("ACT", case_id, **RECTIFIER, command_id="act", action_kind="REDONE", cause="STAFF", text="已培训", evidence=["f"])
    (kept,) = cases.refused(clock.now().date().isoformat())
    body = json.loads(kept["command"])
    body["data"] |= {"cause": "OTHER", "text": "已道歉"}
    send_again(bed, kept, json.dumps(body, ensure_ascii=False))
    assert not cases.find(case_id).acted
    (note,) = cases.notes(kept)
    assert note["refusals"][0]["code"] == "correction_not_allowed"


def send_again(bed, kept, body):
    message = {"resubmit": {"pk": kept["pk"], "sk": kept["sk"], "body": body, "by": "operator", "reason": "码表笔误"}}
    record = {"messageId": "1", "body": json.dumps(message), "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs"}
    assert handle({"Records": [record]}, CONTEXT) == {"batchItemFailures": []}


def test_a_problem_record_links_the_cases_of_one_cause_to_the_change_made(bed):
    case_id = rated(bed)
    up_to_verified(bed, case_id)
    facts(bed.order("LINK_PROBLEM", case_id, **UNIT, problem="queue-2026", text="叫号系统设置"))
    facts(bed.order("RECORD_CHANGE", case_id, **UNIT, problem="queue-2026", text="增设窗口", evidence=["notice-7"]))
    linked, change = cases.problem(event().organisation, "queue-2026")
    assert (linked["sk"], linked["text"], change["text"]) == (case_id, "叫号系统设置", "增设窗口")


def test_what_is_relayed_twice_is_told_under_the_same_ids(bed):
    rated(bed)
    bed.read.clear()
    history = bed.history()
    bed.messages("NotifyInbox")
    for _ in range(2):
        relay({"Records": history, "shardId": "shardId-1"}, CONTEXT)
    ids = [json.loads(message["body"])["detail"]["event_id"] for message in bed.messages("NotifyInbox")]
    assert len(ids) == 2
    assert len(set(ids)) == 1


@pytest.mark.parametrize("named", [[], {}, 1, None, True])
def test_a_command_whose_name_is_no_text_is_refused_and_never_comes_back(bed, named):
    data = {"command_id": "one", "case_id": rated(bed), "command": named}
    assert bed.send_order(envelope(data, "xihu-hall", "odd")).codes == ("unknown_command",)


def test_a_raters_receipt_is_not_kept_with_what_was_refused(bed):
    receipt = "rc_secret-of-the-rater"
    data = {"command_id": "one", "case_id": "c_1", "command": "CONTEST", "receipt": receipt}
    assert bed.send_order(envelope(data, "hall-devices", "odd")).codes
    assert receipt not in json.dumps(bed.items("CasesTable"), ensure_ascii=False, default=str)
