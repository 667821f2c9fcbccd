"""Every bad rating has exactly one case, with deadlines by the policy in force, each told once when it passes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from bed import CONTEXT
from cloud import clock
from contract.zone import SHANGHAI, day_of
from rectify import cases
from rectify.app import deadlines, handle, relay
from said import bad_rating, event, letter, rating


def opened(bed) -> list:
    return sorted(cases.all_open(), key=lambda case: case.case_id)


def later(monkeypatch, **much):
    moment = clock.now() + timedelta(**much)
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_a_bad_rating_opens_one_case_however_often_it_is_told(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    (case,) = opened(bed)
    bed.read.clear()
    bed.flow()
    assert opened(bed) == [case]
    assert len(bed.items("CasesTable", "H#")) == 1


def test_a_good_rating_opens_none(bed):
    bed.accept(letter(event()), letter(rating()))
    bed.flow()
    assert opened(bed) == []


def test_the_deadlines_are_those_of_the_policy_in_force(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    (case,) = opened(bed)
    received = day_of(case.rating.received_hour)
    due = {name: day_of(deadline.due_at) - received for name, deadline in case.clocks.items()}
    # 1 and 15 natural days, each to the end of its last day.
    assert due == {"first_contact": timedelta(days=2), "rectify": timedelta(days=16)}
    assert case.policy_version == "330000000000@2020-01-01"


def test_a_passed_deadline_is_told_once_whatever_is_repeated(bed, monkeypatch):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    bed.messages("NotifyInbox"), bed.messages("DeliveryQueue")
    (case,) = opened(bed)
    # It runs out, and is told to the head of the unit and then to the supervisor, whose step has just come.
    ladder = {step.level: step.at for step in case.clocks["first_contact"].steps}
    monkeypatch.setattr(clock, "now", lambda: ladder["SUPERVISOR"])
    told_by_now = sorted(level for level, at in ladder.items() if at <= ladder["SUPERVISOR"])
    for _ in range(2):
        assert deadlines({}, CONTEXT) == {"sent": 1 + len(told_by_now)}
    steps = bed.messages("RectifyInbox")
    handle({"Records": steps + steps}, CONTEXT)
    relay({"Records": bed.history(), "shardId": "shardId-1"}, CONTEXT)
    news = [json.loads(message["body"]) for message in bed.messages("NotifyInbox")]
    (overdue,) = [one["detail"] for one in news if one["detail-type"] == "CaseOverdue"]
    assert overdue["clock"] == "first_contact"
    levels = sorted(one["detail"]["level"] for one in news if one["detail-type"] == "CaseEscalated")
    assert levels == told_by_now
    assert {"SUPERVISOR", "UNIT_HEAD"} <= set(levels)
    assert deadlines({}, CONTEXT) == {"sent": 0}
    (case,) = opened(bed)
    assert case.clocks["first_contact"].overdue
    assert not case.clocks["rectify"].overdue


def test_a_sweep_sends_everything_that_is_due_and_nothing_else(bed, monkeypatch):
    for n in range(23):
        bed.accept(letter(event(project_no=f"33-{n}")), letter(bad_rating(project_no=f"33-{n}")))
    bed.flow()
    assert deadlines({}, CONTEXT) == {"sent": 0}
    later(monkeypatch, days=20)
    (sent,) = deadlines({}, CONTEXT).values()
    steps = [json.loads(message["body"]) for message in bed.messages("RectifyInbox")]
    assert len(steps) == sent
    ran_out = [(step["case_id"], step["clock"]) for step in steps if "level" not in step]
    assert len(ran_out) == len(set(ran_out)) == 46


def test_a_step_for_a_deadline_that_has_moved_has_no_effect(bed, monkeypatch):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    (case,) = opened(bed)
    later(monkeypatch, days=3)
    moved = {"order": "PassStep", "case_id": case.case_id, "clock": "rectify", "due_at": datetime(2026, 1, 1, tzinfo=SHANGHAI).isoformat()}
    message = {"messageId": "1", "body": json.dumps(moved), "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs"}
    assert handle({"Records": [message]}, CONTEXT) == {"batchItemFailures": []}
    assert opened(bed) == [case]


def test_the_work_list_of_an_organisation_has_its_cases_only(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    assert len(list(cases.open_of(event().organisation))) == 1
    assert list(cases.open_of("somebody-else")) == []


@pytest.mark.parametrize("secret", ["canary", "33202611240001", "等了两个小时"])
def test_a_case_knows_neither_the_rater_nor_the_case_file_number(bed, secret):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    assert secret not in json.dumps(bed.items("CasesTable"), ensure_ascii=False, default=str)


def test_an_entry_that_cannot_become_an_event_is_set_aside_and_the_lane_goes_on(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    bed.messages("NotifyInbox")
    bed.read.clear()
    (good,) = bed.history()
    broken = json.loads(json.dumps(good))
    broken["dynamodb"]["NewImage"]["fact"] = {"S": '{"fact": "Unheard"}'}
    relay({"Records": [broken, good], "shardId": "shardId-1"}, CONTEXT)
    assert len(bed.messages("NotifyInbox")) == 1
    (note,) = bed.messages("SetAside")
    assert json.loads(note["body"])["pk"] == good["dynamodb"]["Keys"]["pk"]["S"]
