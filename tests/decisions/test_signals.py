"""Signals of ratings that nobody meant, and ordinary halls that show none."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date

import pytest

from contract.codes import Signal
from contract.tags import dictionary
from policy.rules import OpeningHours, Policy, Rules, SignalRules
from policy.strictness import laxer
from scoring.figures.signals import adjusted, is_left_out, signals

POLICY = Policy(version="test")
REGION = "330106000000"
# A Tuesday; a Sunday on which people work (调休上班); a Thursday in the National Day holiday.
TUESDAY, WORKING_SUNDAY, HOLIDAY = date(2026, 11, 24), date(2026, 9, 20), date(2026, 10, 1)
RATED = "VISIT.1.SELF_DEVICE.VERY_SATISFIED"


def found(items=None, desks=None, registered=None, **rules):
    policy = Policy(version="test", signals=SignalRules(**rules)) if rules else POLICY
    return {one.signal: one for one in signals(items or {}, desks or {}, policy, region=REGION, registered=registered)}


def hall(**hours: int) -> dict[str, int]:
    """A window by `<terminal>_<hour>`; `none` is no terminal."""
    counts = {f"hour.{name.replace('none', '-').replace('_', '.')}": amount for name, amount in hours.items()}
    return {**counts, RATED: sum(hours.values())}


DAY = {f"tablet_{hour:02}": 12 for hour in range(9, 17)}
ORDINARY_ITEMS = {
    "item-1": {
        RATED: 300,
        "VISIT.1.SELF_DEVICE.DISSATISFIED": 3,
        "via.OFFLINE.HALL_TABLET": 250,
        "via.OFFLINE.PC": 3,
        "via.ONLINE.PC": 50,
        "delay.SECONDS_10": 90,
        "delay.SECONDS_30": 130,
        "delay.MINUTE_1": 60,
        "delay.HOUR_1": 23,
        "set.510": 40,
        "set.510+517": 30,
        "set.513": 20,
        "set.213": 3,
        "flag.CLAIMED_FAR_FROM_RECEIPT": 4,
    }
}


def test_an_ordinary_hall_shows_no_signal():
    assert found(ORDINARY_ITEMS, {TUESDAY: {"A01": hall(**DAY), "A02": hall(**DAY, tablet_18=2)}}, {"A01", "A02"}) == {}


def test_nothing_is_found_where_nothing_was_rated():
    assert found() == {}


def test_one_tag_set_with_the_top_level_over_most_ratings():
    held = found({"a": {"set.510+517": 50, RATED: 200}, "b": {"set.510+517": 40, "set.213": 8}})[Signal.SAME_TAGS]
    assert (held.numerator, held.denominator, held.dominant, held.ratings) == (90, 98, "510+517", 200)
    assert held.dominant_zh == "；".join(dictionary()[tag].zh for tag in ("510", "517"))


@pytest.mark.parametrize("sets", [{"set.510": 79, "set.513": 21}, {"set.213": 100}, {"set.510": 49}])
def test_no_signal_of_tags_below_the_share_or_the_number_or_with_bad_tags(sets):
    assert Signal.SAME_TAGS not in found({"a": sets})


@pytest.mark.parametrize(
    ("delays", "dominant"),
    [
        ({"delay.MINUTES_3": 97, "delay.DAY_1": 3}, "MINUTES_3"),
        ({"delay.MINUTES_10": 97, "delay.DAY_1": 3}, "MINUTES_10"),
        # Nearly all within twelve hours is what people do; nearly all before the service has a flag of its own.
        ({"delay.HOURS_12": 100}, None),
        ({"delay.BEFORE": 100}, None),
        ({"delay.MINUTES_3": 90, "delay.DAY_1": 10}, None),
        ({"delay.MINUTES_3": 99}, None),
    ],
)
def test_a_delay_that_is_nearly_always_the_same(delays, dominant):
    held = found({"a": delays}).get(Signal.CONSTANT_DELAY)
    assert (held.dominant if held else None) == dominant


def test_ratings_within_seconds_are_a_sign_where_they_came_from_no_terminal():
    items = {"a": {"delay.SECONDS_10": 90, "soon": 80, "via.OFFLINE.QR": 100, "via.OFFLINE.HALL_TABLET": 20}}
    held = found(items, {TUESDAY: {"A01": hall(none_10=100, tablet_10=20)}})[Signal.WITHIN_SECONDS]
    assert (held.numerator, held.denominator) == (80, 100)


def test_ratings_within_seconds_on_terminals_are_how_terminals_are_used():
    items = {"a": {"delay.SECONDS_10": 90, "via.OFFLINE.HALL_TABLET": 120}}
    assert Signal.WITHIN_SECONDS not in found(items, {TUESDAY: {"A01": hall(tablet_10=60, tablet_11=60)}})


def test_a_burst_at_one_terminal_is_found_beside_its_other_hours():
    held = found(desks={TUESDAY: {"A01": hall(**DAY), "A02": hall(**DAY | {"tablet_15": 100})}})[Signal.BURST]
    assert (held.numerator, held.denominator, held.dominant) == (100, 280, "A02/tablet/2026-11-24 15:00")
    assert held.dominant_zh == "A02 tablet，2026-11-24 15:00 起一小时内 100 条；共 1 个时段"
    assert held.dominant_en == "A02 tablet: 100 in the hour from 2026-11-24 15:00; hours like it: 1"


def test_of_several_bursts_the_greatest_is_named():
    held = found(desks={TUESDAY: {"A01": hall(tablet_09=130, tablet_10=150, tablet_11=140)}})[Signal.BURST]
    assert (held.numerator, held.dominant) == (420, "A01/tablet/2026-11-24 10:00")


@pytest.mark.parametrize(
    ("hours", "is_burst"),
    [
        ({"tablet_09": 40, "tablet_10": 42, "tablet_11": 38}, False),
        ({"tablet_09": 121, "tablet_10": 121, "tablet_11": 121}, True),
        ({"tablet_03": 30}, True),
        ({"tablet_03": 29}, False),
        ({"tablet_09": 120, "tablet_10": 120, "tablet_11": 120}, False),
        ({"tablet_09": 8, "tablet_10": 40}, True),
        ({"tablet_09": 8, "tablet_10": 39}, False),
        ({"none_09": 6, "none_10": 90}, True),
    ],
)
def test_an_even_flow_is_no_burst_unless_no_terminal_could_take_it(hours, is_burst):
    assert (Signal.BURST in found(desks={TUESDAY: {"A01": hall(**hours)}})) == is_burst


def test_the_hours_of_other_days_are_other_hours():
    days = {date(2026, 11, day): {"A01": hall(tablet_10=8)} for day in (23, 25, 26)}
    assert found(desks={**days, TUESDAY: {"A01": hall(tablet_10=45)}})[Signal.BURST].numerator == 45


def test_a_burst_at_no_window_names_no_member_of_staff():
    desk = {"staff.v1:person.VISIT.1.SELF_ONLINE.VERY_SATISFIED": 60, "hour.-.10": 60}
    held = found(desks={TUESDAY: {"v1:person": desk}})[Signal.BURST]
    assert "v1:person" not in json.dumps(held.plain())
    assert held.dominant_zh.startswith("无窗口")
    assert held.dominant_en.startswith("no window")


@pytest.mark.parametrize(
    ("day", "hours", "outside"),
    [
        (TUESDAY, {"tablet_07": 20, "tablet_18": 15, "tablet_09": 65}, 35),
        (TUESDAY, {"tablet_08": 50, "tablet_17": 50}, None),
        (TUESDAY, {"tablet_22": 29, "tablet_09": 71}, None),
        (TUESDAY, {"tablet_22": 49}, None),
        (HOLIDAY, {"tablet_10": 100}, 100),
        (WORKING_SUNDAY, {"tablet_10": 100}, None),
    ],
)
def test_ratings_of_a_hall_outside_its_hours_and_on_days_off(day, hours, outside):
    held = found(desks={day: {"A01": hall(**hours)}}).get(Signal.OUTSIDE_HOURS)
    assert (held.numerator if held else None) == outside


def test_opening_hours_are_those_of_the_policy():
    policy = Policy(version="test", opening_hours=OpeningHours(opens=8, closes=21))
    desks = {TUESDAY: {"A01": hall(tablet_19=100)}}
    assert Signal.OUTSIDE_HOURS in {one.signal for one in signals({}, desks, POLICY, region=REGION, registered=None)}
    assert Signal.OUTSIDE_HOURS not in {one.signal for one in signals({}, desks, policy, region=REGION, registered=None)}


def test_who_serves_at_no_window_serves_in_no_hall():
    desk = {"staff.v1:person.VISIT.1.SELF_ONLINE.VERY_SATISFIED": 100, "hour.-.22": 50, "hour.-.21": 50}
    assert Signal.OUTSIDE_HOURS not in found(desks={TUESDAY: {"v1:person": desk}})


@pytest.mark.parametrize(("from_pcs", "found_of"), [(95, (95, 100)), (89, None)])
def test_a_hall_whose_ratings_nearly_all_come_from_pcs(from_pcs, found_of):
    items = {"a": {"via.OFFLINE.PC": from_pcs, "via.OFFLINE.QR": 100 - from_pcs, "via.ONLINE.PC": 5000}}
    held = found(items).get(Signal.PC_IN_A_HALL)
    assert ((held.numerator, held.denominator) if held else None) == found_of


@pytest.mark.parametrize(("claimed", "is_found"), [(30, True), (29, False)])
def test_ratings_claimed_long_before_they_came(claimed, is_found):
    items = {"a": {RATED: 90, "excluded.MISTAKE.VISIT.1.SELF_DEVICE.DISSATISFIED": 10, "flag.CLAIMED_FAR_FROM_RECEIPT": claimed}}
    assert (Signal.CLAIMED_LONG_BEFORE in found(items)) == is_found


@pytest.mark.parametrize(
    ("counts", "is_found"),
    [
        ({RATED: 10_000}, True),
        ({RATED: 9_999}, False),
        ({RATED: 50_000, "VISIT.1.SELF_ONLINE.VERY_DISSATISFIED": 1}, False),
        # Whose bad ratings were all excluded had some; what nobody gave is not among the many.
        ({RATED: 50_000, "excluded.MALICIOUS.VISIT.1.SELF_ONLINE.DISSATISFIED": 1}, False),
        ({RATED: 10, "VISIT.1.DEFAULT.VERY_SATISFIED": 50_000}, False),
    ],
)
def test_no_bad_rating_among_very_many(counts, is_found):
    held = found({"a": counts}).get(Signal.NO_BAD_RATING)
    assert (held is not None) == is_found
    if held:
        assert (held.numerator, held.denominator) == (0, 10_000)


def test_windows_that_the_register_does_not_know():
    desks = {TUESDAY: {"A01": hall(tablet_10=30), "Z97": {"finished": 9}, "Z98": hall(tablet_10=5), "Z99": hall(tablet_10=15)}}
    held = found(desks=desks, registered={"A01"}, unknown_window_n=20)[Signal.UNKNOWN_WINDOW]
    assert (held.numerator, held.denominator, held.dominant, held.dominant_zh) == (20, 50, "Z99", "Z99 等 2 个窗口")
    assert Signal.UNKNOWN_WINDOW not in found(desks=desks, registered=None)
    assert Signal.UNKNOWN_WINDOW not in found(desks=desks, registered={"A01", "Z99"})


def test_an_operator_moves_the_thresholds():
    items = {"a": {"set.510": 8, "set.513": 2}}
    assert Signal.SAME_TAGS not in found(items)
    assert Signal.SAME_TAGS in found(items, same_tags_n=10)


def test_a_level_may_not_move_the_thresholds_that_stand_above_it():
    province, county = Rules(signals=SignalRules(no_bad_n=5_000)), Rules(signals=SignalRules(no_bad_n=50_000))
    assert [one.field for one in laxer(province, county)] == ["signals"]
    assert laxer(province, province) == []


def test_a_signal_is_shown_with_its_names_and_its_evidence():
    plain = found({"a": {"via.OFFLINE.PC": 95, "via.OFFLINE.QR": 5, RATED: 100}})[Signal.PC_IN_A_HALL].plain()
    assert json.loads(json.dumps(plain)) == {
        "signal": "PC_IN_A_HALL",
        "zh": "大厅评价几乎全来自PC端",
        "en": "nearly all of a hall's ratings from PCs",
        "numerator": 95,
        "denominator": 100,
        "ratings": 100,
        "dominant": "PC",
        "dominant_zh": "PC端",
        "dominant_en": "web",
    }


# ---------------------------------------------------------------- raw and adjusted


def test_adjusted_figures_do_without_what_was_flagged_and_the_raw_ones_stay():
    total = Counter({RATED: 1000, "VISIT.1.SELF_DEVICE.DISSATISFIED": 20, "finished": 2000})
    flagged = {RATED: 400, "finished": 450, "via.OFFLINE.PC": 400}
    assert adjusted(total, [flagged, {RATED: 100}]) == {RATED: 500, "VISIT.1.SELF_DEVICE.DISSATISFIED": 20, "finished": 1550}
    assert total[RATED] == 1000


@pytest.mark.parametrize(
    ("counts", "left_out"),
    [
        ({"via.OFFLINE.PC": 95, "via.OFFLINE.QR": 5, RATED: 100}, True),
        ({"via.OFFLINE.PC": 95, "via.OFFLINE.QR": 5, "via.ONLINE.MOBILE": 90, RATED: 190}, True),
        # A sign on a small part of all, and one that shows nothing but a number, ask for a look and leave the figures alone.
        ({"via.OFFLINE.PC": 95, "via.OFFLINE.QR": 5, "via.ONLINE.MOBILE": 900, RATED: 1000}, False),
        ({RATED: 50_000}, False),
    ],
)
def test_only_an_organisation_that_is_mostly_under_a_signal_is_left_out(counts, left_out):
    held = found({"a": counts})
    assert held
    assert is_left_out(held.values(), POLICY) == left_out


def test_a_burst_of_a_member_of_staff_is_one_with_that_of_the_window_and_names_nobody():
    desk = hall(none_09=60, none_10=8, none_11=8) | {f"staff.v1:one.hour.{hour}": n for hour, n in (("09", 60), ("10", 8), ("11", 8))}
    held = found(desks={TUESDAY: {"B02": desk}})[Signal.BURST]
    assert (held.numerator, held.denominator) == (60, 76)
    assert "v1:one" not in str(held.plain())


def test_one_of_two_at_a_window_has_a_burst_that_the_window_hides():
    quiet = {f"staff.v1:two.hour.{hour:02}": 40 for hour in (9, 10, 11)}
    desk = hall(none_09=40, none_10=40, none_11=40, none_15=45) | quiet | {"staff.v1:one.hour.15": 45}
    held = found(desks={TUESDAY: {"B02": desk}})[Signal.BURST]
    assert (held.numerator, held.denominator) == (45, 165)
