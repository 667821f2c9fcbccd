"""The index: systems that become only stricter on their way down, and what an organisation makes of them."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest
from pydantic import ValidationError

from contract.codes import Aspect
from haochaping import provinces
from policy.evaluation import System, in_force, laxer
from policy.rules import Policy
from scoring.figures.index import UnknownCounter, UnknownIndicator, score_of

POLICY = Policy(version="test")
NATION, PROVINCE, CITY, COUNTY = "000000000000", "330000000000", "330100000000", "330106000000"
ON = date(2026, 11, 24)


def entry(indicator: str, aspect: str = "SERVICE_QUALITY", **changes) -> dict:
    return {"indicator": indicator, "aspect": aspect, "weight": 10, "floor": 0.8, "target": 0.9, "source": "test"} | changes


def system(of: str, *entries: dict, valid_from: str = "2020-01-01") -> System:
    return System.model_validate({"of": of, "valid_from": valid_from, "entries": entries})


GOOD, BAD = entry("good_rate"), entry("bad_rate", floor=0.1, target=0.02)
BASE = system(NATION, GOOD, BAD)


def rated(good: int, of: int) -> dict[str, int]:
    return {"VISIT.1.SELF_DEVICE.VERY_SATISFIED": good, "VISIT.1.SELF_ONLINE.DISSATISFIED": of - good}


# ---------------------------------------------------------------- systems


def test_each_level_adds_to_what_stands_above_it():
    dated = [
        BASE,
        system("sector:税务", entry("reply_rate", "RECTIFICATION")),
        system(PROVINCE, entry("good_rate", target=0.95)),
        system(COUNTY, entry("good_rate", weight=20)),
    ]
    held = in_force(dated, COUNTY, "税务", ON)
    good = held.entries[0]
    assert (good.weight, good.target) == (20, 0.95)
    assert [one.indicator for one in held.entries] == ["good_rate", "bad_rate", "reply_rate"]
    assert held.version == f"{NATION}@2020-01-01 sector:税务@2020-01-01 {PROVINCE}@2020-01-01 {COUNTY}@2020-01-01"
    assert [one.indicator for one in in_force(dated, "330200000000", None, ON).entries] == ["good_rate", "bad_rate"]


def test_systems_come_as_they_are_registered():
    registered = {"of": NATION, "valid_from": "2020-01-01", "entries": [GOOD]}
    assert in_force([registered], COUNTY, None, ON).entries[0].target == 0.9


@pytest.mark.parametrize(("on", "target"), [("2025-12-31", 0.9), ("2026-01-01", 0.99)])
def test_the_newest_system_of_a_level_holds_from_its_date(on, target):
    later = system(NATION, entry("good_rate", target=0.99), valid_from="2026-01-01")
    assert in_force([BASE, later], PROVINCE, None, date.fromisoformat(on)).entries[0].target == target


def test_what_a_level_sets_looser_has_no_effect_where_the_one_above_has_become_stricter():
    province = system(PROVINCE, entry("good_rate", weight=15, target=0.92))
    later = system(NATION, entry("good_rate", weight=12, target=0.97, floor=0.9), valid_from="2026-01-01")
    good = in_force([BASE, province, later], PROVINCE, None, ON).entries[0]
    assert (good.weight, good.floor, good.target) == (15, 0.9, 0.97)


@pytest.mark.parametrize(
    ("here", "field", "above", "value"),
    [
        (entry("good_rate", weight=9), "good_rate.weight", 10, 9),
        (entry("good_rate", target=0.85), "good_rate.target", 0.9, 0.85),
        (entry("good_rate", floor=0.7), "good_rate.floor", 0.8, 0.7),
        (entry("bad_rate", floor=0.2, target=0.02), "bad_rate.floor", 0.1, 0.2),
        (entry("bad_rate", floor=0.1, target=0.03), "bad_rate.target", 0.02, 0.03),
        (entry("bad_rate"), "bad_rate.direction", (0.1, 0.02), (0.8, 0.9)),
        (entry("good_rate", "PROCESS"), "good_rate.aspect", Aspect.SERVICE_QUALITY, Aspect.PROCESS),
    ],
)
def test_what_is_looser_is_found_with_its_field_and_both_values(here, field, above, value):
    assert laxer([BASE], system(CITY, here)) == [(field, above, value)]


@pytest.mark.parametrize(
    "here",
    [
        entry("good_rate", weight=11, floor=0.85, target=0.99),
        entry("bad_rate", floor=0.05, target=0.0),
        entry("reply_rate", "RECTIFICATION", weight=1),
    ],
)
def test_what_is_stricter_or_new_is_nothing_to_object_to(here):
    assert laxer([BASE], system(CITY, here)) == []


def test_a_city_is_held_against_its_province_and_not_against_a_sector_or_another_city():
    dated = [BASE, system(PROVINCE, entry("good_rate", weight=20)), system("sector:税务", entry("good_rate", weight=50))]
    assert [found.above for found in laxer([*dated, system("330200000000", entry("good_rate", weight=30))], system(CITY, GOOD))] == [20]
    assert laxer(dated, system("sector:人社", GOOD)) == []


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry("good_rate", target=0.8)], "floor and target are both 0.8"),
        ([GOOD, GOOD], "good_rate"),
        ([entry("good_rate", weight=0)], "greater than 0"),
        ([entry("good_rate", target=float("nan"))], "finite"),
        ([], "at least 1"),
    ],
)
def test_a_system_that_makes_no_sense_is_refused(entries, reason):
    with pytest.raises(ValidationError, match=reason):
        system(NATION, *entries)


def test_a_province_whose_index_is_looser_than_the_nation_is_not_loaded():
    whole = tomllib.loads((provinces.PROVINCES / "zhejiang.toml").read_text("utf-8"))
    loose = system(CITY, entry("callback_rate", "RECTIFICATION", weight=6, floor=0.8, target=0.9))
    province = provinces.Province.model_validate(whole | {"index": [loose.model_dump()]})
    with pytest.raises(provinces.LaxerRule, match=r"330100000000 callback_rate\.target: 0\.9.*1\.0"):
        province.check_index()


def test_a_province_whose_index_names_what_there_is_not_is_not_loaded():
    whole = tomllib.loads((provinces.PROVINCES / "zhejiang.toml").read_text("utf-8"))
    province = provinces.Province.model_validate(whole | {"index": [system(CITY, entry("smile_rate")).model_dump()]})
    with pytest.raises(UnknownIndicator, match=r"no such indicator.*smile_rate.*good_rate"):
        province.check_index()


def test_the_national_system_has_every_aspect_and_says_which_values_are_unconfirmed():
    entries = in_force(provinces.national_index(), PROVINCE, None, ON).entries
    assert {one.aspect for one in entries} == set(Aspect)
    assert all("未经确认" in one.source and "unconfirmed" in one.source for one in entries)
    assert sum(one.weight for one in entries) == 100


# ---------------------------------------------------------------- the index of an organisation


@pytest.mark.parametrize(("good", "score"), [(70, 0), (80, 0), (85, 50), (90, 100), (100, 100)])
def test_an_indicator_scores_linearly_between_its_floor_and_its_target(good, score):
    held = in_force([system(NATION, GOOD)], PROVINCE, None, ON)
    assert score_of(rated(good, 100), held, POLICY).score == pytest.approx(score)


@pytest.mark.parametrize(("bad", "score"), [(20, 0), (10, 0), (6, 50), (2, 100), (0, 100)])
def test_where_less_is_better_the_scale_runs_the_other_way(bad, score):
    held = in_force([system(NATION, BAD)], PROVINCE, None, ON)
    assert score_of(rated(100 - bad, 100), held, POLICY).score == pytest.approx(score)


def test_the_index_weighs_its_parts_and_says_what_each_is_made_of():
    held = in_force([system(NATION, entry("good_rate", weight=30), entry("reply_rate", "RECTIFICATION", weight=10))], PROVINCE, None, ON)
    index = score_of(rated(85, 100) | {"case.REPLY_DUE": 20, "case.REPLIED_IN_TIME": 20}, held, POLICY)
    assert index.score == pytest.approx((30 * 50 + 10 * 100) / 40)
    quality = next(one for one in index.aspects if one.aspect is Aspect.SERVICE_QUALITY)
    part = quality.parts[0]
    assert (quality.zh, quality.en, quality.score) == ("服务质量", "service quality", pytest.approx(50))
    assert (part.zh, part.numerator, part.denominator, part.rate, part.weight) == ("好评率", 85, 100, 0.85, 30)


def test_what_has_too_little_data_is_named_and_left_out_and_the_weight_that_is_left_is_shown():
    held = in_force([system(NATION, entry("good_rate", weight=30), entry("reply_rate", "RECTIFICATION", weight=10))], PROVINCE, None, ON)
    index = score_of(rated(90, 100) | {"case.REPLY_DUE": 9}, held, POLICY)
    assert (index.score, index.covered, index.without_data) == (pytest.approx(100), 0.75, ("reply_rate",))
    rectified = next(one for one in index.plain()["aspects"] if one["aspect"] == "RECTIFICATION")
    assert (rectified["score"], rectified["weight"], rectified["judged_weight"]) == (None, 10, 0)
    assert (rectified["parts"][0]["numerator"], rectified["parts"][0]["denominator"], rectified["parts"][0]["score"]) == (0, 9, None)


def test_the_index_shows_all_six_aspects_also_those_without_an_indicator():
    index = score_of(rated(90, 100), in_force([BASE], PROVINCE, None, ON), POLICY)
    assert [one.aspect for one in index.aspects] == list(Aspect)


def test_without_a_system_or_without_any_data_there_is_no_index():
    assert score_of(rated(90, 100), in_force([], PROVINCE, None, ON), POLICY).score is None
    assert score_of({}, in_force([BASE], PROVINCE, None, ON), POLICY).plain()["score"] is None


def test_an_indicator_that_there_is_not_is_an_error_that_names_it():
    with pytest.raises(UnknownIndicator, match="smile_rate"):
        score_of({}, in_force([system(NATION, entry("smile_rate"))], PROVINCE, None, ON), POLICY)


# ---------------------------------------------------------------- indicators of one's own


def own(numerator: list[str], denominator: list[str]) -> dict:
    formula = {"zh": "返工率", "en": "reopened", "numerator": numerator, "denominator": denominator}
    return entry("reopened_rate", "RECTIFICATION", floor=0.5, target=0.0, formula=formula)


def test_a_level_may_add_an_indicator_by_a_formula_over_counters():
    held = in_force([system(PROVINCE, own(["case.REOPENED"], ["case.REPLIED"]))], COUNTY, None, ON)
    index = score_of({"case.REOPENED": 5, "case.REPLIED": 20}, held, POLICY)
    assert index.score == pytest.approx(50)
    assert index.aspects[list(Aspect).index(Aspect.RECTIFICATION)].parts[0].zh == "返工率"


def test_a_star_in_a_formula_takes_in_nothing_that_was_excluded():
    formula = own(["*.1.SELF_*.DISSATISFIED"], ["*.1.SELF_*.*"])
    held = in_force([system(PROVINCE, formula)], COUNTY, None, ON)
    part = score_of(rated(90, 100) | {"excluded.MISTAKE.VISIT.1.SELF_ONLINE.DISSATISFIED": 40}, held, POLICY)
    found = part.aspects[list(Aspect).index(Aspect.RECTIFICATION)].parts[0]
    assert (found.numerator, found.denominator) == (10, 100)


@pytest.mark.parametrize("counter", ["case.REOPEND", "case", "VISIT.3.*.*", "visits", "VISIT.1.SELF_DEVICE.GOOD"])
def test_a_formula_over_a_counter_that_there_is_not_is_an_error(counter):
    with pytest.raises(UnknownCounter, match="reopened_rate"):
        score_of({}, in_force([system(PROVINCE, own([counter], ["case.REPLIED"]))], COUNTY, None, ON), POLICY)


def test_a_lower_level_keeps_the_formula_and_may_not_change_it():
    above = system(PROVINCE, own(["case.REOPENED"], ["case.REPLIED"]))
    stricter = system(CITY, entry("reopened_rate", "RECTIFICATION", floor=0.4, target=0.0))
    assert laxer([above], stricter) == []
    assert in_force([above, stricter], CITY, None, ON).entries[0].formula == above.entries[0].formula
    other = system(CITY, own(["case.REOPENED"], ["case.OPENED"]))
    assert [found.field for found in laxer([above], other)] == ["reopened_rate.formula"]
