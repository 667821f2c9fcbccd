"""Service events are facts: they do not change under a rating, and what is wrong with them is said, not hidden."""

from __future__ import annotations

from datetime import timedelta

import pytest

from said import AT, event, letter, rating

LATE = {"accepted_at": AT - timedelta(days=40), "finished_at": AT, "statutory_limit": {"value": 20, "unit": "DAY"}}


def test_a_service_finished_after_its_limit_without_a_reason_is_taken_and_reported(bed):
    bed.accept(letter(event(**LATE)))
    bed.flow()
    (entry,) = bed.items("LedgerTable", "E#")
    assert entry["flags"] == ["OVERRUN_UNEXPLAINED"]
    (told,) = bed.told("ServiceOverran")
    assert (told["limit"], told["finished_day"], "reason" in told) == ("statutory", AT.date().isoformat(), False)
    assert told["due_day"] == (AT.date() - timedelta(days=20)).isoformat()


def test_its_reason_is_told_without_the_numbers_that_lead_to_a_person(bed):
    bed.accept(letter(event(**LATE, overrun_reason="系统升级，请致电 13800000000 张主任")))
    bed.flow()
    (told,) = bed.told("ServiceOverran")
    assert told["reason"] == "系统升级，请致电 【电话】 张主任"
    assert bed.items("LedgerTable", "E#")[0]["flags"] == ["OVERRUN"]


def test_a_reason_that_comes_later_is_put_beside_the_event_and_told_once(bed):
    bed.accept(letter(event(**LATE), "first"))
    explained = letter(event(**LATE, overrun_reason="系统升级"), "second")
    for _ in range(3):
        bed.accept(explained)
    bed.flow()
    assert {told.get("reason") for told in bed.told("ServiceOverran")} == {None, "系统升级"}
    assert len(bed.told("ServiceOverran")) == 2
    assert len(bed.items("LedgerTable", "E#")) == 1
    assert bed.codes() == []


@pytest.mark.parametrize(
    ("limit", "is_late"),
    [
        ({"promised_limit": {"value": 1, "unit": "HOUR"}}, True),
        ({"promised_limit": {"value": 41, "unit": "DAY"}}, False),
        ({"promised_limit": {"value": 40, "unit": "DAY"}}, False),
        ({"promised_limit": {"value": 39, "unit": "DAY"}}, True),
        ({"promised_limit": {"value": 2, "unit": "MONTH"}}, False),
        ({"promised_limit": {"value": 1, "unit": "MONTH"}}, True),
        ({}, False),
    ],
)
def test_a_limit_ends_with_its_last_day(bed, limit, is_late):
    bed.accept(letter(event(accepted_at=AT - timedelta(days=40), finished_at=AT, **limit)))
    assert bool(bed.items("LedgerTable", "E#")[0]["flags"]) is is_late


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"window": "B02"}, "window"),
        ({"staff_no": "0008"}, "staff_ref"),
        ({"applicant_type": "ENTERPRISE"}, "applicant_type"),
        ({"service_time": AT - timedelta(minutes=5), "promised_limit": {"value": 3, "unit": "DAY"}}, "promised_limit, service_time"),
        ({"status": "ACCEPTED", "region_code": "330102000000"}, "region_code"),
    ],
)
def test_a_contradictory_report_is_kept_and_names_the_facts_that_differ(bed, change, named):
    bed.accept(letter(event(), "first"), letter(event(**change), "second"))
    (kept,) = bed.items("QuarantineTable")
    assert [(reason["code"], reason["field"]) for reason in kept["reasons"]] == [("event_contradicted", named)]
    assert len(bed.items("LedgerTable", "E#")) == 1


def test_another_telephone_of_the_applicant_is_no_contradiction(bed):
    applicant = event().applicant.plain()
    bed.accept(letter(event(applicant=applicant | {"phone": "13800000001"}), "first"))
    bed.accept(letter(event(applicant=applicant | {"phone": "13800000002"}), "second"))
    assert bed.codes() == []
    assert len(bed.items("LedgerTable")) == 1


def test_an_earlier_status_that_comes_later_does_not_take_the_service_back(bed):
    bed.accept(letter(event(), "finished"), letter(event(status="PENDING", accepted_at=None, finished_at=None), "pending"))
    bed.accept(letter(rating()))
    (entry,) = bed.items("LedgerTable", "R#")
    assert entry["window"] == "A01"
    assert bed.codes() == []


def test_an_item_that_is_not_listed_is_marked_and_reported_and_its_rating_counted(bed):
    unlisted = {"item_code": f"{event().organisation}433999900100001", "project_no": "33-unlisted"}
    bed.accept(letter(event(**unlisted)), letter(rating(project_no="33-unlisted")))
    bed.accept(letter(event(**unlisted | {"project_no": "33-unlisted-2"})))
    (entry,) = bed.items("LedgerTable", "R#")
    assert entry["flags"] == ["UNLISTED_ITEM"]
    gaps = [item for item in bed.items("RegistryTable") if item["pk"].startswith("gap#")]
    assert [item["sk"] for item in gaps] == [f"item#{unlisted['item_code']}"]


def test_a_service_of_a_region_that_was_merged_since_is_taken_for_its_own_day(bed):
    from cloud import registry

    closed = {"zh": "西湖区", "en": "Xihu", "closed": {"kind": "MERGE", "successors": ["330102000000"]}}
    registry.add(registry.Record(kind="region", id="330106000000", valid_from=AT.date(), value=closed))
    registry.forget()
    before = AT - timedelta(days=2)
    bed.accept(letter(event(project_no="33-before", service_time=before, accepted_at=before, finished_at=before)), letter(event()))
    assert [item["project_no"] for item in bed.items("LedgerTable")] == ["33-before"]
    assert bed.codes() == ["unknown_region"]
