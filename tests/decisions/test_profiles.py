"""Wire formats are declared, never guessed: the same rating means the same whichever format carries it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from contract.codes import Level, RatingChannel
from contract.refusals import Refused
from haochaping.wire import to_wire
from intake.interpret import interpret
from intake.profile import Profile, load
from said import event, rating
from template_file import ROOT

FILES = sorted((ROOT / "services" / "intake" / "profiles").glob("*.toml"))
IDS = [path.stem for path in FILES]

# As a city of Shandong and as Zhejiang send it; the codes differ, the rating is the same.
NATIONAL = {
    "projectNo": "33202611240001",
    "serviceNumber": "1",
    "assessNumber": "1",
    "satisfaction": "2",
    "pf": "7",
    "evalDetail": "213,207",
    "writingEvaluation": "等了两个小时",
    "assessTime": "2026-11-24 09:30:00",
    "certKey": "a1b2",
}
ZHEJIANG = {**{name: value for name, value in NATIONAL.items() if name != "certKey"}, "pf": "6"}


def said(profile: str, **wire: Any):
    return interpret(json.dumps(wire, ensure_ascii=False), profile, "33")


def refusal(profile: str, **wire: Any):
    with pytest.raises(Refused) as refused:
        said(profile, **wire)
    return [(reason.code, reason.field) for reason in refused.value.reasons]


def test_the_same_rating_in_two_wire_formats_is_the_same_rating():
    national, zhejiang = said("national", **NATIONAL), said("zhejiang", **ZHEJIANG)
    assert national.rating_channel is zhejiang.rating_channel is RatingChannel.SMS
    assert national.model_copy(update={"rater": None}) == zhejiang
    assert national.level is Level.DISSATISFIED
    assert national.tags == ("207", "213")


def test_the_same_digit_means_different_channels():
    assert said("national", **NATIONAL | {"pf": "6"}).rating_channel is RatingChannel.PHONE
    assert said("zhejiang", **ZHEJIANG | {"pf": "7"}).provenance == "DEFAULT"


@pytest.mark.parametrize("profile", IDS)
@pytest.mark.parametrize("message", [event(), rating(rating_channel="MOBILE", provenance="SELF_ONLINE", kind="MATTER")])
def test_what_a_profile_writes_it_reads_again(profile, message):
    wire = to_wire(load(profile), message)
    read = said(profile, **wire)
    missing = {"rater", "item_name", "window"}
    assert read.model_dump(exclude=missing) == message.model_dump(exclude=missing)


def test_the_handling_type_of_zhejiang_runs_the_other_way():
    wire = {name: to_wire(load(name), event(handling_type="INSTANT")) for name in ("national", "zhejiang")}
    assert (wire["national"]["projectType"], wire["zhejiang"]["promiseTime"]) == ("1", "2")


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"satisfaction": "6"}, ("unknown_level", "satisfaction")),
        ({"pf": "9"}, ("unknown_channel", "pf")),
        ({"assessNumber": "3"}, ("bad_round", "assessNumber")),
        ({"serviceNumber": ""}, ("missing_field", "serviceNumber")),
        ({"serviceNumber": "100"}, ("bad_service_number", "serviceNumber")),
        ({"assessTime": "2026/11/24"}, ("bad_time", "assessTime")),
        ({"projectNo": "44202611240001"}, ("bad_project_no", "projectNo")),
        ({"evalDetail": "213|207"}, ("malformed_field", "evalDetail")),
        ({"evalDetail": "", "writingEvaluation": " "}, ("reason_required", "evalDetail")),
    ],
)
def test_a_fault_is_named_by_the_field_that_the_partner_knows(change, refused):
    assert refused in refusal("national", **NATIONAL | change)


def test_a_message_without_a_marker_is_of_no_known_type():
    assert refusal("national", projectNo="33-1") == [("unknown_type", "")]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_profile_that_leaves_a_map_open_is_not_loaded_and_the_map_is_named(path):
    whole = tomllib.loads(path.read_text("utf-8"))
    for code in whole["codes"]:
        open_profile = whole | {"codes": {name: held for name, held in whole["codes"].items() if name != code}}
        with pytest.raises((ValidationError, KeyError), match=code):
            Profile.model_validate(open_profile)


@pytest.mark.parametrize("field", ["satisfaction_direction", "time_format", "time_zone", "tag_separator", "dict_version", "region_width"])
def test_a_profile_must_declare_everything_that_differs_between_places(field):
    whole = tomllib.loads(FILES[0].read_text("utf-8"))
    with pytest.raises(ValidationError, match=field):
        Profile.model_validate({name: held for name, held in whole.items() if name != field})


def test_a_level_map_that_contradicts_the_declared_direction_is_not_loaded():
    whole = tomllib.loads(FILES[0].read_text("utf-8"))
    with pytest.raises(ValidationError, match="contradicts"):
        Profile.model_validate(whole | {"satisfaction_direction": "1_is_best"})


def test_a_rating_field_that_is_nowhere_is_named():
    whole = tomllib.loads(FILES[0].read_text("utf-8"))
    fields = {name: at for name, at in whole["rating"]["fields"].items() if name != "provenance"}
    with pytest.raises(ValidationError, match="provenance"):
        Profile.model_validate(whole | {"rating": whole["rating"] | {"fields": fields}})
