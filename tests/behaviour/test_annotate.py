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


def test_what_was_noted_reaches_the_segments_and_no_count(bad):
    before = bad.count("province#330000000000")
    bad.decide(granted(bad))
    bad.flow()
    assert '"entry": "X"' in bad.segments()
    assert bad.count("province#330000000000") == before
