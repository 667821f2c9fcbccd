"""What rectify decides stands beside the rating, once, whatever comes twice or in another order; the rater's receipt says it."""

from __future__ import annotations

import pytest

from decided import granted, overturned, replied
from intake import door, receipts
from intake.places import key_of
from said import bad_rating, event, general, letter, rating


@pytest.fixture
def bad(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    return bed


def standing(message=None):
    key = key_of(message or bad_rating(), "hall-devices")
    return receipts.standing(door.keys().receipt(key), door.keys())


def marks(bed, kind: str) -> list[str]:
    return [item["sk"] for item in bed.items("LedgerTable", f"{kind}#")]


def test_a_reply_opens_the_follow_up_and_shows_in_the_receipt(bad):
    assert standing().answered_day is None
    for _ in range(2):
        assert bad.decide(replied(bad), replied(bad, "ev_second_reply")) == []
    assert marks(bad, "A") == ["A#01#1"]
    assert standing().answered_day is not None
    bad.accept(letter(rating(round=2), "round-2"))
    assert bad.codes() == []
    assert len(bad.items("LedgerTable", "R#")) == 2


def test_an_exclusion_and_its_restoration_carry_the_ratings_dimensions_and_day(bad):
    assert bad.decide(granted(bad), granted(bad)) == []
    (excluded,) = bad.items("LedgerTable", "X#")
    (rated,) = bad.items("LedgerTable", "R#")
    for name in ("rating_id", "organisation", "level", "kind", "provenance", "day", "rating_channel"):
        assert excluded[name] == rated[name]
    assert (standing().exclusions[0].excluded, standing().exclusions[0].reason) == (True, "MISTAKE")
    assert bad.decide(overturned(bad)) == []
    assert marks(bad, "X") == ["X#01#1#1", "X#01#1#2"]
    assert [turn.excluded for turn in standing().exclusions] == [True, False]


def test_the_order_in_which_decisions_come_does_not_matter(bad):
    assert bad.decide(overturned(bad)) == []
    assert bad.decide(granted(bad)) == []
    assert marks(bad, "X") == ["X#01#1#1", "X#01#1#2"]


def test_two_decisions_of_one_turn_are_not_both_taken(bad):
    assert bad.decide(granted(bad)) == []
    assert len(bad.decide(granted(bad, "ev_other"))) == 1
    assert len(bad.items("LedgerTable", "X#")) == 1


def test_a_rating_that_is_bound_to_no_service_event_is_annotated_likewise(bed):
    bed.accept(letter(general()))
    bed.flow()
    assert bed.decide(replied(bed), granted(bed)) == []
    assert marks(bed, "A") == ["A#hall-devices/box-0001"]
    assert marks(bed, "X") == ["X#hall-devices/box-0001#1"]
    assert standing(general()).exclusions[0].excluded


PROVINCE, RATED = "province#330000000000", "VISIT.1.SELF_DEVICE.DISSATISFIED"
EXCLUDED = f"excluded.MISTAKE.{RATED}"


def test_an_exclusion_reaches_the_segments_and_the_counts_of_the_ratings_day(bad):
    (rated,) = bad.items("LedgerTable", "R#")
    own = [PROVINCE, f"item#{rated['task_code']}", f"staff#{rated['organisation']}#{rated['staff_ref']}"]
    assert [bad.count(node, RATED) for node in own] == [1, 1, 1]
    bad.decide(granted(bad))
    bad.flow()
    assert '"entry": "X"' in bad.segments()
    assert [(bad.count(node, RATED), bad.count(node, EXCLUDED)) for node in own] == [(0, 1)] * 3
    assert bad.count(PROVINCE, "excluded_decided.MISTAKE") == 1
    assert bad.count(PROVINCE, "tag.213") == 0


def test_one_that_counts_again_is_as_if_it_had_never_been_excluded(bad):
    for decision in (granted(bad), overturned(bad)):
        bad.decide(decision)
        bad.flow()
    assert (bad.count(PROVINCE, RATED), bad.count(PROVINCE, EXCLUDED), bad.count(PROVINCE, "tag.213")) == (1, 0, 1)
    assert bad.count(PROVINCE, "restored_decided.MISTAKE") == 1
