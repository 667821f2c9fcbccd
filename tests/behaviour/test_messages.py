"""What people are told: asked for once, of the platform that sends it, by an address that names nobody, and never at night."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from bed import CONTEXT
from cloud import clock
from contract.codes import AddressKind, MessageTemplate
from contract.events import AppealFiled, AppealGranted, CaseClosed, CaseEscalated, CaseReplied, InvitationIssued, MessageRequested
from contract.zone import SHANGHAI
from facts import rating_facts
from intake import revealing
from intake.door import keys
from intake.places import key_of
from notify import messages
from notify.app import dispatch, sweep
from policy import quiet
from policy.rules import QuietHours
from said import ORGANISATION, bad_rating, event, letter
from told import message

NEVER = {"begins": 0, "ends": 0}
XIHU = "330106000000"
OF_CASE = {"case_id": "c_1", "rating_id": "r_1", "organisation": ORGANISATION, "region_code": XIHU}


def requested(bed) -> list[MessageRequested]:
    return [MessageRequested.model_validate(json.loads(each["body"])["detail"]) for each in bed.messages("MessageRequests")]


def tell(bed, kind, n: int = 1, **said) -> list[MessageRequested]:
    told = kind(event_id=f"ev_{n}", happened_at=clock.now(), **said)
    assert dispatch({"Records": [message(told)]}, CONTEXT) == {"batchItemFailures": []}
    return requested(bed)


@pytest.fixture
def awake(bed):
    bed.policy(quiet_hours=NEVER)
    return bed


def test_a_rater_is_told_of_the_reply_by_a_rating_id_that_leads_nowhere_without_a_purpose(awake):
    (told,) = tell(awake, CaseReplied, **OF_CASE)
    assert (told.template, told.to, told.address, told.purpose) == ("REPLY", "RATER", "r_1", "NOTICE")
    assert (told.language, told.case_id, told.region_code) == ("zh-CN", "c_1", XIHU)


def test_the_platform_resolves_the_number_through_the_vault_and_the_rater_sees_that_it_did(awake):
    rater = {"certificate_type": "111", "certificate_number": "330106199001011234", "name": "canary-张三", "phone": "13800000000"}
    awake.accept(letter(event(applicant=rater)), letter(bad_rating(rater=rater)))
    rating_id = keys().rating_id(key_of(bad_rating(), "hall-devices"))
    (told,) = tell(awake, CaseReplied, **(OF_CASE | {"rating_id": rating_id}))
    question = revealing.Question(purpose=told.purpose, by="sms-platform", rating_id=told.address)
    assert revealing.answer(question, "", keys()) == {"phone": "13800000000"}
    assert [item["purpose"] for item in awake.items("VaultTable") if "purpose" in item] == ["NOTICE"]


def test_the_answer_to_an_anonymous_rating_is_public_and_sent_to_nobody(awake):
    assert tell(awake, CaseReplied, **OF_CASE, public_reply="已整改") == []


@pytest.mark.parametrize(
    ("kind", "said", "template"),
    [
        (AppealFiled, OF_CASE | {"state": "APPEALED", "reason": "MISTAKE"}, "APPEAL"),
        (CaseClosed, OF_CASE | {"state": "CLOSED", "closure": "RECTIFIED", "confirmed": True}, "RESULT"),
        (AppealGranted, {"case_id": "c_1", "rating": rating_facts(identity_mode="REAL_NAME"), "reason": "MISTAKE"}, "RESULT"),
    ],
)
def test_a_rater_is_told_of_an_appeal_and_of_how_it_ended(awake, kind, said, template):
    (told,) = tell(awake, kind, **said)
    assert (told.template, told.to) == (template, "RATER")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (AppealFiled, OF_CASE | {"state": "APPEALED", "reason": "MISTAKE"}),
        (CaseClosed, OF_CASE | {"state": "CLOSED_UNCONFIRMED", "closure": "RECTIFIED", "confirmed": False}),
    ],
)
def test_whoever_is_not_known_is_not_told(awake, kind, said):
    assert tell(awake, kind, **said, identity_mode="ANONYMOUS") == []


def test_of_an_excluded_anonymous_rating_nobody_can_be_told(awake):
    assert tell(awake, AppealGranted, case_id="c_1", rating=rating_facts(identity_mode="ANONYMOUS"), reason="MISTAKE") == []


@pytest.mark.parametrize(
    ("level", "to", "template", "kind"),
    [
        ("PERSON", ORGANISATION, MessageTemplate.REMINDER, AddressKind.ORGANISATION),
        ("UNIT_HEAD", ORGANISATION, MessageTemplate.ESCALATION, AddressKind.ORGANISATION),
        ("SUPERVISOR", XIHU, MessageTemplate.ESCALATION, AddressKind.REGION),
    ],
)
def test_a_deadline_is_reminded_of_and_then_escalated(awake, level, to, template, kind):
    due = clock.now() + timedelta(days=1)
    (told,) = tell(awake, CaseEscalated, **OF_CASE, state="ASSIGNED", clock="rectify", due_at=due, level=level, to=to)
    assert (told.template, told.to, told.address, told.level, told.due_at) == (template, kind, to, level, due)
    assert told.purpose is None


def test_an_invitation_is_asked_for_with_its_token_and_goes_no_further(awake):
    invited = {
        "event_ref": "e_1",
        "region_code": XIHU,
        "organisation": ORGANISATION,
        "task_code": f"{ORGANISATION}4330131001000",
        "channel": "SMS",
    }
    (told,) = tell(awake, InvitationIssued, **invited, token="t_secret", expires_at=clock.now() + timedelta(days=7))
    assert (told.template, told.address, told.token, told.channel) == ("INVITATION", "e_1", "t_secret", "SMS")
    assert awake.items("FeedTable") == []


def test_the_language_is_the_policys(awake):
    awake.policy(message_language="en")
    (told,) = tell(awake, CaseReplied, **OF_CASE)
    assert told.language == "en"


def test_what_is_told_twice_is_known_by_its_id(awake):
    (first,) = tell(awake, CaseReplied, **OF_CASE)
    (again,) = tell(awake, CaseReplied, **OF_CASE)
    assert first.event_id == again.event_id


# ---------------------------------------------------------------- quiet hours


@pytest.fixture
def asleep(bed):
    """A place whose quiet hours have just begun, whatever the time."""
    hour = clock.now().astimezone(SHANGHAI).hour
    bed.policy(quiet_hours={"begins": hour, "ends": (hour + 3) % 24})
    return bed


def test_in_quiet_hours_a_message_is_held_and_asked_for_when_they_end(asleep, later):
    assert tell(asleep, CaseReplied, **OF_CASE) == []
    assert sweep({}, CONTEXT)["messages"] == 0
    later(hours=3)
    assert sweep({}, CONTEXT)["messages"] == 1
    assert [told.template for told in requested(asleep)] == ["REPLY"]
    assert sweep({}, CONTEXT)["messages"] == 0
    assert asleep.items("DeliveriesTable") == []


def test_the_many_of_a_night_are_asked_for_in_portions_while_it_is_time(asleep, later, monkeypatch):
    monkeypatch.setattr(messages, "_TOGETHER", 2)
    for n in range(5):
        tell(asleep, CaseReplied, n, **OF_CASE)
    later(hours=3)
    left = iter([True, True])
    assert messages.ask_held(clock.now(), lambda: next(left, False)) == 4
    assert len(requested(asleep)) == 4
    assert messages.ask_held(clock.now()) == 1


def test_an_invitation_that_ran_out_while_it_was_held_is_not_sent(asleep, later):
    invited = {
        "event_ref": "e_1",
        "region_code": XIHU,
        "organisation": ORGANISATION,
        "task_code": f"{ORGANISATION}4330131001000",
        "channel": "SMS",
    }
    tell(asleep, InvitationIssued, **invited, token="t_secret", expires_at=clock.now() + timedelta(hours=1))
    later(hours=3)
    assert sweep({}, CONTEXT)["messages"] == 0
    assert requested(asleep) == []
    assert asleep.items("DeliveriesTable") == []


@pytest.mark.parametrize(
    ("begins", "ends", "at", "until"),
    [
        (21, 8, "2026-11-24T20:59:59", None),
        (21, 8, "2026-11-24T21:00:00", "2026-11-25T08:00:00"),
        (21, 8, "2026-11-25T00:00:00", "2026-11-25T08:00:00"),
        (21, 8, "2026-11-25T07:59:59", "2026-11-25T08:00:00"),
        (21, 8, "2026-11-25T08:00:00", None),
        (12, 14, "2026-11-24T13:00:00", "2026-11-24T14:00:00"),
        (12, 14, "2026-11-24T14:00:00", None),
        (0, 6, "2026-11-24T00:00:00", "2026-11-24T06:00:00"),
        (0, 0, "2026-11-24T03:00:00", None),
    ],
)
def test_when_a_place_is_quiet(begins, ends, at, until):
    found = quiet.until(QuietHours(begins=begins, ends=ends), datetime.fromisoformat(at).replace(tzinfo=SHANGHAI))
    assert (found.replace(tzinfo=None).isoformat() if found else None) == until
