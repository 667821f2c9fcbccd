"""三个全覆盖: items, objects and channels without a rating."""

from __future__ import annotations

import json
from datetime import date

from scoring.figures.covered import Counted, Kind, Registered, coverage, covered

UNIT = "11330106MB0000004R"
LICENCE, PERMIT, CARE = (f"{UNIT}4{base}" for base in ("330131001000", "332017054001", "332014019000"))
RATED = "VISIT.1.SELF_DEVICE.VERY_SATISFIED"
ON = date(2026, 11, 24)

REGISTERED = Registered(
    guides={
        f"{LICENCE}01": {"rating_channels": ["QR", "HALL_TABLET"]},
        f"{LICENCE}02": {"rating_channels": ["QR"]},
        PERMIT: {"rating_channels": ["SMS"]},
        CARE: {},
    },
    windows={"A01", "A02"},
    platforms={"app", "kiosk"},
)
COUNTED = Counted(
    items={
        LICENCE: {RATED: 5, "via.OFFLINE.HALL_TABLET": 5, "finished": 40, "flag.UNLISTED_ITEM": 0},
        PERMIT: {"VISIT.1.DEFAULT.VERY_SATISFIED": 30, "finished": 30},
        "-": {"GENERAL.1.PAPER_ENTERED.DISSATISFIED": 2, "flag.UNLISTED_ITEM": 2},
    },
    desks={
        "A01": {RATED: 5, "staff.v1:person.VISIT.1.SELF_DEVICE.VERY_SATISFIED": 5},
        "Z99": {RATED: 3},
        "Z98": {"finished": 1},
        "v1:person": {RATED: 1, "staff.v1:person.VISIT.1.SELF_DEVICE.VERY_SATISFIED": 1},
    },
    platforms={"app": {RATED: 1}, "kiosk": {"finished": 7}},
)


def held():
    return coverage(UNIT, "2026-11", ON, [covered(UNIT, REGISTERED, COUNTED)])


def shares(found):
    return {kind.value: (found.dimension(kind).numerator, found.dimension(kind).denominator) for kind in Kind}


def test_of_each_kind_what_was_rated_is_counted_beside_what_is_registered():
    assert shares(held()) == {"ITEM": (1, 3), "ORGANISATION": (1, 1), "WINDOW": (1, 2), "PLATFORM": (1, 2), "CHANNEL": (1, 3)}


def test_what_was_not_rated_is_listed_with_the_services_that_it_had():
    found = held()
    assert found.dimension(Kind.ITEM).missing == {PERMIT: 30, CARE: 0}
    assert found.dimension(Kind.WINDOW).missing == {f"{UNIT}#A02": 0}
    assert found.dimension(Kind.PLATFORM).missing == {"kiosk": 7}
    assert set(found.dimension(Kind.CHANNEL).missing) == {f"{UNIT}#QR", f"{UNIT}#SMS"}


def test_a_guide_that_declares_no_channel_is_a_defect():
    assert held().without_channel == (CARE,)


def test_a_default_covers_nothing_and_an_excluded_rating_does():
    items = {LICENCE: {"VISIT.1.DEFAULT.SATISFIED": 9}, PERMIT: {"excluded.MISTAKE.VISIT.1.SELF_DEVICE.DISSATISFIED": 1}}
    found = coverage(UNIT, "2026-11", ON, [covered(UNIT, REGISTERED, COUNTED._replace(items=items))])
    assert set(found.dimension(Kind.ITEM).missing) == {LICENCE, CARE}


def test_ratings_of_what_is_not_listed_are_counted_and_no_member_of_staff_is_taken_for_a_window():
    found = held()
    assert (found.unlisted_items, found.unlisted_organisations) == (2, 0)
    assert found.unknown_windows == {f"{UNIT}#Z99": 3}


def test_a_region_is_its_organisations_together_and_knows_those_that_no_register_does():
    other = covered("other", Registered({}, set(), set()), Counted({}, {}, {}))
    region = {"flag.UNLISTED_ITEM": 8, "flag.UNLISTED_ORGANISATION": 6}
    found = coverage("330106000000", "2026-11", ON, [covered(UNIT, REGISTERED, COUNTED), other], region)
    assert shares(found)["ORGANISATION"] == (1, 2)
    assert shares(found)["ITEM"] == (1, 3)
    assert found.dimension(Kind.ORGANISATION).missing == {"other": 0}
    assert (found.unlisted_items, found.unlisted_organisations) == (8, 6)


def test_where_nothing_is_registered_there_is_no_rate():
    found = coverage(UNIT, "2026-11", ON, [covered(UNIT, Registered({}, set(), set()), COUNTED)])
    assert found.dimension(Kind.ITEM).rate is None


def test_coverage_is_shown_with_names_and_rates():
    plain = held().plain()
    assert json.loads(json.dumps(plain)) == plain
    windows = next(one for one in plain["dimensions"] if one["kind"] == "WINDOW")
    assert (windows["zh"], windows["en"], windows["rate"]) == ("窗口", "windows", 0.5)
