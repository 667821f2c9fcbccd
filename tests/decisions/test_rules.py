"""Rules are inherited downward and dated; a lower level may only be stricter."""

from __future__ import annotations

from datetime import date

import pytest

from contract.codes import Level
from policy.rules import DatedRules, Rules, in_force
from policy.strictness import laxer


def rules(**values) -> Rules:
    return Rules.model_validate(values)


def dated(region: str, valid_from: str, **values) -> DatedRules:
    return DatedRules(region=region, valid_from=valid_from, rules=rules(**values))


GUANGXI = dict(zip(map(str, Level), (10, 8, 6, 3, 0), strict=True))

KNOWN = [
    dated("330000000000", "2020-01-01", rectify_simple={"value": 15, "unit": "DAY"}, min_n=20),
    dated("330000000000", "2026-06-01", rectify_simple={"value": 10, "unit": "DAY"}, min_n=20),
    dated("330100000000", "2025-01-01", rectify_simple={"value": 7, "unit": "DAY"}),
]


@pytest.mark.parametrize(
    ("region", "on", "days", "version"),
    [
        ("330200000000", "2026-05-31", 15, "330000000000@2020-01-01"),
        ("330200000000", "2026-06-01", 10, "330000000000@2026-06-01"),
        ("330106000000", "2026-11-24", 7, "330000000000@2026-06-01 330100000000@2025-01-01"),
        ("330106000000", "2024-12-31", 15, "330000000000@2020-01-01"),
    ],
)
def test_the_rule_in_force_is_the_nearest_and_the_newest_of_the_day(region, on, days, version):
    policy = in_force(KNOWN, region, date.fromisoformat(on))
    assert (policy.rectify_simple.value, policy.min_n, policy.version) == (days, 20, version)


def test_where_nobody_sets_a_rule_there_is_no_clock_and_our_defaults_hold():
    policy = in_force(KNOWN, "370000000000", date(2026, 11, 24))
    assert policy.rectify_simple is None
    assert (policy.version, policy.min_n, policy.max_text_length) == ("default", 10, 1000)


def test_rules_come_as_they_are_registered():
    registered = {"region": "330000000000", "valid_from": "2020-01-01", "rules": {"min_n": 30}}
    assert in_force([registered], "330106000000", date(2026, 11, 24)).min_n == 30


@pytest.mark.parametrize(
    ("above", "here", "is_laxer"),
    [
        ({"rectify_simple": {"value": 5, "unit": "DAY"}}, {"rectify_simple": {"value": 6, "unit": "DAY"}}, True),
        ({"rectify_simple": {"value": 5, "unit": "DAY"}}, {"rectify_simple": {"value": 5, "unit": "DAY"}}, False),
        # Five working days are never earlier than five natural ones; three are, except over a long holiday.
        ({"rectify_simple": {"value": 5, "unit": "DAY"}}, {"rectify_simple": {"value": 5, "unit": "WORKDAY"}}, True),
        ({"rectify_simple": {"value": 5, "unit": "DAY"}}, {"rectify_simple": {"value": 3, "unit": "WORKDAY"}}, True),
        ({"rectify_simple": {"value": 5, "unit": "WORKDAY"}}, {"rectify_simple": {"value": 5, "unit": "DAY"}}, False),
        ({"min_n": 10}, {"min_n": 5}, True),
        ({"min_n": 10}, {"min_n": 50}, False),
        ({"clock_skew_days": 7}, {"clock_skew_days": 8}, True),
        ({"good_levels": ["VERY_SATISFIED", "SATISFIED"]}, {"good_levels": list(Level)[:3]}, True),
        ({"good_levels": list(Level)[:3]}, {"good_levels": ["VERY_SATISFIED"]}, False),
        ({"points": GUANGXI}, {"points": GUANGXI | {"SATISFIED": 9}}, True),
        ({"points": GUANGXI}, {"points": GUANGXI}, False),
        ({"valid_provenances": ["SELF_ONLINE"]}, {"valid_provenances": ["SELF_ONLINE", "PAPER_ENTERED"]}, True),
        ({"valid_provenances": ["SELF_ONLINE", "SELF_DEVICE"]}, {"valid_provenances": ["SELF_ONLINE"]}, False),
        ({"publish_after_days": 3}, {"publish_after_days": 5}, False),
        ({}, {"min_n": 1}, False),
        ({"min_n": 10}, {}, False),
    ],
)
def test_a_laxer_rule_is_found_with_both_values(above, here, is_laxer):
    found = laxer(rules(**above), rules(**here))
    assert bool(found) == is_laxer
    for entry in found:
        assert (entry.above, entry.here) == (getattr(rules(**above), entry.field), getattr(rules(**here), entry.field))


@pytest.mark.parametrize(
    "wrong",
    [
        {"points": {"VERY_SATISFIED": 10}},
        {"valid_provenances": ["SELF_ONLINE", "DEFAULT"]},
        {"valid_provenances": []},
        {"unrated_policy": "DEFAULT"},
        {"opening_hours": {"opens": 24, "closes": 25}},
    ],
)
def test_what_would_count_nobodys_ratings_or_leave_a_level_without_points_is_no_rule(wrong):
    with pytest.raises(ValueError, match=r"."):
        rules(**wrong)


def test_a_rule_that_is_loaded_again_is_the_same_text_whatever_the_order_of_a_set():
    one, other = (
        rules(good_levels=held, valid_provenances=["SELF_ONLINE", "SELF_DEVICE"]) for held in (list(Level)[:3], list(Level)[2::-1])
    )
    assert one.model_dump_json() == other.model_dump_json()
    assert one.plain()["good_levels"] == sorted(one.plain()["good_levels"])
