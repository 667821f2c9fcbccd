"""Lanes, folding and rates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contract.codes import Level
from facts import rating_facts
from scoring.fold import Counted, fold
from scoring.indicators import Rate, bad_rate, by_level, good_rate, rows
from scoring.lanes import Checkpoint, attribute_of

checkpoints = st.builds(Checkpoint, st.integers(0, 10**40 - 1), st.integers(0, 2**32 - 1))


@given(checkpoints)
def test_a_checkpoint_survives_packing(checkpoint):
    assert len(checkpoint.packed()) == 21
    assert Checkpoint.unpack(checkpoint.packed()) == checkpoint


@given(checkpoints, checkpoints)
def test_packed_checkpoints_sort_like_their_sequence_numbers(one, other):
    if one.sequence != other.sequence:
        assert (one.packed() < other.packed()) == (one.sequence < other.sequence)


def test_lanes_have_attributes_of_their_own():
    names = {attribute_of(lane) for lane in ("LedgerTable/shardId-1", "LedgerTable/shardId-2", "CasesTable/shardId-1")}
    assert len(names) == 3
    assert all(len(name) == 12 and name.startswith("q_") for name in names)


def test_a_copy_within_a_batch_is_counted_once():
    one, two = Counted(Checkpoint(1, 0), rating_facts(rating_id="r_1")), Counted(Checkpoint(2, 0), rating_facts(rating_id="r_2"))
    for delta in fold([one, two, one, two]):
        assert delta.counts.total() == 2
        assert (delta.first, delta.last) == (one.place, two.place)


def test_each_item_has_the_places_of_its_own_records():
    elsewhere = rating_facts(region_code="330203000000", organisation="other")
    batch = [Counted(Checkpoint(n, 0), rating_facts() if n % 2 else elsewhere) for n in range(1, 6)]
    places = {delta.key.pk: (delta.first.sequence, delta.last.sequence) for delta in fold(batch)}
    assert places["organisation#other"] == (2, 4)
    assert places["organisation#11330106MB0000004R"] == (1, 5)
    assert places["province#330000000000"] == (1, 5)


COUNTS = {
    "VISIT.1.SELF_DEVICE.VERY_SATISFIED": 90,
    "MATTER.1.SELF_ONLINE.BASICALLY_SATISFIED": 5,
    "VISIT.1.SELF_DEVICE.VERY_DISSATISFIED": 5,
    "VISIT.1.DEFAULT.VERY_SATISFIED": 1000,
    "VISIT.2.SELF_DEVICE.VERY_SATISFIED": 7,
}


def test_neither_default_ratings_nor_follow_ups_are_in_a_rate():
    good = [level for level in Level if not level.is_bad]
    assert good_rate(rows(COUNTS), good) == Rate(95, 100)
    assert bad_rate(rows(COUNTS)) == Rate(5, 100)
    assert by_level(rows(COUNTS))[Level.VERY_SATISFIED] == 90


def test_below_the_minimum_no_share_is_shown():
    assert Rate(9, 9).shown(10) is None
    assert Rate(9, 10).shown(10) == 0.9
    assert Rate(0, 0).shown(0) is None
