"""Province files, and the environments that name them."""

from __future__ import annotations

import re
import tomllib
from datetime import date

import pytest

from haochaping import provinces
from intake.profile import CANONICAL, load
from policy.rules import DatedRules, in_force
from template_file import ROOT, template

CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", provinces.available())
def test_a_province_has_an_environment_that_names_its_file(name):
    parameters = CONFIG[name]["deploy"]["parameters"]
    assert parameters["parameter_overrides"] == [f"file://infra/provinces/{name}.toml"]
    assert parameters["stack_name"] == f"haochaping-{name}"


@pytest.mark.parametrize("name", provinces.available())
def test_a_province_file_is_complete(name):
    province = provinces.read(name)
    flat = tomllib.loads((provinces.PROVINCES / f"{name}.toml").read_text("utf-8"))
    assert {key for key, value in flat.items() if isinstance(value, str)} <= template()["Parameters"].keys()
    assert province.province.region == f"{province.ProvinceCode}0000000000"
    for region, _, _ in province.organisations.values():
        assert region in province.regions
    for party in province.parties:
        assert party.profile == CANONICAL or load(party.profile)


def test_the_two_provinces_differ_in_their_due_dates():
    limits = {}
    for name in ("zhejiang", "shandong"):
        province = provinces.read(name)
        dated = [DatedRules(region=entry.region, valid_from=entry.valid_from, rules=entry.rules()) for entry in province.policy]
        limits[name] = in_force(dated, province.province.region, date(2026, 11, 24)).rectify_simple
    assert (limits["zhejiang"].value, limits["zhejiang"].unit) == (15, "DAY")
    assert (limits["shandong"].value, limits["shandong"].unit) == (5, "WORKDAY")


def test_a_city_that_is_laxer_than_its_province_is_not_loaded():
    whole = tomllib.loads((provinces.PROVINCES / "zhejiang.toml").read_text("utf-8"))
    laxer = {"region": "330100000000", "valid_from": "2026-01-01", "rectify_simple": {"value": 20, "unit": "DAY"}}
    province = provinces.Province.model_validate(whole | {"policy": [*whole["policy"], laxer]})
    with pytest.raises(provinces.LaxerRule, match=r"330100000000 rectify_simple.*20.*15"):
        province.check_rules()


def test_loading_a_province_twice_adds_nothing(bed):
    assert provinces.load(bed.province) == (0, len(list(bed.province.records())), [])


def test_a_changed_record_of_the_same_date_is_named_and_one_of_a_later_date_is_loaded(bed):
    hall = bed.province.parties[0]
    changed = hall.model_copy(update={"regions": ("330200000000",)})
    same_day = bed.province.model_copy(update={"parties": (changed,)})
    assert provinces.load(same_day).differing == ["party#hall-devices 2020-01-01"]
    later = bed.province.model_copy(update={"parties": (changed.model_copy(update={"valid_from": date(2026, 1, 1)}),)})
    assert provinces.load(later).new == 1


def test_the_rules_that_the_documentation_shows_are_rules():
    shown = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.S)
    entries = [entry for text in shown for entry in tomllib.loads(text).get("policy", [])]
    assert len(entries) >= 2
    assert all(provinces.PolicyEntry.model_validate(entry).fields_set() for entry in entries)


def test_published_results_name_the_version_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert str(template()["Parameters"]["CodeVersion"]["Default"]) == project["version"]
