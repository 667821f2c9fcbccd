"""Every bad rating has its case, or is named and announced again; a better known calendar moves what is open, and the old date is kept."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta

import pytest

from bed import CONTEXT
from casework import DONE, RATER, RECTIFIER, RULES, UNIT, facts, rated, up_to_replied
from cloud import clock
from contract.zone import day_of, last_day_before
from intake import app as intake
from policy import calendar
from policy.calendar import Day, Overlays, is_working_day
from rectify import cases, reconciling
from rectify.app import deadlines, handle, reconcile
from said import bad_rating, event, general, letter, rating, supervisory

SECRETS = ("canary", "33202611240001", "等了两个小时", "窗口人手不足")


def settle(bed) -> None:
    for _ in range(3):
        bed.flow()


def relayed(bed) -> list[dict]:
    """What the Ledger's stream had announced to rectify, which never hears of it."""
    intake.relay({"Records": bed.stream("LedgerTable"), "shardId": "shardId-1"}, CONTEXT)
    return [json.loads(message["body"]) for message in bed.messages("RectifyInbox")]


def run(bed) -> Counter[str]:
    """The nightly job for each day that ratings, and defaults, belong to."""
    answered: Counter[str] = Counter()
    for day in {item["day"] for kind in ("R#", "D#") for item in bed.items("LedgerTable", kind)}:
        answer = reconcile({"days_back": (day_of(clock.now()) - date.fromisoformat(day)).days}, CONTEXT)
        answered.update({name: answer[name] for name in ("bad", "missing", "recounted")})
    return answered


def found(bed) -> tuple[int, int]:
    """How many bad ratings must have led to something, and how many have not."""
    answered = run(bed)
    return answered["bad"], answered["missing"]


# ---------------------------------------------------------------- bad ratings = cases


def test_a_bad_rating_without_its_case_is_named_counted_and_announced_again(bed, caplog, capsys):
    bed.accept(letter(event()), letter(bad_rating()))
    (lost,) = relayed(bed)
    assert found(bed) == (1, 1)
    (named,) = [record for record in caplog.records if record.message == "a bad rating has no case"]
    assert named.rating_id == lost["detail"]["rating"]["rating_id"]
    logged, printed = str(vars(named)), capsys.readouterr().out
    assert not [secret for secret in SECRETS if secret in logged + printed]
    assert '"CasesMissing":[1.0]' in printed
    (again,) = [json.loads(message["body"]) for message in bed.messages("RectifyInbox")]
    assert again["detail"] == lost["detail"]


def test_it_opens_the_case_that_was_missing_and_its_rater_is_known_by_the_receipt(bed):
    from intake import door
    from intake.places import rating_key

    bed.accept(letter(event()), letter(bad_rating()))
    relayed(bed)
    run(bed)
    settle(bed)
    (case,) = cases.all_open()
    receipt = door.keys().receipt(rating_key("33202611240001", 1, 1))
    assert facts(bed.order("STATE", case.case_id, **RATER, receipt=receipt, text="请尽快办理")) == ("StatementAdded",)
    assert found(bed) == (1, 0)
    settle(bed)
    assert [opened.case_id for opened in cases.all_open()] == [case.case_id]


def test_a_missing_follow_up_is_announced_again_and_reopens_the_case(bed):
    bed.policy(**RULES)
    case_id = rated(bed)
    up_to_replied(bed, case_id)
    settle(bed)
    bed.accept(letter(bad_rating(round=2, comment="还是没解决"), "again"))
    (lost,) = relayed(bed)
    assert lost["detail"]["follows"]
    assert found(bed) == (2, 1)
    settle(bed)
    assert [fact.fact for fact in cases.history(case_id)][-2:] == ["FollowUpReceived", "Reopened"]
    assert found(bed) == (2, 0)


def test_a_follow_up_whose_case_is_missing_too_waits_for_it(bed):
    bed.policy(**RULES)
    case_id = rated(bed)
    up_to_replied(bed, case_id)
    settle(bed)
    bed.accept(letter(bad_rating(round=2, comment="还是没解决"), "again"))
    relayed(bed)
    for item in bed.items("CasesTable"):
        bed.dynamodb.delete_item(TableName="CasesTable", Key={"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}})
    bed.stream("CasesTable")
    assert found(bed) == (2, 2)
    hand_over_until_done(bed)
    assert [fact.fact for fact in cases.history(case_id)] == ["Opened", "FollowUpReceived"]
    assert found(bed) == (2, 0)


def hand_over_until_done(bed) -> None:
    """The queue's part: what fails comes again."""
    left = bed.messages("RectifyInbox")[::-1]  # the follow-up first
    for _ in range(3):
        failed = {one["itemIdentifier"] for one in handle({"Records": left}, CONTEXT)["batchItemFailures"]} if left else set()
        left = [message for message in left if message["messageId"] in failed]
    assert left == []


def test_what_opens_no_case_is_missed_by_nobody_and_a_general_rating_is(bed, later):
    bed.policy(unrated_policy="DEFAULT", default_level="VERY_DISSATISFIED", default_after={"value": 0, "unit": "DAY"})
    for number in ("33-good", "33-silent"):
        bed.accept(letter(event(project_no=number)))
    bed.accept(letter(rating(project_no="33-good")), letter(supervisory()), letter(general()))
    later(days=2)
    bed.sweep()
    assert [item["level"] for item in bed.items("LedgerTable", "D#")] == ["VERY_DISSATISFIED"]
    relayed(bed)
    assert found(bed) == (1, 1)
    settle(bed)
    assert [case.rating.kind for case in cases.all_open()] == ["GENERAL"]
    assert found(bed) == (1, 0)


def test_of_many_each_is_named_once(bed, monkeypatch, caplog):
    monkeypatch.setattr(reconciling, "_GROUP", 2)
    for n in range(5):
        bed.accept(letter(event(project_no=f"33-{n}")), letter(bad_rating(project_no=f"33-{n}")))
    lost = relayed(bed)
    assert found(bed) == (5, 5)
    named = [record.rating_id for record in caplog.records if record.message == "a bad rating has no case"]
    assert sorted(named) == sorted(told["detail"]["rating"]["rating_id"] for told in lost)
    settle(bed)
    assert found(bed) == (5, 0)
    assert len(list(cases.all_open())) == 5


# ---------------------------------------------------------------- a calendar that is known better


@pytest.fixture
def announce(monkeypatch):
    """A release of the code with a further notice: rest days, and the years that are known with it."""

    def notice(*off: date, years: tuple[int, ...] = ()) -> None:
        days = tuple(Day(date=day, off=True, region="000000000000", announced="2026-11-10", notice="国办发明电") for day in off)
        monkeypatch.setattr(calendar, "overlays", lambda: Overlays(about="test", published_years=years, days=days))
        forget_the_calendar()

    yield notice
    monkeypatch.undo()
    forget_the_calendar()


def forget_the_calendar() -> None:
    calendar._year.cache_clear()
    calendar.version.cache_clear()


@pytest.fixture
def two_cases(bed):
    """An open case, whose deadline runs far into the year to come, and one that has ended. The calendar is that of today."""
    bed.policy(**RULES | {"rectify_simple": {"value": 60, "unit": "WORKDAY"}})
    bed.accept(letter(event(project_no="33-2")), letter(bad_rating(project_no="33-2", rater=None)))
    bed.flow()
    (ended,) = cases.all_open()
    facts(bed.order("ASSIGN", ended.case_id, **UNIT, person="p-2"))
    facts(bed.order("VERIFY", ended.case_id, **UNIT, finding="SIMPLE", text="属实"))
    facts(bed.order("ACT", ended.case_id, **RECTIFIER, **DONE))
    facts(bed.order("REPLY", ended.case_id, **UNIT, text="已整改"))
    bed.accept(letter(event()), letter(bad_rating()))
    settle(bed)
    (still_open,) = cases.all_open()
    run(bed)
    settle(bed)
    return still_open.case_id, ended.case_id


def a_working_day_of(case_id: str) -> date:
    """One on which the deadline of rectifying rests."""
    case = cases.find(case_id)
    day = last_day_before(case.clocks["rectify"].due_at)
    while not is_working_day(day, case.region)[0]:
        day -= timedelta(days=1)
    return day


def test_of_the_first_calendar_every_deadline_is_already(bed):
    case_id = rated(bed)
    before = cases.find(case_id)
    assert run(bed)["recounted"] == 1
    settle(bed)
    assert cases.find(case_id) == before
    assert run(bed)["recounted"] == 0


def test_a_further_notice_moves_open_deadlines_once_and_the_old_date_is_kept(bed, two_cases, announce):
    case_id, ended = two_cases
    before, at_end = cases.find(case_id), cases.find(ended)
    off = a_working_day_of(case_id)
    announce(off, years=(off.year,))
    assert run(bed)["recounted"] == 1
    settle(bed)
    after = cases.find(case_id)
    moved = after.clocks["rectify"]
    assert moved.due_at > before.clocks["rectify"].due_at
    assert not moved.provisional
    (told,) = bed.told("CaseDueMoved")
    assert (told["clock"], told["before"]) == ("rectify", before.clocks["rectify"].due_at.isoformat())
    assert told["due_at"] == told["due"]["rectify"] == moved.due_at.isoformat()
    assert told["calendar"] == calendar.version()
    assert after.clocks["first_contact"] == before.clocks["first_contact"]  # in natural days
    assert cases.find(ended) == at_end
    assert run(bed)["recounted"] == 0
    settle(bed)
    assert cases.find(case_id) == after


def test_a_notice_that_is_taken_back_and_comes_again_moves_the_deadline_each_time(bed, two_cases, announce):
    case_id, _ = two_cases
    first = cases.find(case_id).clocks["rectify"].due_at
    off = a_working_day_of(case_id)
    dates = []
    for notice in ((off,), (), (off,)):  # a release, its roll-back, and the release again
        announce(*notice)
        run(bed)
        settle(bed)
        dates.append(cases.find(case_id).clocks["rectify"].due_at)
    assert dates == [dates[0], first, dates[0]]
    assert dates[0] > first


def test_a_date_that_comes_back_when_it_has_passed_is_told_again_and_then_leaves_the_sweep_alone(bed, announce, later):
    bed.policy(**RULES | {"rectify_simple": {"value": 5, "unit": "WORKDAY"}})
    case_id = rated(bed)
    run(bed)
    due = cases.find(case_id).clocks["rectify"].due_at
    later(seconds=(due + timedelta(days=1) - clock.now()).total_seconds())
    deadlines({}, CONTEXT)
    settle(bed)
    announce(*(last_day_before(due) - timedelta(days=n) for n in range(7)))
    run(bed)
    settle(bed)
    assert not cases.find(case_id).clocks["rectify"].is_late(clock.now())
    announce()
    run(bed)
    settle(bed)
    assert deadlines({}, CONTEXT)["sent"]
    settle(bed)
    assert cases.find(case_id).clocks["rectify"].overdue
    assert deadlines({}, CONTEXT) == {"sent": 0}
