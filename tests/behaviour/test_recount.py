"""A recount says whether the counts of a day are those of its entries, names every difference, and sets right what it is told to."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from bed import CONTEXT
from cloud import clock
from cloud.table import marshal
from contract.zone import day_of
from decided import granted
from said import bad_rating, event, letter, rating
from scoring import app, recount, scores
from scoring.recount import Difference

PROVINCE = "province#330000000000"
SATISFIED = "VISIT.1.SELF_DEVICE.VERY_SATISFIED"


@pytest.fixture
def counted(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    for n in range(2, 5):
        bed.accept(letter(event(project_no=f"33-{n}")), letter(rating(project_no=f"33-{n}")))
    bed.flow()
    bed.decide(granted(bed))
    bed.flow()
    return bed


def settled() -> datetime:
    """Long enough after now for everything to be settled."""
    return datetime.now(UTC) + timedelta(hours=27)


def day_of_ratings(bed):
    from datetime import date

    return date.fromisoformat(bed.items("LedgerTable", "R#")[0]["day"])


def made(bed, *, correct=False, id="r1", now=None):
    return recount.recount(day_of_ratings(bed), id, correct=correct, now=now or settled())


def alter(bed, key: tuple[str, str], counter: str, amount: int) -> None:
    bed.dynamodb.update_item(
        TableName="ScoresTable",
        Key=marshal({"pk": key[0], "sk": f"{key[1]} 1"}),
        UpdateExpression="ADD #c :n",
        ExpressionAttributeNames={"#c": counter},
        ExpressionAttributeValues=marshal({":n": amount}),
    )


def test_of_what_was_counted_live_nothing_differs(counted):
    found = made(counted)
    day = day_of_ratings(counted).isoformat()
    scored = {(item["pk"], item["sk"].rpartition(" ")[0]) for item in counted.items("ScoresTable") if item["sk"].startswith(day)}
    assert (found.compared, found.young, found.moved, found.differences) == (len(scored), 0, 0, 0)
    assert counted.told("ScoresDiffered") == []


def test_what_is_younger_than_26_hours_is_not_judged(counted):
    alter(counted, (PROVINCE, day_of_ratings(counted).isoformat()), SATISFIED, 1)
    found = made(counted, now=datetime.now(UTC))
    assert (found.compared, found.differences) == (0, 0)
    assert found.young > 0


def test_it_finds_exactly_what_was_altered_and_sets_it_right_once(counted):
    day = day_of_ratings(counted).isoformat()
    (rated,) = [item for item in counted.items("LedgerTable", "R#") if item["level"] == "DISSATISFIED"]
    item = (f"organisation#{rated['organisation']}", f"{day}#{rated['task_code']}")
    alter(counted, (PROVINCE, day), SATISFIED, 2)
    alter(counted, item, "VISIT.1.SELF_DEVICE.DISSATISFIED", 1)
    expected = {
        Difference(node=PROVINCE, at=day, counter=SATISFIED, counted=5, entries=3),
        Difference(node=item[0], at=item[1], counter="VISIT.1.SELF_DEVICE.DISSATISFIED", counted=1, entries=0),
    }
    assert set(made(counted).named) == expected
    assert counted.count(PROVINCE, SATISFIED) == 5  # it was not told to correct anything
    assert made(counted, correct=True, id="r2").corrected == 2
    assert made(counted, correct=True, id="r2").corrected == 0
    assert (made(counted, id="r3").differences, counted.count(PROVINCE, SATISFIED)) == (0, 3)
    assert [each.id for each in recount.reports(day_of_ratings(counted))] == ["r1", "r2", "r2", "r3"]
    counted.flow()
    assert [told["corrected"] for told in counted.told("ScoresDiffered")] == [False, True]


def test_a_lost_item_comes_back_and_one_that_nothing_accounts_for_is_emptied(counted):
    day = day_of_ratings(counted).isoformat()
    (rated, *_) = counted.items("LedgerTable", "R#")
    for slot in range(scores.SLOTS):
        counted.dynamodb.delete_item(TableName="ScoresTable", Key=marshal({"pk": PROVINCE, "sk": f"{day} {slot}"}))
    phantom = (f"organisation#{rated['organisation']}", f"{day}#{rated['organisation']}4330999999999")
    alter(counted, phantom, SATISFIED, 7)
    found = made(counted, correct=True)
    assert {(one.node, one.at) for one in found.named} == {(PROVINCE, day), phantom}
    assert counted.count(PROVINCE, SATISFIED) == 3
    assert made(counted, id="again").differences == 0


def test_a_correction_that_broke_off_is_finished_by_the_same_recount(counted, monkeypatch):
    day = day_of_ratings(counted).isoformat()
    for counter in (SATISFIED, "finished"):
        alter(counted, (PROVINCE, day), counter, 1)
        alter(counted, ("city#330100000000", day), counter, 1)
    with counted.failing("UpdateItem", when=lambda request: b"city#" not in request.body), pytest.raises(Exception, match="UpdateItem"):
        made(counted, correct=True)
    assert made(counted, correct=True).corrected == 1
    assert (counted.count(PROVINCE, SATISFIED), counted.count("city#330100000000", SATISFIED)) == (3, 3)


def test_an_item_that_moves_meanwhile_is_left_for_another_time(counted, monkeypatch):
    (rated, *_) = counted.items("LedgerTable", "R#")
    item = (f"organisation#{rated['organisation']}", f"{rated['day']}#{rated['task_code']}")
    alter(counted, item, SATISFIED, 1)
    whole = recount.segments.of_day

    def meanwhile(of_day):
        yield from whole(of_day)
        counted.dynamodb.update_item(
            TableName="ScoresTable",
            Key=marshal({"pk": item[0], "sk": f"{item[1]} 3"}),
            UpdateExpression="SET q_latecomer = :q",
            ExpressionAttributeValues=marshal({":q": bytes(21)}),
        )

    monkeypatch.setattr(recount.segments, "of_day", meanwhile)
    found = made(counted, correct=True)
    assert (found.moved, found.differences) == (1, 0)
    assert counted.count(f"item#{rated['task_code']}", SATISFIED) == 4


def test_segments_that_were_altered_show_as_differences(counted):
    """A segment is what a recount believes; it says where counts and segments part, and the monthly scan which of the two is the Ledger."""
    (key,) = [
        found["Key"] for found in counted.s3.list_objects_v2(Bucket="segments", Prefix="raw/")["Contents"] if "Ledger" in found["Key"]
    ][:1]
    lines = gzip.decompress(counted.s3.get_object(Bucket="segments", Key=key)["Body"].read()).decode().splitlines()
    held = [json.loads(line) for line in lines]
    (first, *_) = [line for line in held if line["entry"] == "R" and line["facts"]["level"] == "VERY_SATISFIED"]
    first["facts"]["level"] = "SATISFIED"
    body = gzip.compress("".join(json.dumps(line) + "\n" for line in held).encode())
    counted.s3.put_object(Bucket="segments", Key=key, Body=body)
    found = made(counted)
    of_province = {(one.counter, one.counted, one.entries) for one in found.named if one.node == PROVINCE}
    assert of_province == {(SATISFIED, 3, 2), ("VISIT.1.SELF_DEVICE.SATISFIED", 0, 1)}


def test_case_steps_and_decisions_of_other_days_belong_to_the_recount_of_their_day(counted):
    steps = counted.items("CasesTable", "H#")
    assert made(counted).differences == 0
    alter(counted, (PROVINCE, steps[0]["day"]), "case.OPENED", 1)
    differing = recount.recount(datetime.fromisoformat(steps[0]["day"]).date(), "cases", correct=False, now=settled()).named
    assert [(one.counter, one.counted, one.entries) for one in differing] == [("case.OPENED", 2, 1)]


def test_every_night_settled_days_are_recounted_and_a_difference_alarms(counted, later, monkeypatch, capsys):
    day = day_of_ratings(counted)
    alter(counted, (PROVINCE, day.isoformat()), SATISFIED, 1)
    later(days=2)
    monkeypatch.setattr("cloud.clock.wall", lambda: datetime.now(UTC) + timedelta(days=2))
    back = (day_of(clock.now()) - day).days
    assert (app.recount({"days_back": back}, CONTEXT)["day"], app.recount({"days_back": back}, CONTEXT)["differences"]) == (
        day.isoformat(),
        1,
    )
    assert '"ScoresDiffer":[1.0]' in capsys.readouterr().out


def test_what_is_older_comes_in_its_turn(later, monkeypatch):
    asked = []

    def noted(day, id, *, correct, now):
        asked.append((day_of(clock.now()) - day).days)
        assert not correct
        return recount.Recount(id=id, day=day.isoformat(), at=now)

    monkeypatch.setattr(recount, "recount", noted)
    for n in range(90):
        later(days=n)
        app.recount({"days_back": None}, CONTEXT)
    assert sorted(asked) == list(range(10, 100))


def test_what_no_segment_accounts_for_is_found_on_every_node(counted):
    day = day_of_ratings(counted).isoformat()
    for found in counted.s3.list_objects_v2(Bucket="segments", Prefix="raw/")["Contents"]:
        counted.s3.delete_object(Bucket="segments", Key=found["Key"])
    made(counted, correct=True)
    left = [item for item in counted.items("ScoresTable") if item["sk"].startswith(day)]
    assert left
    totals: dict = {}
    for item in left:
        for name, amount in scores.counters_of(item).items():
            totals[item["pk"], item["sk"].rpartition(" ")[0], name] = (
                totals.get((item["pk"], item["sk"].rpartition(" ")[0], name), 0) + amount
            )
    assert set(totals.values()) == {0}


def test_an_item_of_very_many_counters_is_set_right_as_a_whole(counted, monkeypatch):
    monkeypatch.setattr(recount, "MOST_COUNTERS", 3)
    day = day_of_ratings(counted).isoformat()
    for slot in range(scores.SLOTS):
        counted.dynamodb.delete_item(TableName="ScoresTable", Key=marshal({"pk": PROVINCE, "sk": f"{day} {slot}"}))
    assert made(counted, correct=True).corrected == 1
    assert (made(counted, id="again").differences, counted.count(PROVINCE, SATISFIED)) == (0, 3)
