"""The benchmark's arithmetic, where it is exact: sizes, units, batches, and that what is worked out is what the handler takes."""

from __future__ import annotations

import base64
from collections import Counter
from datetime import date
from itertools import pairwise

import pytest

from cloud.clients import dynamodb
from haochaping.measure import growth, others, ours
from haochaping.measure.drawn import MOST_BYTES, MOST_RECORDS, Drawn, cut, is_rating
from haochaping.measure.history import History
from haochaping.measure.model import on_wire, size_of
from haochaping.measure.modelled import modelled
from haochaping.measure.sizes import worked_out
from haochaping.measure.traffic import DAY, Traffic, share_between
from haochaping.measure.windows import moments
from scoring.app import count

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
