"""Nothing is parked for ever: the event admits a rating, or policy says what becomes of it."""

from __future__ import annotations

import pytest

from bed import ago
from intake import door, receipts
from intake.places import key_of
from said import bad_rating, event, letter, rating

ALONE = letter(bad_rating(project_no="33-alone"), "alone")


def standing(message):
    return receipts.standing(door.keys().receipt(key_of(message, "hall-devices")), door.keys())


def test_before_its_time_is_over_a_parked_rating_goes_on_waiting(bed, later):
    bed.accept(ALONE)
    later(days=3)
    assert bed.sweep()["released"] == 0
    assert standing(bad_rating(project_no="33-alone")).outcome == "parked"


def test_after_its_time_it_is_refused_kept_with_its_original_and_told(bed, later):
    bed.accept(ALONE)
    later(days=5)
    assert bed.sweep()["released"] == 1
    assert bed.items("WaitingTable") == []
    (kept,) = bed.items("QuarantineTable")
    assert kept["reasons"][0]["code"] == "event_not_found"
    assert kept["reasons"][0]["zh"] == "没有对应的服务数据"
    assert door.keys().open(kept["original"]) == ALONE.body
    bed.flow()
    assert bed.told("MessagesRefused")[0]["codes"] == {"event_not_found": 1}


def test_where_policy_accepts_it_unlinked_it_counts_for_the_province_and_for_no_unit(bed, later):
    bed.policy(parked_policy="ACCEPT_UNLINKED")
    bed.accept(ALONE)
    later(days=5)
    bed.sweep()
    (entry,) = bed.items("LedgerTable", "R#")
    assert (entry["flags"], "organisation" in entry) == (["UNLINKED"], False)
    bed.flow()
    assert bed.count("province#330000000000") == 1
    assert bed.count(f"organisation#{event().organisation}") == 0
    assert len(bed.items("CasesTable", "STATE")) == 1
    assert bed.codes() == []


def test_an_event_that_comes_after_that_changes_nothing(bed, later):
    bed.policy(parked_policy="ACCEPT_UNLINKED")
    bed.accept(ALONE)
    later(days=5)
    bed.sweep()
    bed.accept(letter(event(project_no="33-alone")), letter(bad_rating(project_no="33-alone"), "again"))
    assert len(bed.items("LedgerTable", "R#")) == 1
    assert bed.codes() == []


def test_the_sweep_looks_for_the_event_once_more(bed, later):
    """An event that was put while the rating was parked, by a function that stopped before it admitted it."""
    bed.accept(ALONE)
    (held,) = bed.items("WaitingTable")
    bed.accept(letter(event(project_no="33-alone")))
    bed.accept(letter(event(project_no="33-other")))
    from cloud.table import put

    put("WaitingTable", held)
    later(days=5)
    bed.sweep()
    assert bed.items("WaitingTable") == []
    assert len(bed.items("LedgerTable", "R#")) == 1
    assert bed.codes() == []


def test_one_that_cannot_be_dealt_with_holds_up_nobody(bed, later, capsys):
    from cloud.table import put

    bed.accept(letter(rating(project_no="33-fine"), "fine"), sent_at=ago(hours=1), signed_at=ago(hours=1))
    (held,) = bed.items("WaitingTable")
    put("WaitingTable", held | {"sk": "01#1#broken", "received_at": "?", "due_at": "2026-01-01T00:00:00Z"})
    later(days=5)
    assert bed.sweep()["released"] == 1
    assert [item["sk"] for item in bed.items("WaitingTable")] == ["01#1#broken"]
    assert "SweepFailed" in capsys.readouterr().out


def test_a_message_of_a_party_whose_secret_is_gone_holds_up_neither_the_sweep_nor_its_event(bed, later):
    bed.party("gone", ["330000000000"], profile="national")
    national = letter(
        rating(project_no="33-gone", rating_channel="MOBILE", provenance="SELF_ONLINE", kind="MATTER", rater=None),
        "g",
        party="gone",
        profile="national",
    )
    bed.accept(national, letter(rating(project_no="33-gone"), "honest"))
    assert len(bed.items("WaitingTable")) == 2
    bed.secrets.delete_secret(SecretId="test/party/gone", ForceDeleteWithoutRecovery=True)
    from cloud import secrets

    secrets.forget()
    assert bed.accept(letter(event(project_no="33-gone"))) == []
    assert len(bed.items("LedgerTable", "R#")) == 1
    later(days=5)
    bed.sweep()
    assert bed.items("WaitingTable") == []


def test_who_speaks_for_a_part_of_the_province_fills_no_place_without_its_event(bed, later):
    bed.policy(parked_policy="ACCEPT_UNLINKED")
    bed.party("wenzhou", ["330300000000"])
    bed.accept(letter(bad_rating(project_no="33-alone"), "foreign", party="wenzhou"))
    later(days=5)
    bed.sweep()
    assert bed.codes() == ["event_not_found"]
    bed.accept(letter(event(project_no="33-alone")), letter(rating(project_no="33-alone"), "honest"))
    assert len(bed.items("LedgerTable", "R#")) == 1


@pytest.mark.parametrize(("follow_ups", "code"), [(0, "follow_up_not_allowed"), (1, None)])
def test_a_follow_up_is_taken_as_often_as_policy_says(bed, follow_ups, code):
    from decided import replied

    bed.policy(follow_up_ratings=follow_ups)
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    bed.decide(replied(bed))
    bed.accept(letter(rating(round=2), "round-2"))
    assert bed.codes() == ([code] if code else [])
