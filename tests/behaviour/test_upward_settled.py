"""Whatever happens on the way, every record is settled above exactly once, and each morning it is counted whether it is."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from above import ZHANG, one_service, reporting, services
from bed import CONTEXT
from casework import DESK, RULES, facts, up_to_replied
from cloud import registry
from cloud.clients import dynamodb
from crashes import Crash
from notify import app
from notify.sealed import days
from notify.upward import profile as profiles
from notify.upward import receipts as kept
from notify.upward import reconciling, sending
from rectify import cases
from said import event, letter, rating


@pytest.fixture
def above(bed, monkeypatch):
    return reporting(bed, monkeypatch)


# ---------------------------------------------------------------- a run that dies


@pytest.mark.slow
@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_run_that_dies_between_any_two_calls_loses_and_doubles_nothing(above, monkeypatch, dies):
    """Each round reports a service of its own; the first run of a round dies at a later call than that of the round before."""
    with above.listening() as server:
        for at_call in range(1, 60):
            services(above.bed, 1, first=at_call)
            above.seal()
            died = run_that_dies(above, monkeypatch, at_call, dies)
            above.report()
            assert sum(server.accepted.values()) == server.services == at_call
            if not died:
                break
    assert 8 < at_call < 59
    assert {held.partition(":")[0] for held in above.receipts()} <= {"E ACCEPTED", "R ACCEPTED", "E DUPLICATE", "R DUPLICATE"}
    assert sum(above.receipts().values()) == 2 * at_call


def run_that_dies(above, monkeypatch, at_call: int, dies: str) -> bool:
    """Whether the run came as far as that call, to DynamoDB or to the level above."""
    calls = iter(range(1, 1_000))
    request = sending.request

    def count(**_):
        if next(calls) == at_call:
            raise Crash

    def requested(*args):
        if dies == "before":
            count()
        answer = request(*args)
        if dies == "after":
            try:
                count()
            except Crash:
                answer.close()
                raise
        return answer

    with ExitStack() as stack, monkeypatch.context() as patched:
        patched.setattr(sending, "request", requested)
        hook = "before-send.dynamodb" if dies == "before" else "after-call.dynamodb"
        stack.enter_context(above.bed.hooked(dynamodb(), hook, count))
        try:
            app.report({}, CONTEXT)
        except Crash:
            return True
    return False


# ---------------------------------------------------------------- reconciliation


def reconcile(above):
    return app.reconcile({}, CONTEXT)


def told(above):
    above.bed.flow()
    return above.bed.told("UpwardReportReconciled")


def test_each_morning_what_was_reported_is_counted_per_level(above, later):
    services(above.bed, 10)
    above.bed.accept(letter(event(project_no="A-1", applicant=ZHANG)))
    with above.listening():
        above.seal()
        above.report()
        later(days=1, hours=3)
        above.seal()
        assert reconcile(above) == {"nation": {}}
        assert reconcile(above) == {"nation": {}}
    (found,) = told(above)
    assert found["upstream"] == "nation"
    assert found["difference"] == found["not_reported"] == 0
    assert found["services"] == zeros(reportable=11, accepted=10, incomplete=1)
    assert found["levels"]["VERY_SATISFIED"] == zeros(reportable=9, accepted=9)
    assert found["levels"]["DISSATISFIED"] == zeros(reportable=1, accepted=1)


def zeros(**counts):
    return dict.fromkeys(("reportable", "accepted", "duplicate", "refused", "incomplete", "waiting", "missing"), 0) | counts


def test_what_is_open_is_told_again_until_it_is_settled_and_alarmed_when_late(above, later, capsys):
    services(above.bed, 3)
    with above.listening() as server:
        server.is_down = True
        above.seal()
        above.report()
        later(days=1, hours=3)
        above.seal()
        day = min(json.loads(json.dumps(reconcile(above)["nation"])))
        reconcile(above)
        (first,) = told(above)
        assert first["difference"] == first["services"]["missing"] + first["levels"]["VERY_SATISFIED"]["missing"] == 6
        assert "UpwardDifference" not in capsys.readouterr().out
        later(days=6)
        above.seal()
        assert reconcile(above)["nation"][day] == 6
        assert "UpwardDifference" in capsys.readouterr().out
        assert len(told(above)) - len([one for one in told(above) if one["ledger_day"] != day]) == 1
        server.is_down = False
        above.report()
        assert reconcile(above) == {"nation": {}}
    settled = [one for one in told(above) if one["ledger_day"] == day]
    assert [one["difference"] for one in settled] == [6, 0]
    assert settled[0]["event_id"] != settled[1]["event_id"]


def test_what_waits_is_a_difference_and_what_is_refused_is_none(above, later):
    above.bed.accept(letter(event()), letter(rating()))
    services(above.bed, 1, first=50)
    with above.listening():
        above.seal()
        above.report()
        later(days=1, hours=3)
        above.seal()
        assert list(reconcile(above)["nation"].values()) == [1]
        for days in (2, 3, 5):
            later(days=days)
            above.report()
        above.seal()
        assert reconcile(above) == {"nation": {}}
    last = [one for one in told(above) if one["levels"]["VERY_SATISFIED"]["reportable"]][-1]
    assert last["levels"]["VERY_SATISFIED"] == zeros(reportable=2, accepted=1, refused=1)


def test_what_is_not_meant_to_be_reported_is_counted_as_such(above, later):
    item = {"zh": "自建事项", "self_built": True}
    registry.add(registry.Record(kind="item", id=event().item_code, valid_from="2020-01-01", value=item))
    registry.forget()
    one_service(above.bed)
    with above.listening():
        above.seal()
        later(days=1, hours=3)
        above.seal()
        assert reconcile(above) == {"nation": {}}
    (found,) = told(above)
    assert (found["not_reported"], found["services"]["reportable"]) == (2, 0)


def test_if_telling_fails_it_is_told_the_next_time(above, later, monkeypatch):
    services(above.bed, 1)
    with above.listening():
        above.seal()
        above.report()
        later(days=1, hours=3)
        above.seal()

        def fail(_):
            raise Crash

        with monkeypatch.context() as patched:
            patched.setattr("cloud.bus.publish", fail)
            with pytest.raises(Crash):
                reconcile(above)
        reconcile(above)
    assert len(told(above)) == 1


@pytest.fixture
def looked_at(monkeypatch):
    """The days whose segments were read, one after the other."""
    found, segments_of = [], days.segments_of
    monkeypatch.setattr(days, "segments_of", lambda day: found.append(day.isoformat()) or segments_of(day))
    return found


def four_days(above, later) -> None:
    """A service a day, all reported; of the first day one receipt is gone for ever."""
    for day in range(4):
        later(days=day)
        services(above.bed, 1, first=50 + day)
        above.seal()
        above.report()
    first = min((row for row in above.bed.items("ReportsTable") if row["pk"].startswith("R#")), key=lambda row: row["pk"])
    above.bed.dynamodb.delete_item(TableName="ReportsTable", Key={"pk": {"S": first["pk"]}, "sk": {"S": first["sk"]}})
    later(days=4, hours=3)
    above.seal()


def test_a_day_that_stays_open_lets_no_other_be_looked_at_again(above, later, looked_at):
    with above.listening():
        four_days(above, later)
        looked_at.clear()
        (open_day,) = reconcile(above)["nation"]
        assert len(set(looked_at)) >= 4
        assert looked_at == sorted(looked_at, reverse=True)
        looked_at.clear()
        assert list(reconcile(above)["nation"]) == [open_day]
        assert looked_at == [open_day]


def test_a_run_looks_at_so_many_open_days_and_the_next_ones_at_the_others(above, later, looked_at, monkeypatch):
    monkeypatch.setattr(reconciling, "DAYS_AT_ONCE", 2)
    with above.listening():
        four_days(above, later)
        looked_at.clear()
        for _ in range(3):
            found = reconcile(above)
        assert len(found["nation"]) == 1
        assert len(set(looked_at)) >= 4


def test_a_day_for_which_there_was_no_time_is_left_to_the_next_run(above, later):
    with above.listening():
        for first in (0, 50):
            services(above.bed, 1, first=first)
            above.seal()
        later(days=1, hours=3)
        above.seal()
        times = iter([True])  # for the first of two segments
        assert reconciling.reconcile(lambda: next(times, False)) == {"nation": {}}
        assert told(above) == []
        assert kept.settled_through("nation") is None
        assert sum(reconcile(above)["nation"].values()) == 4


def test_registry_is_asked_once_of_an_item(above, later, monkeypatch):
    services(above.bed, 10)
    with above.listening():
        above.seal()
        later(days=1, hours=3)
        above.seal()
        asked, find = [], registry.find
        monkeypatch.setattr(registry, "find", lambda kind, id, on: asked.append((kind, id, on)) or find(kind, id, on))
        reconcile(above)
    items = [one for one in asked if one[0] == "item"]
    assert items
    assert len(items) == len(set(items))


# ---------------------------------------------------------------- what became of bad ratings


WITH_CASES = """
[case]
path = "/case"
mandatory = ["caseId", "result", "projectNo"]

[case.fields]
caseId = "case.case_id"
result = "case.result"
projectNo = "rating.project_no"
serviceNumber = "rating.service_number"
closedTime = "case.happened_at"

[codes.result]
RECTIFIED = "1"
EXPLAINED = "2"
EXCLUDED = "3"
UNREACHED = "4"
COUNTS_NOT = "5"
COUNTS_AGAIN = "6"
"""


@pytest.fixture
def with_cases(monkeypatch):
    """The national format with one of our own for results, since no public one is known."""
    from importlib import resources

    text = resources.files("notify.upward").joinpath("upstreams", "national.toml").read_text("utf-8")
    made = profiles.parse(text + WITH_CASES)
    monkeypatch.setattr("notify.upward.profile.load", lambda _: made)


def close_a_case(above):
    above.bed.policy(**RULES)
    one_service(above.bed)
    above.bed.flow()
    (case,) = cases.all_open()
    up_to_replied(above.bed, case.case_id)
    facts(above.bed.order("CALL_BACK", case.case_id, **DESK, verdict="CONFIRMED", text="评价人表示满意"))
    above.bed.flow()
    above.bed.flow()
    return case.case_id


def test_results_of_rectification_are_reported_where_there_is_a_format(above, with_cases, monkeypatch):
    case_id = close_a_case(above)
    with above.listening(cases=True) as server:
        above.seal()
        above.report()
        above.report()
    (result,) = server.results
    assert (result["caseId"], result["result"], result["projectNo"]) == (case_id, "1", event().project_no)
    assert above.receipts()["C ACCEPTED"] == 1


def test_a_result_is_not_reported_again_after_a_run_that_died_before_it_noted_its_place(above, with_cases, monkeypatch):
    close_a_case(above)
    keep = kept.keep

    def die(upstream, progress):
        if progress.feed:
            raise Crash
        keep(upstream, progress)

    with above.listening(cases=True) as server:
        above.seal()
        with monkeypatch.context() as patched:
            patched.setattr(kept, "keep", die)
            with pytest.raises(Crash):
                above.report()
        one_service(above.bed, project_no="33-2")
        above.seal()
        assert above.report() == {"state": "up", "ACCEPTED": 2}
    assert len(server.results) == 1


def test_a_result_that_was_turned_away_is_reported_later(above, with_cases, later):
    close_a_case(above)
    with above.listening(cases=True) as server:
        above.seal()
        server.result_answers = ["办件服务不存在", ""]
        above.report()
        assert above.receipts()["C WAITING:no_event"] == 1
        later(minutes=5)
        above.report()
    assert above.receipts()["C ACCEPTED"] == 1


def test_what_became_of_a_self_built_items_rating_is_not_reported(above, with_cases):
    close_a_case(above)
    with above.listening(cases=True) as server:
        above.seal()
        item = {"zh": "自建事项", "self_built": True}
        registry.add(registry.Record(kind="item", id=event().item_code, valid_from="2020-01-01", value=item))
        registry.forget()
        above.report()
    assert server.results == []
    assert above.receipts() == {}


@pytest.mark.parametrize("further", [{"cases": False}, {"cases": True, "regions": ["330200000000"]}])
def test_results_are_not_reported_unless_wanted_and_of_these_regions(above, with_cases, further):
    close_a_case(above)
    with above.listening(**further):
        above.seal()
        above.report()
    assert "C ACCEPTED" not in above.receipts()


def test_results_are_not_reported_where_no_format_is_known(above):
    close_a_case(above)
    with above.listening(cases=True):
        above.seal()
        assert above.report()["state"] == "up"
    assert set(above.receipts()) == {"E ACCEPTED", "R ACCEPTED"}
