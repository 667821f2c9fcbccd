"""Scoring counts exactly, whatever the stream does: repeat, re-batch, replay, crash around any write, several shards.

`test_simulated_counts.py` does the same at large, from seeds; here a failing case shrinks, and each rule has its example.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bed import CONTEXT, lambda_record
from cloud.settings import settings
from cloud.stream import NoLane
from contract.codes import Level, Provenance
from contract.ledger import counted as entry_of
from crashes import Crash, at_call, die, quiet
from haochaping.measure.modelled import modelled
from said import bad_rating, event, letter, rating
from scoring import scores
from scoring.app import count
from scoring.lanes import attribute_of
from scoring.nodes import Node
from scoring.period import Period
from scoring.tally import shares
from simulation import simulated

if TYPE_CHECKING:
    from haochaping.measure.model import Model

DAYS = ("2026-11-23", "2026-11-24")
NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
PROVINCE = ("province#330000000000", DAYS[0])
ORGANISATION = ("organisation#org-1", f"{DAYS[0]}#item-1")
SATISFIED = "VISIT.1.SELF_DEVICE.SATISFIED"
VIA = "via.OFFLINE.HALL_TABLET"


def facts(n: int | str, *, level: Level = Level.SATISFIED, organisation: int = 1, day: str = DAYS[0], **further) -> dict:
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
        **further,
    }


def record(sequence: int, entry: dict, sk: str = "R#01#1", table: str = "LedgerTable", created: datetime = NOW) -> dict:
    from cloud.table import marshal

    item = {"pk": f"P#{entry.get('rating_id')}", "sk": sk, **entry}
    change = {
        "Keys": marshal({"pk": item["pk"], "sk": item["sk"]}),
        "NewImage": marshal(item),
        "SequenceNumber": str(sequence),
        "ApproximateCreationDateTime": created,
    }
    return lambda_record({"eventID": str(sequence), "eventName": "INSERT", "dynamodb": change}, table)


def hand_over(*records: dict, shard: str = "a") -> None:
    count({"Records": list(records), "shardId": shard}, CONTEXT)


@pytest.fixture
def day(monkeypatch):
    """A fixed day."""
    monkeypatch.setattr("cloud.clock.wall", lambda: NOW)


@pytest.fixture
def model(day):
    """Scores in the model of a table, behind the real client."""
    with modelled() as running:
        yield running


@pytest.fixture
def quick_model(day):
    """The same in half the time."""
    with simulated() as running:
        yield running


def stored(model: Model) -> dict[tuple[str, str], dict[str, dict]]:
    """Every item, its slots put together."""
    found: dict[tuple[str, str], dict[str, dict]] = {}
    for (pk, sk), item in model.tables.get("scores_table", {}).items():
        whole = found.setdefault((pk, sk.rpartition(" ")[0]), {})
        for name, value in item.items():
            whole[name] = {"N": str(int(whole.get(name, {"N": "0"})["N"]) + int(value["N"]))} if "N" in value else value
    return found


def counted(model: Model) -> dict[tuple[str, str], dict[str, int]]:
    return {key: {name: int(value["N"]) for name, value in item.items() if "N" in value} for key, item in stored(model).items()}


def beside(shard: str, name: str) -> str:
    """A shard of this name whose lane writes into the same slot as the other's."""
    slot = scores.slot_of(f"LedgerTable/{shard}")
    return next(found for n in range(99) if scores.slot_of(f"LedgerTable/{(found := f'{name}-{n}')}") == slot)


def lanes_in(model: Model, key: tuple[str, str]) -> set[str]:
    return {name for name in stored(model)[key] if name.startswith("q_")}


def expected(entries: list[dict]) -> dict[tuple[str, str], dict[str, int]]:
    totals: dict[tuple[str, str], Counter[str]] = {}
    for entry in entries:
        for share in shares(entry_of("R#01#1", entry)):
            totals.setdefault(tuple(share.key), Counter())[share.counter] += share.amount
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
def test_the_counts_are_those_of_the_ledger_whatever_the_stream_does(quick_model, drawn):
    model = quick_model
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
        hand_over(*records, shard=shard)
    quiet(model)


# ---------------------------------------------------------------- lanes


def test_a_lane_that_has_come_further_is_not_counted_again_by_an_older_batch(model):
    entries = [record(n, facts(n)) for n in range(1, 5)]
    hand_over(*entries)
    hand_over(*entries[:2])
    hand_over(*entries[2:], record(9, facts(9)))
    assert counted(model)[ORGANISATION] == {SATISFIED: 5, VIA: 5}


def test_two_shards_do_not_hide_each_others_records(model):
    hand_over(record(5, facts(1)), shard="a")
    hand_over(record(5, facts(2)), shard="b")
    assert counted(model)[ORGANISATION] == {SATISFIED: 2, VIA: 2}


def test_shards_of_the_same_name_in_two_streams_do_not_hide_each_others_records(model):
    step = {"rating": facts(1), "measures": ["OPENED"], "day": DAYS[0]}
    hand_over(record(5, facts(1)))
    hand_over(record(4, step, "H#000001", "CasesTable"))
    assert counted(model)[ORGANISATION] == {SATISFIED: 1, VIA: 1, "case.OPENED": 1}


def test_entries_that_come_to_nothing_are_counted_once_too(model):
    turns = [facts(1, turn=turn, reason="MISTAKE", decided_day=DAYS[1]) for turn in (1, 2)]
    excluded, restored = (record(n, turn, f"X#01#1#{n}") for n, turn in enumerate(turns, start=1))
    hand_over(excluded, restored)
    hand_over(excluded)
    assert not any(counted(model)[PROVINCE].values())
    assert counted(model)["province#330000000000", DAYS[1]] == {"excluded_decided.MISTAKE": 1, "restored_decided.MISTAKE": 1}


def test_a_batch_writes_each_item_once(model):
    hand_over(*(record(n, facts(n)) for n in range(1, 101)))
    assert model.calls["UpdateItem"] == len(counted(model)) == 6


def test_a_write_that_fails_stops_none_of_the_others_and_the_batch_comes_again(model):
    model.before = at_call(2, die)
    with pytest.raises(Crash):
        hand_over(record(1, facts(1)))
    assert len(counted(model)) == 5
    quiet(model)
    hand_over(record(1, facts(1)))
    assert counted(model) == expected([facts(1)])


# ---------------------------------------------------------------- checkpoints grow old


def test_the_checkpoint_of_a_shard_that_is_long_gone_is_dropped_from_an_item_that_is_touched(model, monkeypatch):
    dozing, new = beside("gone", "quiet"), beside("gone", "new")
    hand_over(record(1, facts(1)), shard="gone")
    hand_over(record(1, facts(2), created=NOW + timedelta(hours=12)), shard=dozing)
    monkeypatch.setattr("cloud.clock.wall", lambda: NOW + timedelta(hours=49))
    hand_over(record(1, facts(3, organisation=2), created=NOW + timedelta(hours=49)), shard=new)
    assert lanes_in(model, PROVINCE) == {attribute_of(f"LedgerTable/{dozing}"), attribute_of(f"LedgerTable/{new}")}
    # Nothing has come to this item since.
    assert lanes_in(model, ORGANISATION) == {attribute_of("LedgerTable/gone"), attribute_of(f"LedgerTable/{dozing}")}
    assert counted(model)[PROVINCE] == {SATISFIED: 3}


def test_a_checkpoint_stays_while_its_records_may_come_again_though_its_shard_has_split(model, monkeypatch):
    parents = [record(1, facts(1))]
    hand_over(*parents, shard="parent")
    monkeypatch.setattr("cloud.clock.wall", lambda: NOW + timedelta(hours=24))
    hand_over(record(2, facts(2), created=NOW + timedelta(hours=24)), shard=beside("parent", "child"))
    hand_over(*parents, shard="parent")
    assert counted(model)[PROVINCE] == {SATISFIED: 2}


def test_a_checkpoint_that_moves_while_it_is_being_dropped_stays(model, monkeypatch):
    hand_over(record(1, facts(1)), shard="quiet")
    later = NOW + timedelta(hours=50)
    monkeypatch.setattr("cloud.clock.wall", lambda: later)
    awake = record(2, facts(2), created=later)

    def wake() -> None:
        quiet(model)
        hand_over(awake, shard="quiet")

    # The first call counts, and sees the old checkpoint; the second one would drop it.
    model.before = at_call(2, wake)
    hand_over(
        record(1, {"region_code": "330000000000", "status": "FINISHED", "day": DAYS[0]}, "E#01#3", created=later),
        shard=beside("quiet", "new"),
    )
    hand_over(awake, shard="quiet")
    assert counted(model)[PROVINCE] == {SATISFIED: 2, "finished": 1}


# ---------------------------------------------------------------- what comes in


def test_without_a_shard_the_function_refuses_to_run(model):
    with pytest.raises(NoLane):
        count({"Records": [record(1, facts(1))]}, CONTEXT)


def test_the_final_empty_window_is_answered(model):
    assert count({"Records": [], "isFinalInvokeForWindow": True}, CONTEXT) == {"state": {}}


def test_what_is_not_counted_leaves_no_trace(model):
    hand_over(record(1, {"day": DAYS[0]}, "A#01#1"))
    assert counted(model) == {}


def test_a_record_that_cannot_be_folded_is_set_aside_by_key_and_the_lane_goes_on(bed):
    bed.accept(letter(event()), letter(rating()))
    good = [found for found in bed.stream("LedgerTable") if found["dynamodb"]["Keys"]["sk"]["S"].startswith("R#")]
    hand_over(record(1, {"rating_id": "r_broken", "level": "???"}), *good)
    assert bed.count("province#330000000000") == 1
    (note,) = bed.messages("SetAside")
    assert '"pk": "P#r_broken"' in note["body"]
    assert "???" not in note["body"]


def test_an_entry_that_was_changed_is_set_aside_and_not_counted(bed):
    hand_over(record(1, facts(1)) | {"eventName": "MODIFY"})
    assert bed.items("ScoresTable") == []
    (note,) = bed.messages("SetAside")
    assert '"reason": "Altered"' in note["body"]


def test_shards_are_lanes_of_their_own_in_the_table_too(bed):
    for n in range(6):
        bed.accept(letter(event(project_no=f"33-{n}")), letter(rating(project_no=f"33-{n}")))
    ratings = [found for found in bed.stream("LedgerTable") if found["dynamodb"]["Keys"]["sk"]["S"].startswith("R#")]
    for shard, records in (("a", ratings[:2]), ("b", ratings[2:5]), ("a", ratings[:2]), ("c", ratings[5:]), ("b", ratings[3:5])):
        hand_over(*records, shard=shard)
    assert bed.count("province#330000000000") == 6
    province = [item for item in bed.items("ScoresTable") if item["pk"] == "province#330000000000"]
    # On the day of the ratings itself; the day of their services may be another one.
    of_day = Counter(item["sk"][:10] for item in province for name in item if name.startswith("q_"))
    assert max(of_day.values()) == 3


def test_a_lane_writes_into_one_slot_and_many_lanes_into_all_so_that_none_holds_the_checkpoints_of_all(model):
    shards = [f"shardId-{n}" for n in range(64)]
    for _ in range(2):
        for n, shard in enumerate(shards):
            hand_over(record(1, facts(n)), shard=shard)
    held = [
        len([name for name in item if name.startswith("q_")]) for key, item in model.tables["scores_table"].items() if key[0] == PROVINCE[0]
    ]
    assert (len(held), sum(held)) == (scores.SLOTS, 64)
    assert max(held) < 32
    assert counted(model)[PROVINCE] == {SATISFIED: 64}


# ---------------------------------------------------------------- what a rating touches, and how it is read


def test_a_rating_counts_on_each_of_its_nodes_and_for_its_day(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    (entry,) = bed.items("LedgerTable", "R#")
    organisation, item, day = entry["organisation"], entry["task_code"], entry["day"]
    touched = [found for found in bed.items("ScoresTable") if "VISIT.1.SELF_DEVICE.DISSATISFIED" in found]
    assert {(found["pk"], found["sk"].rpartition(" ")[0]) for found in touched} == {
        ("province#330000000000", day),
        ("city#330100000000", day),
        ("county#330106000000", day),
        (f"base#{item[19:31]}", day),
        ("channel#HALL_TABLET", day),
        ("service_channel#OFFLINE", day),
        (f"organisation#{organisation}", f"{day}#{item}"),
        (f"desks#{organisation}", f"{day}#A01"),
    }
    nodes = (f"organisation#{organisation}", f"item#{item}", f"window#{organisation}#A01", f"staff#{organisation}#{entry['staff_ref']}")
    assert [scores.ratings_in(scores.counts(Node.of(node), Period.of(day))) for node in nodes] == [1, 1, 1, 1]


def test_a_period_is_read_from_its_first_day_to_its_last(model):
    for n, day in enumerate(("2026-10-31", "2026-11-01", "2026-11-30", "2026-12-01")):
        hand_over(record(n, facts(n, day=day, window="A01", staff_ref="v1:one")))
    november = Period.of("2026-11")
    for node in ("province#330000000000", "organisation#org-1", "item#org-1#item-1", "window#org-1#A01", "staff#org-1#v1:one"):
        assert scores.counts(Node.of(node), november)[SATISFIED] == 2, node
    days = scores.by_day(Node.of("organisation#org-1"), november)
    assert [day for day, held in days.items() if held] == [date(2026, 11, 1), date(2026, 11, 30)]


def test_the_figure_of_an_organisation_is_the_sum_of_its_items(model):
    hand_over(*(record(n, facts(n, task_code=code)) for n, code in enumerate(("item-1", "item-1", "item-2", None))))
    month = Period.of("2026-11")
    parts = {part: scores.ratings_in(held) for part, held in scores.parts("organisation#org-1", month).items()}
    assert parts == {"item-1": 2, "item-2": 1, "-": 1}
    assert scores.ratings_in(scores.counts(Node.of("organisation#org-1"), month)) == 4


def test_a_member_of_staff_is_counted_at_every_window_where_they_sat(model):
    desks = (("A01", "v1:one"), ("A02", "v1:one"), ("A02", "v1:two"), (None, "v1:two"))
    hand_over(*(record(n, facts(n, window=window, staff_ref=staff)) for n, (window, staff) in enumerate(desks)))
    held = scores.staff("org-1", Period.of("2026-11"))
    assert {staff: scores.ratings_in(counts) for staff, counts in held.items()} == {"v1:one": 2, "v1:two": 2}
    assert scores.ratings_in(scores.counts(Node.of("window#org-1#A02"), Period.of("2026-11-23"))) == 2


def test_a_single_lane_is_refused_away_from_loopback(monkeypatch, model):
    from cloud.settings import NotOnLoopback

    monkeypatch.setenv("SINGLE_LANE", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://dynamodb.cn-north-1.amazonaws.com.cn")
    settings.cache_clear()
    with pytest.raises(NotOnLoopback, match="single_lane"):
        settings()


def test_a_batch_of_very_many_counters_is_written_in_updates_that_dynamodb_takes(model):
    tags = [f"5{n // 10 % 10}{n % 10}+4{n // 100}{n % 10}".split("+") for n in range(400)]
    entries = [record(n, facts(n, tags=tags[n], delay="LATER", hour=9)) for n in range(400)]
    count({"Records": entries, "shardId": "a"}, CONTEXT)
    count({"Records": entries[150:], "shardId": "a"}, CONTEXT)
    updates = [json.loads(body) for name, body in model.sent if name == "UpdateItem"]
    assert max(len(update["UpdateExpression"].encode()) for update in updates) < 4096
    assert max(len(update["ExpressionAttributeNames"]) for update in updates) < 300
    item = counted(model)[ORGANISATION]
    assert item[SATISFIED] == 400
    assert sum(held for name, held in item.items() if name.startswith("set.")) == 400


def test_a_window_whose_name_begins_like_anothers_is_read_by_itself(model):
    shards = [beside_none(n) for n in range(scores.SLOTS)]
    for n, (window, shard) in enumerate((("A", shards[0]), ("A#1", shards[1]), ("A", shards[3]))):
        hand_over(record(n + 1, facts(n, window=window)), shard=shard)
    found = scores.parts("desks#org-1", Period.of("2026-11"))
    assert {window: counts[SATISFIED] for window, counts in found.items()} == {"A": 2, "A#1": 1}
    assert len(list(scores.items_of("desks#org-1", Period.of("2026-11")))) == 2
    assert scores.counts(Node.of("window#org-1#A"), Period.of("2026-11"))[SATISFIED] == 2


def beside_none(slot: int) -> str:
    """A shard whose lane writes into this slot."""
    return next(shard for n in range(99) if scores.slot_of(f"LedgerTable/{(shard := f'shard-{n}')}") == slot)


def test_an_item_that_cannot_grow_any_more_is_set_aside_by_its_key_and_the_lane_goes_on(bed):
    from botocore.exceptions import ClientError

    from cloud.clients import dynamodb

    def refuse(params, **_):
        if params["Key"]["pk"]["S"].startswith("desks#"):
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "Item size"}}, "UpdateItem")

    bed.accept(letter(event()), letter(rating()))
    with bed.hooked(dynamodb(), "provide-client-params.dynamodb.UpdateItem", refuse):
        hand_over(*[found for found in bed.stream("LedgerTable") if found["dynamodb"]["Keys"]["sk"]["S"].startswith("R#")])
    assert bed.count("province#330000000000") == 1
    (note,) = bed.messages("SetAside")
    assert '"pk": "desks#' in note["body"]
