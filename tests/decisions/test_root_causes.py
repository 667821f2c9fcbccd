"""Root causes: reason by item and month, with what the facts say."""

from __future__ import annotations

from scoring.figures.causes import by_number, causes, compared

UNIT = "11330106MB0000004R"
LICENCE, PERMIT = f"{UNIT}4330131001000", f"{UNIT}4332017054001"
VISITS = {"VISIT.1.SELF_DEVICE.VERY_SATISFIED": 80, "VISIT.1.SELF_ONLINE.DISSATISFIED": 20, "VISIT.1.DEFAULT.SATISFIED": 500}
PARTS = {
    LICENCE: {**VISITS, "tag.209": 2, "tag.209.CONFIRMED": 7, "tag.209.NOT_CONFIRMED": 3, "tag.213": 4, "tag.510": 60},
    PERMIT: {**VISITS, "tag.213": 9, "tag.109.CONFIRMED": 0},
    "-": {"GENERAL.1.PAPER_ENTERED.DISSATISFIED": 3},
}


def test_a_cause_is_a_reason_for_an_item_with_what_the_facts_say_of_it():
    first = causes(PARTS, UNIT, "2026-11")[0]
    assert first.plain() == {
        "tag": "209",
        "zh": "未在承诺时间内办结",
        "en": "dissatisfied, reason 209",
        "item": LICENCE,
        "organisation": UNIT,
        "month": "2026-11",
        "number": 12,
        "confirmed": 7,
        "not_confirmed": 3,
        "not_checkable": 2,
        "ratings": 100,
    }


def test_bad_reasons_come_the_most_frequent_first_and_what_nobody_says_is_no_row():
    assert [(cause.tag, cause.item, cause.number) for cause in causes(PARTS, UNIT, "2026-11")] == [
        ("209", LICENCE, 12),
        ("213", PERMIT, 9),
        ("213", LICENCE, 4),
    ]


def test_good_reasons_are_shown_when_asked_for():
    assert causes(PARTS, UNIT, "2026-11", only_bad=False)[0].tag == "510"


def test_causes_of_several_organisations_are_put_in_one_order():
    other = causes({PERMIT: {"tag.110": 10}}, "other", "2026-11")
    assert [cause.number for cause in by_number([*causes(PARTS, UNIT, "2026-11"), *other])] == [12, 10, 9, 4]


def test_the_effect_of_a_fix_is_seen_beside_the_month_before():
    before = {LICENCE: {**VISITS, "tag.209": 40}, PERMIT: {**VISITS, "tag.114": 5}}
    found = {(change.cause.item, change.cause.tag): change for change in compared(PARTS, before, UNIT, "2026-11")}
    assert found[LICENCE, "209"].plain()["number_before"] == 40
    assert round(found[LICENCE, "209"].change, 4) == round(0.12 - 0.40, 4)
    gone = found[PERMIT, "114"]
    assert (gone.cause.number, gone.number_before, gone.cause.month) == (0, 5, "2026-11")
    assert round(gone.change, 4) == -0.05
    assert found[PERMIT, "213"].number_before == 0


def test_without_ratings_in_one_of_the_months_no_change_is_claimed():
    new = compared({LICENCE: {**VISITS, "tag.209": 1}}, {}, UNIT, "2026-11")[0]
    assert (new.number_before, new.ratings_before, new.change) == (0, 0, None)
