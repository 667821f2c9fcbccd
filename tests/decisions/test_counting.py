"""Lanes, folding, and indicators."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codes import Level, Provenance, RatingKind
from contract.ledger import CountedRating
from facts import rating_facts
from policy.rules import Policy
from scoring.counters import ratings
from scoring.figures.indicators import INDICATORS, ROWS, Rate, figures, levels
from scoring.fold import Delta, Placed, fold
from scoring.lanes import KEPT_SECONDS, Checkpoint, attribute_of, checkpoints, outlived
from scoring.tally import shares
from simulation import Drawing

# ---------------------------------------------------------------- lanes

places = st.builds(Checkpoint, st.integers(0, 10**40 - 1), st.integers(0, 2**32 - 1))


@given(places)
def test_a_checkpoint_survives_packing(checkpoint):
    assert len(checkpoint.packed()) == 21
    assert Checkpoint.unpack(checkpoint.packed()) == checkpoint


@given(places, places)
def test_packed_checkpoints_sort_like_their_sequence_numbers(one, other):
    if one.sequence != other.sequence:
        assert (one.packed() < other.packed()) == (one.sequence < other.sequence)


def test_lanes_have_attributes_of_their_own():
    names = {attribute_of(lane) for lane in ("LedgerTable/shardId-1", "LedgerTable/shardId-2", "CasesTable/shardId-1")}
    assert len(names) == 3
    assert all(len(name) == 12 and name.startswith("q_") for name in names)


@given(st.dictionaries(st.sampled_from(["q_one", "q_two", "q_three"]), places), st.integers(0, 2**32 - 1))
def test_a_checkpoint_may_go_by_its_age_alone(held, now):
    item = {name: place.packed() for name, place in held.items()} | {"pk": "province#330000000000", "finished": 7}
    old = {name for name, place in held.items() if now - place.created > 48 * 3600}
    assert outlived(item, now).keys() == old
    assert checkpoints(item).keys() == held.keys()


def test_a_checkpoint_stays_longer_than_any_zombie_can_come():
    # A stream keeps a record for a day, and a function that stands still does so for a quarter of an hour.
    assert KEPT_SECONDS > (24 + 0.25) * 3600
    assert outlived({"q_one": Checkpoint(1, 1_000_000).packed()}, 1_000_000 + 24.25 * 3600) == {}


# ---------------------------------------------------------------- folding


def placed(n: int, **changes: Any) -> Placed:
    return Placed(Checkpoint(n, n), CountedRating(**dict(rating_facts(**changes))))


@st.composite
def batches(draw):
    """Entries of every kind in the order of their lane."""
    entries = [written.entry for written in Drawing(Random(draw(st.integers(0, 10**9)))).entries()]
    places = sorted(draw(st.sets(st.integers(0, 10**40 - 1), min_size=len(entries), max_size=len(entries))))
    return [Placed(Checkpoint(sequence, n), entry) for n, (sequence, entry) in enumerate(zip(places, entries, strict=True))]


def totals(deltas: list[Delta]) -> dict[Any, dict[str, int]]:
    return {delta.key: dict(delta.counts) for delta in deltas}


def test_a_copy_within_a_batch_is_counted_once():
    one, two = placed(1), placed(2)
    for delta in fold([one, two, one, two]):
        assert delta.counts["VISIT.1.SELF_DEVICE.DISSATISFIED"] == 2
        assert (delta.first, delta.last) == (one.place, two.place)


def test_each_item_has_the_places_of_its_own_records():
    elsewhere = {"region_code": "330203000000", "organisation": "other"}
    batch = [placed(n, **({} if n % 2 else elsewhere)) for n in range(1, 6)]
    found = {delta.key.pk: (delta.first.sequence, delta.last.sequence) for delta in fold(batch)}
    assert found["organisation#other"] == (2, 4)
    assert found["organisation#11330106MB0000004R"] == (1, 5)
    assert found["province#330000000000"] == (1, 5)


@pytest.mark.property
@given(batches())
def test_a_fold_is_what_all_records_add_with_the_places_of_those_that_touch_the_item(batch):
    wanted: dict[Any, Counter[str]] = {}
    touched: dict[Any, list[Checkpoint]] = {}
    for place, entry in batch:
        for share in shares(entry):
            wanted.setdefault(share.key, Counter())[share.counter] += share.amount
            touched.setdefault(share.key, []).append(place)
    deltas = fold(batch)
    assert totals(deltas) == wanted
    assert {delta.key: (delta.first, delta.last) for delta in deltas} == {key: (held[0], held[-1]) for key, held in touched.items()}


@pytest.mark.property
@given(batches(), st.data())
def test_copies_within_a_batch_change_nothing(batch, data):
    repeated = [one for one in batch for _ in range(data.draw(st.integers(1, 2)))]
    start = data.draw(st.integers(0, len(batch) - 1))
    assert fold([*repeated, *batch[start:]]) == fold(batch)


@pytest.mark.property
@given(batches(), st.data())
def test_after_a_checkpoint_the_rest_is_what_the_later_records_add(batch, data):
    seen = data.draw(st.sampled_from(batch)).place
    rest = [left for delta in fold(batch) if (left := delta.after(seen))]
    assert totals(rest) == totals(fold(one for one in batch if one.place.sequence > seen.sequence))


@pytest.mark.property
@given(batches(), st.data())
def test_it_does_not_matter_where_batches_are_cut(batch, data):
    cuts = sorted({0, len(batch), *data.draw(st.lists(st.integers(0, len(batch)), max_size=3))})
    together: dict[Any, Counter[str]] = {}
    for start, end in pairwise(cuts):
        for key, counts in totals(fold(batch[start:end])).items():
            together.setdefault(key, Counter()).update(counts)
    assert together == totals(fold(batch))


# ---------------------------------------------------------------- indicators

OURS = Policy(version="test")
GUANGXI = Policy(version="test", points=dict(zip(Level, (10, 8, 6, 3, 0), strict=True)))
WITH_ASSISTED = Policy(version="test", valid_provenances=frozenset({Provenance.SELF_DEVICE, Provenance.HOTLINE_CALLBACK}))
STRICT = Policy(version="test", good_levels=frozenset({Level.VERY_SATISFIED, Level.SATISFIED}))

# A month of a county, made by hand.
COUNTS = {
    "VISIT.1.SELF_DEVICE.VERY_SATISFIED": 60,
    "MATTER.1.SELF_ONLINE.SATISFIED": 20,
    "MATTER.1.SELF_ONLINE.BASICALLY_SATISFIED": 10,
    "VISIT.1.SELF_DEVICE.DISSATISFIED": 6,
    "VISIT.1.SELF_DEVICE.VERY_DISSATISFIED": 4,
    "VISIT.1.HOTLINE_CALLBACK.SATISFIED": 300,
    "VISIT.1.HOTLINE_CALLBACK.DISSATISFIED": 30,
    "VISIT.1.PAPER_ENTERED.VERY_SATISFIED": 200,
    "MATTER.1.IMPORTED.VERY_SATISFIED": 5000,
    "MATTER.1.IMPORTED.VERY_DISSATISFIED": 500,
    "VISIT.1.DEFAULT.VERY_SATISFIED": 9000,
    "VISIT.2.SELF_DEVICE.VERY_SATISFIED": 7,
    "VISIT.2.SELF_DEVICE.DISSATISFIED": 3,
    "GENERAL.1.SELF_ONLINE.VERY_DISSATISFIED": 70,
    "SUPERVISION.1.HOTLINE_CALLBACK.SATISFIED": 40,
    "excluded.MALICIOUS.VISIT.1.SELF_DEVICE.VERY_DISSATISFIED": 5,
    "excluded_decided.MALICIOUS": 2,
    "object.PLATFORM.VERY_DISSATISFIED": 70,
    "tag.213": 3,
    "tag.209": 1,
    "tag.209.CONFIRMED": 2,
    "bad.REAL_NAME": 4,
    "flag.OVERRUN": 12,
    "flag.OVERRUN_UNEXPLAINED": 8,
    "flag.UNLISTED_ITEM": 8,
    "unlisted.SELF_ONLINE": 5,
    "unlisted.IMPORTED": 3,
    "finished": 400,
    "rated.SELF_DEVICE": 70,
    "rated.SELF_ONLINE": 30,
    "rated.HOTLINE_CALLBACK": 50,
    "rated.IMPORTED": 10,
    "case.OPENED": 10,
    "case.CONTACT_DUE": 10,
    "case.CONTACTED_IN_TIME": 9,
    "case.REPLIED": 9,
    "case.REPLY_DUE": 8,
    "case.REPLIED_IN_TIME": 6,
    "case.CALLBACK_DUE": 4,
    "case.CALLED_BACK": 3,
    "case.UNREACHED": 1,
    "case.TO_RECTIFY": 7,
    "case.RECTIFIED": 5,
    "case.REACHED_AFTER_RECTIFYING": 4,
    "case.SATISFIED_AT_CALLBACK": 2,
    "case.RECTIFY_DUE": 7,
    "case.RECTIFIED_IN_TIME": 4,
    "case.RECTIFIED_WITHIN_EXTENSION": 2,
    "case.APPEAL_FILED": 6,
    "case.APPEAL_DECIDED": 5,
    "case.APPEAL_GRANTED": 2,
}

RATES = {
    "good_rate": Rate(90, 100),
    "active_good_rate": Rate(90, 100),
    "bad_rate": Rate(10, 100),
    "follow_up_good_rate": Rate(7, 10),
    "points": Rate(60 * 10 + 20 * 8 + 10 * 6 + 6 * 3, 100),
    "unrated_rate": Rate(400 - 160, 400),
    "participation_rate": Rate(100, 400),
    "appeal_rate": Rate(2, 5),
    "contact_rate": Rate(9, 10),
    "reply_rate": Rate(6, 8),
    "callback_rate": Rate(3, 4),
    "rectification_rate": Rate(5, 7),
    "rectification_satisfaction_rate": Rate(2, 4),
    "on_time_rate": Rate(4, 7),
    "on_time_or_extended_rate": Rate(6, 7),
    "within_limit_rate": Rate(380, 400),
    "explained_overrun_rate": Rate(12, 20),
    "listed_rate": Rate(95, 100),
}


@pytest.mark.parametrize("name", list(INDICATORS))
def test_an_indicator_has_its_numerator_and_its_denominator(name):
    assert INDICATORS[name].of(COUNTS, GUANGXI) == RATES[name]


@pytest.mark.parametrize("name", list(INDICATORS))
def test_where_nothing_happened_an_indicator_is_of_nothing_and_is_not_shown(name):
    rate = INDICATORS[name].of({}, GUANGXI)
    assert rate == Rate(0, 0)
    assert rate.shown(0) is rate.shown(1) is None


@pytest.mark.parametrize("provenance", [held for held in Provenance if held not in ROWS["own"]])
@pytest.mark.parametrize("level", list(Level))
def test_what_nobody_gave_or_a_clerk_entered_or_another_system_holds_moves_no_rate_of_ratings(provenance, level):
    more = Counter(COUNTS) + Counter({f"VISIT.1.{provenance}.{level}": 100_000})
    for name in ("good_rate", "active_good_rate", "bad_rate", "points", "listed_rate"):
        assert INDICATORS[name].of(more, GUANGXI) == RATES[name]


@pytest.mark.parametrize("kind", [RatingKind.GENERAL, RatingKind.SUPERVISION])
def test_ratings_that_are_bound_to_no_service_move_no_rate_of_services(kind):
    more = Counter(COUNTS) + Counter({f"{kind}.1.SELF_ONLINE.VERY_SATISFIED": 100_000})
    assert {name: held.of(more, GUANGXI) for name, held in INDICATORS.items()} == RATES


def test_excluded_ratings_and_follow_ups_move_no_rate_of_first_ratings():
    more = {"excluded.MISTAKE.VISIT.1.SELF_DEVICE.VERY_SATISFIED": 500, "VISIT.2.SELF_DEVICE.VERY_SATISFIED": 1000}
    for name in ("good_rate", "active_good_rate", "bad_rate", "points"):
        assert INDICATORS[name].of(COUNTS | more, GUANGXI) == RATES[name]


def test_what_is_good_and_what_is_valid_is_for_the_policy_to_say():
    assert INDICATORS["good_rate"].of(COUNTS, STRICT) == Rate(80, 100)
    assert INDICATORS["good_rate"].of(COUNTS, WITH_ASSISTED) == Rate(60 + 300, 70 + 330)
    # The raters' own word stays what it is, whatever an operator calls valid.
    assert INDICATORS["active_good_rate"].of(COUNTS, WITH_ASSISTED) == RATES["active_good_rate"]


def test_without_a_table_of_points_there_are_none():
    assert INDICATORS["points"].of(COUNTS, OURS) == Rate(0, 0)


def test_no_rate_is_negative_while_a_rating_has_come_before_its_service():
    early = {"rated.SELF_DEVICE": 5, "finished": 3, "flag.OVERRUN": 4, "unlisted.SELF_DEVICE": 2, "VISIT.1.SELF_DEVICE.SATISFIED": 1}
    for name in ("unrated_rate", "within_limit_rate", "listed_rate"):
        assert INDICATORS[name].of(early, OURS).numerator == 0


def test_below_the_minimum_no_share_is_shown():
    assert Rate(9, 9).shown(10) is None
    assert Rate(9, 10).shown(10) == 0.9
    assert Rate(0, 0).shown(0) is None


def test_figures_of_two_counties_are_pooled_and_not_averaged():
    large = {"VISIT.1.SELF_DEVICE.SATISFIED": 900, "VISIT.1.SELF_DEVICE.DISSATISFIED": 100}
    small = {"VISIT.1.SELF_DEVICE.DISSATISFIED": 10}
    good = INDICATORS["good_rate"]
    shares = [good.of(counts, OURS).shown(1) for counts in (large, small)]
    assert shares == [0.9, 0.0]
    pooled = good.of(Counter(large) + Counter(small), OURS)
    assert pooled == Rate(900, 1010)
    # The average of the two would be 45 %: ten ratings would weigh as much as a thousand.
    assert pooled.shown(1) == pytest.approx(0.891, abs=0.001)


@given(st.lists(st.dictionaries(st.sampled_from(sorted(COUNTS)), st.integers(1, 1000)), min_size=2, max_size=4))
def test_shares_of_parts_add_up_to_those_of_the_whole(parts):
    whole = sum((Counter(part) for part in parts), Counter())
    for name in ("good_rate", "bad_rate", "points", "participation_rate", "reply_rate", "on_time_or_extended_rate", "appeal_rate"):
        rates = [INDICATORS[name].of(part, GUANGXI) for part in parts]
        assert INDICATORS[name].of(whole, GUANGXI) == Rate(*(sum(column) for column in zip(*rates, strict=True)))


# ---------------------------------------------------------------- figures


def test_whose_word_a_rating_is_decides_in_which_row_it_stands():
    rows = {row: {level.value: n for level, n in levels(COUNTS, row).items() if n} for row in ROWS}
    assert rows == {
        "own": {"VERY_SATISFIED": 60, "SATISFIED": 20, "BASICALLY_SATISFIED": 10, "DISSATISFIED": 6, "VERY_DISSATISFIED": 4},
        "assisted": {"VERY_SATISFIED": 200, "SATISFIED": 300, "DISSATISFIED": 30},
        "imported": {"VERY_SATISFIED": 5000, "VERY_DISSATISFIED": 500},
        "default": {"VERY_SATISFIED": 9000},
    }


def test_every_provenance_stands_in_one_row():
    assert sorted(provenance for row in ROWS.values() for provenance in row) == sorted(Provenance)


def test_a_node_is_shown_with_everything_that_stands_beside_its_rates():
    shown = figures(COUNTS, GUANGXI)
    assert shown["follow_ups"] == {"VERY_SATISFIED": 7, "DISSATISFIED": 3}
    assert shown["general"] == {"VERY_DISSATISFIED": 70}
    assert shown["supervisory"] == {"SATISFIED": 40}
    assert shown["excluded"] == {"MALICIOUS": 5}
    assert shown["decided"] == {"MALICIOUS": 2}
    assert shown["objects"] == {"PLATFORM": {"VERY_DISSATISFIED": 70}}
    assert shown["tags"] == {"213": 3, "209": 3}
    assert shown["flags"] == {"OVERRUN": 12, "OVERRUN_UNEXPLAINED": 8, "UNLISTED_ITEM": 8}
    assert (shown["finished"], shown["rated"]["IMPORTED"], shown["cases"]["UNREACHED"]) == (400, 10, 1)
    assert shown["indicators"]["good_rate"] == {"numerator": 90, "denominator": 100, "rate": 0.9}
    assert shown["indicators"]["reply_rate"] == {"numerator": 6, "denominator": 8, "rate": None}


def test_rows_of_ratings_are_read_apart_from_everything_else():
    rows = list(ratings(COUNTS | {"staff.v1:one.VISIT.1.SELF_DEVICE.SATISFIED": 9, "MATTER.1.SELF_ONLINE.SATISFIED": 0}))
    assert sum(row.amount for row in rows if row.excluded is None) == 60 + 10 + 6 + 4 + 300 + 30 + 200 + 5500 + 9000 + 10 + 70 + 40
    (excluded,) = [row for row in rows if row.excluded]
    assert (excluded.excluded, excluded.level, excluded.round, excluded.amount) == ("MALICIOUS", Level.VERY_DISSATISFIED, 1, 5)


@pytest.mark.parametrize("name", list(INDICATORS))
def test_an_indicator_says_where_it_comes_from(name):
    said = INDICATORS[name].of.__doc__ or ""
    assert any(word in said for word in ("our definition", "Our definition", "formula ours", "the rest is ours", "Guangdong", "吉安")), said
    assert INDICATORS[name].zh in said


def test_a_delta_that_is_too_large_for_one_update_is_cut_between_records_and_loses_nothing():
    batch = [Placed(Checkpoint(n, 0), rating_facts_with_tags(n)) for n in range(1, 301)]
    (delta,) = [held for held in fold(batch) if held.key.pk.startswith("organisation#")]
    portions = list(delta.portions())
    assert len(delta.counts) > 300
    assert all(len(portion.counts) <= 200 for portion in portions)
    assert [step for portion in portions for step in portion.steps] == list(delta.steps)
    assert all(one.last.sequence < other.first.sequence for one, other in pairwise(portions))


def rating_facts_with_tags(n: int) -> CountedRating:
    """Three hundred ratings with a set of tags each."""
    tags = tuple(sorted({f"5{n % 10}{n // 10 % 10}", f"4{n // 100}{n % 7}"}))
    return CountedRating.model_validate(rating_facts(level="SATISFIED", tags=tags).plain() | {"delay": "LATER", "hour": 9})
