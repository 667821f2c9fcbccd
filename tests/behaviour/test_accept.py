"""Intake accounts for every message: one rating per service, whatever is repeated, resent or out of order."""

from __future__ import annotations

from said import AT, event, letter, rating


def test_a_rating_of_a_known_service_is_accepted_with_the_facts_of_its_event(bed):
    assert bed.accept(letter(event()), letter(rating())) == []
    (entry,) = bed.items("LedgerTable", "R#")
    assert entry["region_code"] == "330106000000"
    assert entry["window"] == "A01"
    assert entry["day"] == AT.date().isoformat()
    assert entry["policy_version"] == "330000000000@2020-01-01"
