"""Presets are rules to start from; each rule says what it rests on, and an entry of a file writes otherwise what it will."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from haochaping import provinces
from haochaping.provinces import PolicyEntry
from policy.presets import NoPreset, presets, rules_of
from policy.rules import LADDER, Rules, in_force

NAMED = [
    "national-baseline",
    "shanghai-1-5-15",
    "zhejiang-1-15",
    "liaoning-1-15wd",
    "5wd",
    "beijing-7d",
    "sichuan-15wd",
    "7nd-15nd",
    "guangxi-default",
    "full-example",
]
CLOCKS = ("first_contact", "verify", "rectify_simple", "rectify_complex", "post_rectify_callback")


def clocks_of(name: str) -> list[str | None]:
    limits = [getattr(rules_of(name), clock) for clock in CLOCKS]
    return [f"{limit.value} {limit.unit}" if limit else None for limit in limits]


def test_the_presets_are_those_that_the_handbook_names():
    assert list(presets()) == NAMED


@pytest.mark.parametrize(
    ("name", "clocks"),
    [
        ("national-baseline", ["1 WORKDAY", None, "5 WORKDAY", "15 WORKDAY", "5 WORKDAY"]),
        ("shanghai-1-5-15", ["1 WORKDAY", None, "5 WORKDAY", "15 WORKDAY", None]),
        ("zhejiang-1-15", ["1 DAY", None, "15 DAY", "15 DAY", None]),
        ("liaoning-1-15wd", ["1 WORKDAY", "1 WORKDAY", "0 WORKDAY", "15 WORKDAY", None]),
        ("5wd", [None, None, "5 WORKDAY", "5 WORKDAY", None]),
        ("beijing-7d", [None, None, "7 DAY", "7 DAY", None]),
        ("sichuan-15wd", [None, None, "15 WORKDAY", "15 WORKDAY", None]),
        ("7nd-15nd", [None, None, "7 DAY", "15 DAY", None]),
        ("guangxi-default", [None] * 5),
    ],
)
def test_a_preset_sets_the_clocks_of_its_place(name, clocks):
    assert clocks_of(name) == clocks


def test_guangxi_records_a_default_and_gives_points():
    rules = rules_of("guangxi-default")
    assert (rules.unrated_policy, rules.default_level, rules.default_after.value, rules.default_after.unit) == (
        "DEFAULT",
        "VERY_SATISFIED",
        7,
        "DAY",
    )
    assert list(rules.points.values()) == [10, 8, 6, 3, 0]


@pytest.mark.parametrize("name", NAMED)
def test_every_rule_says_what_it_rests_on_in_both_languages(name):
    assert rules_of(name).fields_set().keys() == presets()[name].rules.keys()
    for stated in presets()[name].rules.values():
        assert any("一" <= character <= "鿿" for character in stated.source)
        assert any(character.isascii() and character.isalpha() for character in stated.source)


def test_what_nobody_has_confirmed_is_marked_so():
    unconfirmed = {name: [field for field, rule in presets()[name].rules.items() if not rule.confirmed] for name in NAMED}
    whole = {name for name in NAMED if len(unconfirmed[name]) == len(presets()[name].rules)}
    assert whole == {"national-baseline", "shanghai-1-5-15", "full-example"}
    assert {name: fields for name, fields in unconfirmed.items() if fields and name not in whole} == {"liaoning-1-15wd": ["rectify_simple"]}


def test_the_full_example_has_every_rule_of_a_case_one_extension_and_one_appeal():
    rules = rules_of("full-example")
    of_cases = list(Rules.model_fields)[: list(Rules.model_fields).index("good_levels")]
    assert [name for name in of_cases if getattr(rules, name) is None] == []
    assert (rules.extension.max_count, rules.extension.value, rules.extension.unit, rules.appeal.max_rounds) == (1, 5, "WORKDAY", 1)
    assert rules.escalation == LADDER


def entry(**said) -> PolicyEntry:
    return PolicyEntry.model_validate({"region": "330000000000", "valid_from": "2026-01-01"} | said)


def test_an_entry_takes_from_its_preset_what_it_does_not_say():
    rules = entry(preset="zhejiang-1-15", rectify_simple={"value": 20, "unit": "DAY"}, min_n=5).rules()
    assert (rules.first_contact.value, rules.rectify_simple.value, rules.rectify_complex.value, rules.min_n) == (1, 20, 15, 5)
    assert entry(preset="5wd").rules() == rules_of("5wd")


def test_terms_of_a_preset_serve_what_the_entry_says():
    assert entry(preset="guangxi-default", default_level="SATISFIED").rules().default_level == "SATISFIED"


def test_a_preset_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(ValidationError, match=r"preset\n.*guangxi.*national-baseline"):
        entry(preset="guangxi")
    with pytest.raises(NoPreset, match="5wd"):
        rules_of("guangxi")


def test_the_provinces_resolve_their_presets_to_what_their_sources_say():
    found = {}
    for name in ("zhejiang", "shandong"):
        province = provinces.read(name)
        policy = in_force([one.dated() for one in province.policy], province.province.region, date(2026, 11, 24))
        limits = (policy.first_contact, policy.verify, policy.rectify_simple, policy.rectify_complex)
        found[name] = [f"{limit.value} {limit.unit}" if limit else None for limit in limits]
    assert found == {"zhejiang": ["1 DAY", None, "15 DAY", "15 DAY"], "shandong": [None, None, "5 WORKDAY", "5 WORKDAY"]}


def test_what_is_registered_is_the_rules_and_not_the_name_of_a_preset():
    (record,) = [record for record in provinces.read("zhejiang").records() if record.kind == "policy"]
    assert record.value == rules_of("zhejiang-1-15").plain()
