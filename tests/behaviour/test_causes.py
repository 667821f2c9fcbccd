"""What the recorded facts say of a rating's reasons: told with the rating, counted, and never in the way of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bed import ALWAYS
from cloud import registry
from contract.catalogue import Item
from contract.codes import Delay, TagCheck
from intake import causes, signs
from intake.entries import EventEntry
from said import AT, ORGANISATION, bad_rating, event, letter, rating
from scoring import scores
from scoring.nodes import Node

WEEK_AGO = AT - timedelta(days=7)
IN_TIME = {"accepted_at": AT, "promised_limit": {"value": 5, "unit": "WORKDAY"}, "statutory_limit": {"value": 20, "unit": "WORKDAY"}}
LATE = {"accepted_at": WEEK_AGO, "service_time": WEEK_AGO, "promised_limit": {"value": 1, "unit": "WORKDAY"}}
BEYOND_LAW = LATE | {"statutory_limit": {"value": 2, "unit": "WORKDAY"}}
GUIDE = {
    "zh": "食品经营许可",
    "item_type": "LICENCE",
    "handling_type": "INSTANT",
    "accepting_unit": "窗口",
    "channels": ["ONLINE", "OFFLINE"],
    "conditions": "有固定场所",
    "materials": ["申请书", "身份证件"],
    "procedure": ["受理", "审查", "决定"],
    "visits": 1,
    "fee": "不收费",
    "rating_channels": ["QR"],
    "legal_basis": "食品安全法",
}


def guided(bed) -> None:
    registry.add(registry.Record(kind="item", id=event().item_code[:31], valid_from="2020-01-01", value=GUIDE))
    registry.forget()


@pytest.mark.parametrize(
    ("facts", "tag", "found"),
    [
        (IN_TIME, "209", "NOT_CONFIRMED"),
        (LATE, "209", "CONFIRMED"),
        ({}, "209", None),
        (BEYOND_LAW, "110", "CONFIRMED"),
        (BEYOND_LAW | {"overrun_reason": "系统升级"}, "110", "NOT_CONFIRMED"),
        (LATE, "110", None),
        (IN_TIME, "110", "NOT_CONFIRMED"),
        ({"materials": ["申请书", "户口簿"]}, "109", "CONFIRMED"),
        ({"materials": ["申 请书"]}, "109", "NOT_CONFIRMED"),
        ({}, "109", None),
        ({}, "208", "NOT_CONFIRMED"),
        ({"visits": 2}, "114", "CONFIRMED"),
        ({"visits": 1}, "114", "NOT_CONFIRMED"),
        ({}, "211", "CONFIRMED"),
        ({"service_channel": "ONLINE"}, "211", "NOT_CONFIRMED"),
        (IN_TIME, "213", None),
    ],
)
def test_a_reason_is_checked_against_what_is_recorded(bed, facts, tag, found):
    guided(bed)
    level = "DISSATISFIED" if tag[0] == "2" else "VERY_DISSATISFIED"
    bed.accept(letter(event(**facts)), letter(bad_rating(tags=[tag], level=level)))
    assert bed.codes() == []
    (entry,) = bed.items("LedgerTable", "R#")
    assert (entry.get("checked") or {}).get(tag) == found
    bed.flow()
    (told,) = bed.told("BadRatingAccepted")
    assert (told["rating"].get("checked") or {}).get(tag) == found
    counts = scores.counts(Node.of(f"item#{entry['task_code']}"), ALWAYS)
    assert counts[f"tag.{tag}.{found}" if found else f"tag.{tag}"] == 1


def test_a_guide_that_is_none_stands_in_no_ratings_way(bed):
    registry.add(registry.Record(kind="item", id=event().item_code[:31], valid_from="2020-01-01", value={"zh": "旧记录"}))
    registry.forget()
    bed.accept(letter(event(visits=9)), letter(bad_rating(tags=["114"], level="VERY_DISSATISFIED")))
    assert len(bed.items("LedgerTable", "R#")) == 1


def test_without_a_guide_only_the_limits_can_be_asked(bed):
    bed.accept(letter(event(visits=9, materials=["户口簿"])), letter(bad_rating(tags=["208", "211"])))
    (entry,) = bed.items("LedgerTable", "R#")
    assert "checked" not in entry


def test_the_guide_of_the_day_of_acceptance_is_asked(bed):
    guided(bed)
    later = GUIDE | {"visits": 5}
    registry.add(registry.Record(kind="item", id=event().item_code[:31], valid_from=AT.date() + timedelta(days=1), value=later))
    bed.accept(letter(event(visits=2)), letter(bad_rating(tags=["114"], level="VERY_DISSATISFIED")))
    assert bed.items("LedgerTable", "R#")[0]["checked"] == {"114": TagCheck.CONFIRMED}


def test_what_can_be_checked_is_in_the_dictionary_and_bad():
    from contract import tags

    assert all(tags.dictionary()[code].active and code[0] in "12" for code in causes.CHECKABLE)
    assert causes.check(["213"], EventEntry.model_construct(), Item.model_validate(GUIDE)) == {}


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        (-1, Delay.BEFORE),
        (0, Delay.SECONDS_10),
        (9.9, Delay.SECONDS_10),
        (10, Delay.SECONDS_30),
        (60, Delay.MINUTES_2),
        (8 * 86400, Delay.LATER),
    ],
)
def test_a_delay_is_told_by_its_bucket_alone(seconds, bucket):
    assert signs.delay(AT + timedelta(seconds=seconds), AT) is bucket


def test_neither_delay_nor_hour_nor_terminal_leaves_with_an_event(bed):
    bed.accept(letter(event()), letter(bad_rating(device="tablet-7")))
    (entry,) = bed.items("LedgerTable", "R#")
    assert (entry["device"], entry["delay"], entry["service_day"]) == ("tablet-7", "MINUTES_2", entry["day"])
    bed.flow()
    (told,) = bed.told("BadRatingAccepted")
    assert not {"device", "delay", "hour", "service_day"} & told["rating"].keys()
    assert bed.count(f"window#{ORGANISATION}#A01", f"hour.tablet-7.{entry['hour']:02}") == 1


def test_a_terminal_is_not_named_like_a_person(bed):
    bed.accept(letter(event()), letter(rating(device="13800000000")))
    bed.accept(letter(event(project_no="33-2", materials=["330106199001011234"])))
    assert bed.codes() == ["malformed_field", "malformed_field"]


def test_a_service_that_was_rated_before_it_was_finished_is_not_unrated(bed):
    bed.accept(letter(event(status="ACCEPTED", finished_at=None), "early"), letter(rating()), letter(event()))
    bed.flow()
    assert bed.count("province#330000000000", "finished") == 1
    assert bed.count("province#330000000000", "rated.SELF_DEVICE") == 1
