"""The benchmark's arithmetic, where it is exact: sizes, units, batches, and that what is worked out is what the handler takes."""

from __future__ import annotations

import base64
import math
from collections import Counter
from datetime import date
from itertools import pairwise

import pytest

from cloud.clients import dynamodb
from haochaping.measure import casework, delivery, growth, others, ours, reporting
from haochaping.measure.drawn import MOST_BYTES, MOST_RECORDS, Drawn, cut, is_rating
from haochaping.measure.history import History
from haochaping.measure.model import INDEXES, Index, on_wire, size_of
from haochaping.measure.modelled import modelled
from haochaping.measure.sizes import worked_out
from haochaping.measure.traffic import DAY, Traffic, share_between
from haochaping.measure.windows import moments
from haochaping.stack import variable_of
from scoring.app import count
from template_file import resources

NOON = 12 * 3600.0


@pytest.fixture
def model():
    with modelled() as running:
        yield running


@pytest.fixture(scope="module")
def history():
    """What a province of 200,000 ratings a day holds."""
    return History(Traffic(200_000, date(2026, 11, 24)), pool=200)


@pytest.fixture(scope="module")
def drawn(history):
    """Twenty seconds at noon."""
    return Drawn(history, NOON, 20)


def spent(model, act):
    before = model.write_units
    act()
    return model.write_units - before


# ---------------------------------------------------------------- sizes and units


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("abc", 3),
        ("好评", 6),
        (7, 2),
        (1234, 3),
        (12345, 4),
        (bytes(21), 21),
        (bytes(20), 20),
        (bytes(19), 19),
        (True, 1),
        (["ab", "c"], 3 + 2 + 3),
        ({"k": "ab"}, 3 + 1 + 1 + 2),
    ],
)
def test_a_value_is_as_long_as_dynamodb_says(value, size):
    assert size_of(on_wire({"name": value})) == 4 + size


def test_a_binary_goes_over_the_wire_as_base64():
    assert on_wire({"q": b"\x00\x01\x02"}) == {"q": {"B": base64.b64encode(b"\x00\x01\x02").decode()}}


@pytest.mark.parametrize(("length", "units"), [(1, 1), (1024 - 7, 1), (1024 - 6, 2), (3000, 3)])
def test_a_put_takes_a_unit_for_each_kilobyte_begun(model, length, units):
    # pk and sk with their values, and the name of the text, are seven bytes.
    item = on_wire({"pk": "P", "sk": "S", "t": "x" * length})
    assert spent(model, lambda: dynamodb().put_item(TableName="ledger_table", Item=item)) == units


def test_an_update_is_measured_by_the_larger_of_the_two_images(model):
    key = on_wire({"pk": "n", "sk": "d"})
    model.tables["scores_table"] = {("n", "d"): key | on_wire({"t": "x" * 2000, "n": 1})}
    change = {"UpdateExpression": "REMOVE #t", "ExpressionAttributeNames": {"#t": "t"}}
    assert spent(model, lambda: dynamodb().update_item(TableName="scores_table", Key=key, **change)) == 2
    assert spent(model, lambda: dynamodb().update_item(TableName="scores_table", Key=key, **change)) == 1


def test_a_transaction_takes_twice_as_much(model, drawn):
    item, entry = drawn.written[0].item, drawn.entries[0]
    ways = {}
    for name, made in others.WAYS.items():
        model.tables["scores_table"], model.tables["ledger_table"] = {}, {}
        ways[name] = spent(model, lambda made=made: made()(item, entry))
    naive, idempotent, transaction = ways.values()
    assert transaction == 2 * naive
    assert idempotent == naive + 2


def test_a_transaction_takes_effect_as_a_whole_or_not_at_all(model):
    taken, free = on_wire({"pk": "P", "sk": "taken"}), on_wire({"pk": "P", "sk": "free"})
    put(TableName="ledger_table", Item=taken)
    parts = [
        {"Put": {"TableName": "ledger_table", "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}} for item in (free, taken)
    ]
    with pytest.raises(dynamodb().exceptions.TransactionCanceledException) as cancelled:
        dynamodb().transact_write_items(TransactItems=parts)
    assert [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert set(model.tables["ledger_table"]) == {("P", "taken")}
    with pytest.raises(dynamodb().exceptions.ClientError):  # two writes of one item
        dynamodb().transact_write_items(TransactItems=[parts[0], parts[0]])
    assert dynamodb().transact_write_items(TransactItems=parts[:1])
    assert [item["sk"]["S"] for table, item in model.inserted if table == "ledger_table"] == ["taken", "free"]


# ---------------------------------------------------------------- indexes


def put(**request):
    dynamodb().put_item(**request)


def case_head(**said):
    return {"TableName": "cases_table", "Item": on_wire({"pk": "c_1", "sk": "STATE"} | said)}


def listed(index, of, **options):
    """The pages of what an index holds under a key."""
    request = {"TableName": "cases_table", "IndexName": index, "KeyConditionExpression": "#of = :of", **options}
    names = {"ExpressionAttributeNames": {"#of": index}, "ExpressionAttributeValues": on_wire({":of": of})}
    return [page["Items"] for page in dynamodb().get_paginator("query").paginate(**request, **names)]


def test_the_models_indexes_are_those_of_the_template():
    found = {}
    for name, table in resources("AWS::DynamoDB::Table").items():
        for index in table["Properties"].get("GlobalSecondaryIndexes", []):
            keys = [key["AttributeName"] for key in index["KeySchema"]]
            projection = index["Projection"]
            held = None if projection["ProjectionType"] == "ALL" else tuple(projection.get("NonKeyAttributes", ()))
            found.setdefault(variable_of(name).lower(), {})[index["IndexName"]] = Index(*keys, held)
    assert found == INDEXES


def test_an_index_holds_what_has_its_keys_and_shows_what_is_projected(model):
    put(**case_head(watch="OPEN", watch_at="33#2026", summary="s", case="all of it", unit="U"))
    assert listed("watch", "OPEN") == [[on_wire({"watch": "OPEN", "watch_at": "33#2026", "pk": "c_1", "sk": "STATE", "summary": "s"})]]
    assert listed("unit", "U") == [[]]
    put(**case_head(summary="s"))
    assert listed("watch", "OPEN") == [[]]


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        ({}, {"watch": "OPEN", "watch_at": "1"}, 1),
        ({"watch": "OPEN", "watch_at": "1"}, {}, 1),
        ({"watch": "OPEN", "watch_at": "1"}, {"watch": "OPEN", "watch_at": "2"}, 2),
        ({"watch": "OPEN", "watch_at": "1", "case": "a"}, {"watch": "OPEN", "watch_at": "1", "case": "b"}, 0),
        ({"watch": "OPEN", "watch_at": "1", "summary": "a"}, {"watch": "OPEN", "watch_at": "1", "summary": "b" * 1024}, 2),
        (
            {"watch": "OPEN", "watch_at": "1", "unit": "U", "unit_at": "1"},
            {"watch": "OPEN", "watch_at": "2", "unit": "U", "unit_at": "2"},
            4,
        ),
    ],
)
def test_an_index_costs_a_write_where_it_changes_and_two_where_an_item_moves(model, before, after, units):
    put(**case_head(**before))
    in_indexes, own = model.index_units, math.ceil(size_of(case_head(**after)["Item"]) / 1024)
    assert spent(model, lambda: put(**case_head(**after))) == own + units
    assert model.index_units - in_indexes == units


def test_a_write_that_is_refused_costs_nothing_in_the_indexes(model):
    def again():
        with pytest.raises(dynamodb().exceptions.ConditionalCheckFailedException):
            put(**case_head(watch="OPEN", watch_at="2"), ConditionExpression="attribute_not_exists(pk)")

    put(**case_head(watch="OPEN", watch_at="1"))
    assert spent(model, again) == 1


def test_a_list_is_read_in_order_page_by_page(model):
    for number in (3, 1, 2):
        put(TableName="cases_table", Item=on_wire({"pk": f"c_{number}", "sk": "STATE", "watch": "OPEN", "watch_at": f"{number}"}))
    pages = listed("watch", "OPEN", Limit=2)
    assert [[item["pk"]["S"] for item in page] for page in pages] == [["c_1", "c_2"], ["c_3"]]
    long = {"summary": "s" * 600_000}
    for number in (1, 2, 3):
        item = on_wire({"pk": f"c_{number}", "sk": "STATE", "watch": "OPEN", "watch_at": f"{number}"} | long)
        put(TableName="cases_table", Item=item)
    assert [len(page) for page in listed("watch", "OPEN")] == [2, 1]  # an answer ends behind a megabyte


# ---------------------------------------------------------------- what a case takes


def test_a_sweep_costs_the_same_however_many_cases_are_open():
    few, many = (casework.sweep(open_cases) for open_cases in (100, 10_000))
    assert few[1:4] == many[1:4]
    assert few.messages == 3 * casework.DUE


def test_a_command_takes_one_read_and_one_write_and_a_repeated_one_the_read_alone():
    calls = {one.name.partition(" ")[2]: one.calls for one in casework.commands(2)}
    assert {calls[kind.action] for kind in (*casework.PUT_RIGHT, *casework.APPEALED[3:])} == {2}
    assert (calls["opened"], calls["refused"], calls["the same once more"]) == (2, 2, 1)


# ---------------------------------------------------------------- a day and its windows


def test_a_batch_ends_at_ten_thousand_records_or_before_six_megabytes():
    assert [part.stop - part.start for part in cut([1] * 25_000)] == [MOST_RECORDS, MOST_RECORDS, 5_000]
    assert [part.stop - part.start for part in cut([MOST_BYTES // 2] * 5)] == [2, 2, 1]
    assert [part.stop - part.start for part in cut([MOST_BYTES // 2 + 1] * 3)] == [1, 1, 1]
    assert list(cut([])) == []


def test_batches_leave_nothing_out_and_keep_the_order_of_their_lane():
    parts = list(cut([MOST_BYTES // 7] * 1000))
    assert parts[0].start == 0
    assert parts[-1].stop == 1000
    assert all(one.stop == other.start for one, other in pairwise(parts))


def test_an_entry_is_in_one_lane_and_its_rating_in_the_same(drawn):
    for lanes in (1, 4, 16):
        members = [n for batch in drawn.batches(lanes) for n in batch.members]
        assert sorted(members) == list(range(len(drawn.written)))
        lane_of = {}
        for batch in drawn.batches(lanes):
            for n in batch.members:
                assert lane_of.setdefault(drawn.written[n].item["pk"], batch.lane) == batch.lane


def test_the_moments_stand_for_the_whole_day():
    for number in (1, 2, 5):
        assert sum(moment.weight for moment in moments(number)) == pytest.approx(1)
        assert sum(moment.weight for moment in moments(number) if moment.in_office_hours) == pytest.approx(0.9)
    assert share_between(0, DAY) == share_between(-DAY, 0) == pytest.approx(1)


def test_the_traffic_is_the_same_when_it_is_asked_again():
    one, other = (Traffic(200_000, date(2026, 11, 24)).window(NOON, 10) for _ in range(2))
    assert [entry.item for entry in one] == [entry.item for entry in other]
    assert all(NOON <= entry.second < NOON + 10 for entry in one)
    assert {is_rating(entry) for entry in one} == {True, False}


def test_every_organisation_has_its_share():
    organisations = Traffic(200_000, date(2026, 11, 24)).organisations
    assert len({organisation.uscc for organisation in organisations}) == 5000
    assert sum(organisation.share for organisation in organisations) == pytest.approx(1)
    assert sum(organisations[3].item_share(item) for item in range(organisations[3].items)) == pytest.approx(1)


# ---------------------------------------------------------------- what counting takes


@pytest.mark.parametrize("lanes", [1, 3])
def test_what_is_worked_out_is_what_the_handler_writes(model, drawn, lanes):
    before = {(key.pk, key.sk): on_wire(key._asdict() | item) for key, item in drawn.table(lanes).items()}
    model.tables["scores_table"] = before
    writes = []
    model.wrote = writes.append
    for batch in drawn.batches(lanes):
        count(drawn.event(batch), ours.CONTEXT)
    assert sorted(writes) == sorted(worked_out(drawn, lanes))


def test_every_way_comes_to_the_same_counts(model, history):
    drawn, found = Drawn(history, NOON, 3), []
    for made in (*others.WAYS.values(), None):
        model.tables["scores_table"], model.tables["ledger_table"] = {}, {}
        if made is None:
            for batch in drawn.batches(2):
                count(drawn.event(batch), ours.CONTEXT)
        else:
            take = made()
            for one, entry in zip(drawn.written, drawn.entries, strict=True):
                take(one.item, entry)
        found.append(_counted(model, slotted=made is None))
    assert found[0] == found[1] == found[2] == found[3]
    assert found[0]


def test_a_rating_costs_the_same_whatever_came_before_it():
    few, many = (growth.measure(history, 20) for history in (1_000, 30_000))
    assert (few.cost.calls, few.cost.write_units, few.cost.read_units) == (many.cost.calls, many.cost.write_units, many.cost.read_units)


def _counted(model, *, slotted: bool) -> dict[tuple[str, str], Counter[str]]:
    found: dict[tuple[str, str], Counter[str]] = {}
    for (pk, sk), item in model.tables["scores_table"].items():
        amounts = {name: int(value["N"]) for name, value in item.items() if "N" in value}
        found.setdefault((pk, sk.rpartition(" ")[0] if slotted else sk), Counter()).update(amounts)
    return found


# ---------------------------------------------------------------- what an event takes on its way out


def test_an_event_goes_into_the_feed_with_many_others_by_one_transaction_and_to_a_subscriber_by_one_write():
    spent = {one.name.partition(" ")[2]: one for one in delivery.measure(80)}
    assert spent["into the feed, 40 a batch"].calls < spent["into the feed, 1 a batch"].calls / 5
    assert spent["for each subscriber"].writes == 0
    assert (spent["delivered"].calls, spent["delivered"].write_units) == (2, 1)


def test_a_rating_is_reported_in_batches_and_not_by_single_calls():
    together, alone = reporting.measure(200)
    assert (together.asked, together.posted) == (0.01, 0.01)
    assert together.calls < 0.2
    assert together.write_units < 1.1
    assert alone.posted > 90 * together.posted
