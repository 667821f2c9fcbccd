"""Rankings go by what can be said with confidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.rules import Policy, Rules
from policy.strictness import laxer
from scoring.figures.rankings import NoIndicator, plain, ranking, wilson

POLICY = Policy(version="test")
ANY_NUMBER = Policy(version="test", min_n=1)
POINTS = {"VERY_SATISFIED": 10, "SATISFIED": 8, "BASICALLY_SATISFIED": 6, "DISSATISFIED": 3, "VERY_DISSATISFIED": 0}


def rated(good: int, of: int) -> dict[str, int]:
    return {"VISIT.1.SELF_DEVICE.VERY_SATISFIED": good, "VISIT.1.SELF_ONLINE.DISSATISFIED": of - good}


def order(places) -> list[tuple[str, int | None]]:
    return [(place.id, place.rank) for place in places]


# R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("numerator", "denominator", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(numerator, denominator, low, high):
    assert tuple(round(bound, 4) for bound in wilson(numerator, denominator, 0.95)) == (low, high)


# statsmodels 0.15.0: proportion_confint(numerator, denominator, 1 - confidence, method="wilson").
@pytest.mark.parametrize(
    ("numerator", "denominator", "confidence", "low", "high"),
    [
        (0, 1, 0.9, 0.000000000000, 0.730134051216),
        (0, 10, 0.9, 0.000000000000, 0.212941970083),
        (1, 10, 0.9, 0.022634908731, 0.347718667336),
        (3, 3, 0.9, 0.525804425842, 1.000000000000),
        (5, 10, 0.9, 0.269271821138, 0.730728178862),
        (9, 10, 0.9, 0.652281332664, 0.977365091269),
        (10, 10, 0.9, 0.787058029917, 1.000000000000),
        (95, 100, 0.9, 0.900838914721, 0.975452636574),
        (2990, 3000, 0.9, 0.994432057613, 0.998006247400),
        (13431970, 13461728, 0.9, 0.997768281920, 0.997810391666),
        (0, 1, 0.95, 0.000000000000, 0.793450685623),
        (0, 10, 0.95, 0.000000000000, 0.277532799863),
        (1, 10, 0.95, 0.017876213095, 0.404150026795),
        (3, 3, 0.95, 0.438502968245, 1.000000000000),
        (5, 10, 0.95, 0.236593090513, 0.763406909487),
        (9, 10, 0.95, 0.595849973205, 0.982123786905),
        (10, 10, 0.95, 0.722467200137, 1.000000000000),
        (95, 100, 0.95, 0.888249530768, 0.978456320846),
        (2990, 3000, 0.95, 0.993874644028, 0.998188366238),
        (13431970, 13461728, 0.95, 0.997764206243, 0.997814383336),
        (0, 1, 0.99, 0.000000000000, 0.869022456720),
        (0, 10, 0.99, 0.000000000000, 0.398854093305),
        (1, 10, 0.99, 0.011851503411, 0.507231771233),
        (3, 3, 0.99, 0.311368157255, 1.000000000000),
        (5, 10, 0.99, 0.184225518247, 0.815774481753),
        (9, 10, 0.99, 0.492768228767, 0.988148496589),
        (10, 10, 0.99, 0.601145906695, 1.000000000000),
        (95, 100, 0.99, 0.860849697098, 0.983151683957),
        (2990, 3000, 0.99, 0.992649588759, 0.998491704575),
        (13431970, 13461728, 0.99, 0.997756219173, 0.997822163813),
    ],
)
def test_the_interval_is_that_of_a_statistics_library(numerator, denominator, confidence, low, high):
    assert wilson(numerator, denominator, confidence) == pytest.approx((low, high), abs=1e-11)


@pytest.mark.property
@given(st.integers(1, 10**8).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_the_interval_lies_around_the_share_and_within_nought_and_one(counted, confidence):
    low, high = wilson(*counted, confidence)
    assert 0 <= low <= counted[0] / counted[1] <= high <= 1


def test_three_ratings_do_not_beat_three_thousand():
    places = ranking({"few": rated(3, 3), "many": rated(2990, 3000)}, {}, ANY_NUMBER)
    assert order(places) == [("many", 1), ("few", 2)]
    assert places[1].rate == 1 > places[0].rate


def test_below_the_minimum_a_sibling_has_no_rank_and_stands_last_with_its_counts():
    places = ranking({"none": {}, "few": rated(9, 9), "bad": rated(1, 10)}, {}, POLICY)
    assert order(places) == [("bad", 1), ("few", None), ("none", None)]
    assert places[1].plain() == {
        "id": "few",
        "rank": None,
        "moved": None,
        "numerator": 9,
        "denominator": 9,
        "rate": None,
        "low": None,
        "high": None,
    }


def test_equal_siblings_share_a_rank_and_the_next_place_is_left_free():
    counts = {"a": rated(90, 100), "b": rated(99, 100), "c": rated(90, 100), "d": rated(10, 100)}
    assert order(ranking(counts, {}, POLICY)) == [("b", 1), ("a", 2), ("c", 2), ("d", 4)]


def test_siblings_without_a_single_good_rating_are_level_however_many_they_have():
    assert order(ranking({"a": rated(0, 15), "b": rated(0, 4000), "c": rated(0, 10)}, {}, POLICY)) == [("a", 1), ("b", 1), ("c", 1)]


def test_where_less_is_better_few_ratings_do_not_win_either():
    counts = {"few": rated(10, 10), "many": rated(2990, 3000), "bad": rated(50, 100)}
    places = ranking(counts, {}, POLICY, "bad_rate")
    assert [place.id for place in places] == ["many", "few", "bad"]
    assert [place.numerator for place in places] == [10, 0, 50]


def test_a_place_says_how_far_it_has_moved_since_the_period_before():
    before = {"a": rated(99, 100), "b": rated(90, 100), "c": rated(50, 100), "few": rated(5, 5)}
    now = {"a": rated(60, 100), "b": rated(90, 100), "c": rated(95, 100), "few": rated(99, 100), "new": rated(20, 100)}
    moved = {place.id: place.moved for place in ranking(now, before, POLICY)}
    assert moved == {"few": None, "c": 1, "b": -1, "a": -3, "new": None}


def test_a_mean_is_ranked_by_itself_and_says_that_it_has_no_interval():
    policy = Policy(version="test", points=POINTS)
    places = ranking({"a": rated(50, 100), "b": rated(20, 20)}, {}, policy, "points")
    assert [(place.id, place.rate, place.low, place.high) for place in places] == [("b", 10, None, None), ("a", 6.5, None, None)]
    shown = plain(places, policy, "points")
    assert shown["confidence"] is None
    assert "没有置信区间" in shown["ordered_by"]["zh"]
    assert "no interval" in shown["ordered_by"]["en"]


def test_a_higher_confidence_asks_more_of_the_few():
    counts = {"few": rated(30, 30), "many": rated(899, 1000)}
    assert ranking(counts, {}, Policy(version="test", confidence=0.8))[0].id == "few"
    assert ranking(counts, {}, Policy(version="test", confidence=0.99))[0].id == "many"


def test_a_lower_level_may_ask_for_more_confidence_and_not_for_less():
    assert laxer(Rules(confidence=0.95), Rules(confidence=0.99)) == []
    assert laxer(Rules(confidence=0.95), Rules(confidence=0.9)) == [("confidence", 0.95, 0.9)]


def test_a_ranking_says_what_it_ranks_and_how():
    shown = plain(ranking({"a": rated(90, 100)}, {}, POLICY), POLICY)
    assert (shown["zh"], shown["en"], shown["min_n"], shown["confidence"]) == ("好评率", "good ratings", 10, 0.95)
    assert shown["places"][0]["numerator"] == 90


def test_an_indicator_that_there_is_not_is_named_with_those_that_there_are():
    with pytest.raises(NoIndicator, match=r"no such indicator: best_rate.*good_rate"):
        ranking({}, {"a": {}}, POLICY, "best_rate")
