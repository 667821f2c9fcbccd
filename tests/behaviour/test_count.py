"""Scoring counts exactly, whatever the stream does: repeat, re-batch, replay, crash around any write, several shards."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bed import CONTEXT, lambda_record
from cloud.settings import settings
from cloud.stream import NoLane
from contract.codes import Level, Provenance
from crashes import Crash, at_call, die, quiet
from haochaping.measure.modelled import modelled
from said import bad_rating, event, letter, rating
from scoring.app import count
from scoring.nodes import counter_of, nodes_of

if TYPE_CHECKING:
    from haochaping.measure.model import Model

DAYS = ("2026-11-23", "2026-11-24")


def facts(n: int, *, level: Level, organisation: int, day: str) -> dict:
    return {
        "rating_id": f"r_{n}",
        "kind": "VISIT",
        "round": 1,
        "level": level,
        "dict_version": "national-2020-05",
        "provenance": Provenance.SELF_DEVICE,
        "identity_mode": "ANONYMOUS",
        "rating_channel": "HALL_TABLET",
        "received_hour": f"{day}T09:00:00+08:00",
        "day": day,
        "day_of": "occurred_at",
        "policy_version": "default",
        "region_code": "330106000000",
        "organisation": f"org-{organisation}",
        "task_code": "item-1",
        "service_channel": "OFFLINE",
        "handling_type": "INSTANT",
        "applicant_type": "NATURAL_PERSON",
    }


def record(sequence: int, entry: dict, sk: str = "R#01#1") -> dict:
    from cloud.table import marshal

    item = {"pk": f"P#{entry['rating_id']}", "sk": sk, **entry}
    change = {
        "Keys": marshal({"pk": item["pk"], "sk": item["sk"]}),
        "NewImage": marshal(item),
        "SequenceNumber": str(sequence),
        "ApproximateCreationDateTime": 1_790_000_000 + sequence % 1000,
    }
    return lambda_record({"eventID": str(sequence), "eventName": "INSERT", "dynamodb": change}, "LedgerTable")


@pytest.fixture
def model():
    """Scores in the model of a table, behind the real client."""
    with modelled() as running:
        yield running


def counted(model: Model) -> dict[tuple[str, str], dict[str, int]]:
    table = model.tables.get("scores_table", {})
    return {key: {name: int(value["N"]) for name, value in item.items() if "." in name} for key, item in table.items()}


def expected(entries: list[dict]) -> dict[tuple[str, str], dict[str, int]]:
    from contract.ledger import RatingFacts

    totals: dict[tuple[str, str], Counter[str]] = {}
    for entry in map(RatingFacts.model_validate, entries):
        for node in nodes_of(entry):
            totals.setdefault((node, entry.day.isoformat()), Counter())[counter_of(entry)] += 1
    return {key: dict(counts) for key, counts in totals.items()}


entry = st.builds(
    lambda level, organisation, day: SimpleNamespace(level=level, organisation=organisation, day=day),
    st.sampled_from(list(Level)),
    st.integers(1, 2),
    st.sampled_from(DAYS),
)


@st.composite
def deliveries(draw):
    """Two shards of one stream, and how each is handed over: batches that restart anywhere, and crash around any write.

    Within a shard the stream never goes forward past a record that was not counted; that is all it promises.
    """
    shards, plan = {}, []
    for shard in ("shardId-1", "shardId-2"):
        shards[shard] = draw(st.lists(entry, max_size=8))
        length, reached = len(shards[shard]), 0
        while reached < length:
            start = draw(st.integers(0, reached))
            end = draw(st.integers(start + 1, length))
            if draw(st.booleans()):
                plan.append((shard, start, end, (draw(st.sampled_from(["before", "after"])), draw(st.integers(1, 12)))))
            else:
                plan.append((shard, start, end, None))
                reached = max(reached, end)
    # Late zombies: functions that were thought dead write once more, from anywhere.
    for shard, length in ((name, len(held)) for name, held in shards.items() if held):
        for _ in range(draw(st.integers(0, 2))):
            start = draw(st.integers(0, length - 1))
            plan.append((shard, start, draw(st.integers(start + 1, length)), None))
    return shards, plan


@pytest.mark.property
@given(deliveries())
def test_the_counts_are_those_of_the_ledger_whatever_the_stream_does(model, drawn):
    model.tables.pop("scores_table", None)
    shards, plan = drawn
    entries = {
        shard: [facts(f"{shard}-{n}", level=e.level, organisation=e.organisation, day=e.day) for n, e in enumerate(held)]
        for shard, held in shards.items()
    }
    # Sequence numbers of up to 40 digits, and the shards' ranges overlap.
    streams = {shard: [record(10**39 + n * 7, entry) for n, entry in enumerate(held)] for shard, held in entries.items()}
    for shard, start, end, crash in plan:
        deliver(model, shard, streams[shard][start:end], crash)
    assert counted(model) == expected([entry for held in entries.values() for entry in held])


def deliver(model: Model, shard: str, records: list[dict], crash: tuple[str, int] | None) -> None:
    if crash:
        setattr(model, crash[0], at_call(crash[1], die))
    with suppress(Crash):
        count({"Records": records, "shardId": shard}, CONTEXT)
    quiet(model)


def test_a_lane_that_has_come_further_is_not_counted_again_by_an_older_batch(model):
    entries = [record(n, facts(n, level=Level.SATISFIED, organisation=1, day=DAYS[0])) for n in range(1, 5)]
    count({"Records": entries, "shardId": "a"}, CONTEXT)
    count({"Records": entries[:2], "shardId": "a"}, CONTEXT)
    count({"Records": [*entries[2:], record(9, facts(9, level=Level.SATISFIED, organisation=1, day=DAYS[0]))], "shardId": "a"}, CONTEXT)
    assert counted(model)[("organisation#org-1", DAYS[0])] == {"VISIT.1.SELF_DEVICE.SATISFIED": 5}


def test_two_shards_do_not_hide_each_others_records(model):
    one = record(5, facts(1, level=Level.SATISFIED, organisation=1, day=DAYS[0]))
    two = record(5, facts(2, level=Level.SATISFIED, organisation=1, day=DAYS[0]))
    count({"Records": [one], "shardId": "a"}, CONTEXT)
    count({"Records": [two], "shardId": "b"}, CONTEXT)
    assert counted(model)[("organisation#org-1", DAYS[0])] == {"VISIT.1.SELF_DEVICE.SATISFIED": 2}


def test_a_batch_writes_each_item_once(model):
    entries = [record(n, facts(n, level=Level.SATISFIED, organisation=1, day=DAYS[0])) for n in range(1, 101)]
    count({"Records": entries, "shardId": "a"}, CONTEXT)
    assert model.calls["UpdateItem"] == len(counted(model)) == 6


def test_without_a_shard_the_function_refuses_to_run(model):
    with pytest.raises(NoLane):
        count({"Records": [record(1, facts(1, level=Level.SATISFIED, organisation=1, day=DAYS[0]))]}, CONTEXT)


def test_the_final_empty_window_is_answered(model):
    assert count({"Records": [], "isFinalInvokeForWindow": True}, CONTEXT) == {"state": {}}


def test_a_record_that_cannot_be_folded_is_set_aside_by_key_and_the_lane_goes_on(bed):
    bed.accept(letter(event()), letter(rating()))
    good = [found for found in bed.stream("LedgerTable") if found["dynamodb"]["Keys"]["sk"]["S"].startswith("R#")]
    broken = record(1, {"rating_id": "r_broken", "level": "???"})
    count({"Records": [broken, *good], "shardId": "a"}, CONTEXT)
    assert bed.count("province#330000000000") == 1
    (note,) = bed.messages("SetAside")
    assert '"pk": "P#r_broken"' in note["body"]
    assert "???" not in note["body"]


def test_shards_are_lanes_of_their_own_in_the_table_too(bed):
    for n in range(6):
        bed.accept(letter(event(project_no=f"33-{n}")), letter(rating(project_no=f"33-{n}")))
    ratings = [found for found in bed.stream("LedgerTable") if found["dynamodb"]["Keys"]["sk"]["S"].startswith("R#")]
    for shard, records in (("a", ratings[:2]), ("b", ratings[2:5]), ("a", ratings[:2]), ("c", ratings[5:]), ("b", ratings[3:5])):
        count({"Records": records, "shardId": shard}, CONTEXT)
    assert bed.count("province#330000000000") == 6
    (province,) = [item for item in bed.items("ScoresTable") if item["pk"] == "province#330000000000"]
    assert sum(name.startswith("q_") for name in province) == 3


def test_a_rating_counts_on_each_of_its_nodes_and_for_its_day(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    (entry,) = bed.items("LedgerTable", "R#")
    nodes = {item["pk"]: item["sk"] for item in bed.items("ScoresTable")}
    assert set(nodes) == {
        "province#330000000000",
        "city#330100000000",
        "county#330106000000",
        f"organisation#{entry['organisation']}",
        f"item#{entry['task_code']}",
        f"staff#{entry['staff_ref']}",
        "channel#HALL_TABLET",
    }
    assert set(nodes.values()) == {entry["day"]}


def test_a_single_lane_is_refused_away_from_loopback(monkeypatch, model):
    from cloud.settings import NotOnLoopback

    monkeypatch.setenv("SINGLE_LANE", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://dynamodb.cn-north-1.amazonaws.com.cn")
    settings.cache_clear()
    with pytest.raises(NotOnLoopback, match="single_lane"):
        settings()
