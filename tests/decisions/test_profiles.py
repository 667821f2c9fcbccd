"""Wire formats are declared, never guessed: the same rating means the same whichever format carries it."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from contract.codes import Level, RatingChannel
from contract.messages import Rating, ServiceEvent
from contract.refusals import Refused
from haochaping.wire import CannotSay, encode, to_wire
from intake.interpret import interpret, spoken
from intake.profile import Profile, available, load
from said import AT, bad_rating, event, rating
from template_file import ROOT

PROFILES = ROOT / "services" / "intake" / "profiles"
IDS = [name for name in available() if name != "canonical"]
WITH = {name: [one for one in IDS if name in load(one).sections] for name in ("rating", "event")}

# What a format always means, so that a rating can be written in all of them.
SAYABLE = {name: dict(load(name).rating.constants) for name in WITH["rating"]}
SAYABLE["device"] |= {"rating_channel": "HALL_TABLET", "provenance": "SELF_DEVICE"}
SAYABLE["paper"]["entered_by"] = "0042"

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


def declared(profile: str) -> dict[str, Any]:
    return tomllib.loads((PROFILES / f"{profile}.toml").read_text("utf-8"))


def without(whole: dict[str, Any], *path: str) -> dict[str, Any]:
    """The declaration with one part of it taken out."""
    first, *rest = path
    return {name: without(held, *rest) if name == first else held for name, held in whole.items() if rest or name != first}


def said(profile: str, **wire: Any) -> Any:
    return interpret(json.dumps(wire, ensure_ascii=False), profile, "33")


def refusal(profile: str, **wire: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        said(profile, **wire)
    return [(reason.code, reason.field) for reason in refused.value.reasons]


def test_the_same_rating_in_two_wire_formats_is_the_same_rating():
    national, zhejiang = said("national", **NATIONAL), said("zhejiang", **ZHEJIANG)
    assert national.rating_channel is zhejiang.rating_channel is RatingChannel.SMS
    assert national.model_copy(update={"rater": None}) == zhejiang
    assert national.level is Level.DISSATISFIED
    assert national.tags == ("207", "213")


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("profile", WITH["rating"])
def test_one_rating_through_every_profile_is_one_record(profile, level):
    """What a format cannot say: who asked or typed it in, and the channel that the format itself is."""
    meant = bad_rating(level=level, tags=[f"{level.rank}10" if level.rank > 1 else "110"], rater=None)
    read = said(profile, **encode(bad_rating(**meant.plain() | {"rater": None} | SAYABLE[profile]), profile, "1", "party"))
    by_format = {"kind", "provenance", "rating_channel", "entered_by"}
    assert read.model_dump(exclude=by_format) == meant.model_dump(exclude=by_format)
    free_of_it = {name for name in by_format if name not in SAYABLE[profile]}
    assert read.model_dump(include=free_of_it) == meant.model_dump(include=free_of_it)


def test_the_same_digit_means_different_channels():
    assert said("national", **NATIONAL | {"pf": "6"}).rating_channel is RatingChannel.PHONE
    assert said("zhejiang", **ZHEJIANG | {"pf": "7"}).provenance == "DEFAULT"


@pytest.mark.parametrize("profile", WITH["event"])
@pytest.mark.parametrize(
    "message", [event(), event(status="ACCEPTED", finished_at=None, applicant={"certificate_type": "111", "certificate_number": "x"})]
)
def test_an_event_that_a_profile_writes_it_reads_again(profile, message):
    read = said(profile, **encode(message, profile, "1", "party"))
    kept = {"window": {"beijing", "fujian", "zhejiang"}, "staff_no": {"beijing", "fujian"}, "applicant": {"zhejiang"}}
    missing = {name for name, profiles in kept.items() if profile in profiles}
    assert read.model_dump(exclude=missing) == message.model_dump(exclude=missing)


@pytest.mark.parametrize("profile", WITH["rating"])
@pytest.mark.parametrize("changes", [{}, {"level": "VERY_DISSATISFIED", "tags": [], "comment": "等了两个小时"}])
def test_a_rating_that_a_profile_writes_it_reads_again(profile, changes):
    rater = {"certificate_type": "111", "certificate_number": "canary"}
    message = rating(**changes | {"rater": rater} | SAYABLE[profile])
    read = said(profile, **encode(message, profile, "1", "party"))
    missing = {"rater"} if profile in {"zhejiang", "sms"} else set()
    assert read.model_dump(exclude=missing) == message.model_dump(exclude=missing)


@pytest.mark.parametrize(
    ("message", "profile"),
    [
        (rating(), "beijing"),
        (event(), "hotline"),
        (rating(provenance="SELF_DEVICE"), "paper"),
        (rating(rating_channel="PAPER"), "national"),
    ],
)
def test_what_a_format_has_no_word_for_is_not_written(message, profile):
    with pytest.raises(CannotSay):
        encode(message, profile, "1", "party")


def test_the_handling_type_of_zhejiang_runs_the_other_way():
    wire = {name: to_wire(load(name), event(handling_type="INSTANT")) for name in ("national", "zhejiang")}
    assert (wire["national"]["projectType"], wire["zhejiang"]["promiseTime"]) == ("1", "2")


def test_the_scale_of_a_device_runs_the_other_way():
    worst = rating(**{"level": "VERY_DISSATISFIED", "tags": ["110"]} | SAYABLE["device"])
    wire = {name: to_wire(load(name), worst) for name in ("national", "device")}
    assert (wire["national"]["satisfaction"], wire["device"]["appraiseLevel"]) == ("1", "5")


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
        ({"taskType": "21"}, ("unknown_code", "taskType")),
        ({"handleUserPageType": "9", "handleUserPageCode": "1"}, ("unknown_code", "handleUserPageType")),
        ({"handleUserPageCode": "1"}, ("missing_field", "handleUserPageType")),
        ({"satisfaction": ["2"]}, ("malformed_field", "satisfaction")),
    ],
)
def test_a_fault_is_named_by_the_field_that_the_partner_knows(change, refused):
    assert refusal("national", **NATIONAL | change) == [refused]


def test_all_faults_are_named_at_once():
    wire = NATIONAL | {"satisfaction": "6", "assessTime": "now", "serviceNumber": "", "pf": "9"}
    expected = {
        ("unknown_level", "satisfaction"),
        ("bad_time", "assessTime"),
        ("missing_field", "serviceNumber"),
        ("unknown_channel", "pf"),
    }
    assert set(refusal("national", **wire)) == expected


def test_a_message_without_a_marker_is_of_no_known_type():
    assert refusal("national", projectNo="33-1") == [("unknown_type", "")]


def test_a_name_alone_is_nobody():
    wire = {name: value for name, value in NATIONAL.items() if name != "certKey"}
    assert said("national", **wire, userName="somebody").rater is None
    assert said("national", **NATIONAL, userName="somebody").rater.name == "somebody"


@pytest.mark.parametrize("wrong", ["", "call me", "12"])
def test_a_telephone_is_a_telephone_or_named(wrong):
    wire = encode(rating(rater=None, **SAYABLE["sms"]), "sms", "1", "party")
    if wrong:
        assert refusal("sms", **wire | {"mobile": wrong}) == [("malformed_field", "mobile")]
    else:
        assert said("sms", **wire | {"mobile": wrong}).rater is None


BEIJING = encode(event(), "beijing", "1", "party")


@pytest.mark.parametrize(
    ("wire", "refused"),
    [
        ({}, ("missing_field", "data")),
        ({"data": []}, ("malformed_field", "data")),
        ({"data": BEIJING["data"] * 2}, ("malformed_field", "data")),
        ({"data": [{"projectservice": {}}]}, ("missing_field", "data.projectService")),
        ({"data": [{"projectService": []}]}, ("malformed_field", "data.projectService")),
        ({"data": [{"projectService": 1}]}, ("malformed_field", "data.projectService")),
        ({"data": "not hex"}, ("cannot_decrypt", "data")),
    ],
)
def test_an_envelope_holds_one_record(wire, refused):
    assert refusal("beijing", **wire) == [refused]


def test_a_text_where_no_cipher_is_declared_is_no_record():
    whole = without(declared("beijing"), "ciphers")
    from intake.opening import record

    with pytest.raises(Refused, match="malformed_field"):
        record(Profile.model_validate(whole), {"data": "00"}, "")


def test_what_was_spoken_is_what_was_sent():
    assert spoken(json.dumps(NATIONAL), "national") == ("2", "213,207", "等了两个小时")
    assert spoken(json.dumps({"txnBodyCom": {"params": {"evaluate": [NATIONAL]}}}), "national") == spoken(json.dumps(NATIONAL), "national")
    assert spoken(json.dumps(NATIONAL | {"pf": "9", "projectNo": "1"}), "national") == spoken(json.dumps(NATIONAL), "national")
    assert spoken(json.dumps(BEIJING), "beijing") == (None, None, None)
    canonical = encode(bad_rating(), "canonical", "1", "party")
    assert spoken(json.dumps(canonical), "canonical") == ("DISSATISFIED", ["213"], "等了两个小时")
    assert spoken(json.dumps({"data": 1}), "canonical") == (None, None, None)
    with pytest.raises(Refused, match="not_json"):
        spoken("[]", "national")


# A profile that leaves something open is not loaded.


def incomplete(whole: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Profile.model_validate(whole)


@pytest.mark.parametrize("profile", IDS)
def test_a_profile_that_leaves_a_map_open_is_not_loaded_and_the_map_is_named(profile):
    whole = declared(profile)
    for code in whole["codes"]:
        incomplete(without(whole, "codes", code), rf"\[codes\.{code}\] is missing")


@pytest.mark.parametrize("profile", IDS)
def test_a_required_field_that_is_nowhere_is_named(profile):
    whole = declared(profile)
    for name, model in (("rating", Rating), ("event", ServiceEvent)):
        for kind in ("fields", "constants"):
            for field in whole.get(name, {}).get(kind, {}):
                if model.model_fields[field].is_required():
                    incomplete(without(whole, name, kind, field), f"does not say where {field} is")


# Table 16.1 of the handbook: what differs between places, beside the code maps.
@pytest.mark.parametrize(
    ("profile", "declaration"),
    [
        *((one, name) for one in IDS for name in ("time_format", "time_zone", "version", "valid_from", "project_no_rule")),
        *((one, name) for one in WITH["rating"] for name in ("satisfaction_direction", "tag_separator", "dict_version")),
        *((one, "region_width") for one in WITH["event"]),
    ],
)
def test_what_differs_between_places_is_declared(profile, declaration):
    incomplete(without(declared(profile), declaration), declaration)


@pytest.mark.parametrize("profile", WITH["rating"])
def test_a_level_map_that_contradicts_the_declared_direction_is_not_loaded(profile):
    whole = declared(profile)
    other = {"5_is_best": "1_is_best", "1_is_best": "5_is_best"}[whole["satisfaction_direction"]]
    incomplete(whole | {"satisfaction_direction": other}, "contradicts")
    incomplete(without(whole, "codes", "level", "3"), "contradicts")


@pytest.mark.parametrize("field", ["level", "round", "service_number", "project_no"])
def test_what_every_message_must_say_is_no_constant(field):
    whole = declared("national")
    whole["rating"]["constants"] = {field: "1"}
    incomplete(without(whole, "rating", "fields", field), "must be said by every message")


def test_who_typed_a_paper_form_in_is_declared():
    incomplete(without(declared("paper"), "rating", "fields", "entered_by"), "entered_by")


def test_where_an_import_comes_from_is_declared_and_read():
    whole = declared("national")
    whole["codes"]["provenance"] = {"1": "IMPORTED"}
    incomplete(whole, "imported_from")
    whole["rating"]["fields"]["imported_from"] = {"source": "from.system", "batch": "from.batch"}
    from intake.translate import translate

    wire = NATIONAL | {"pf": "1", "from": {"system": "old-hall", "batch": "7"}}
    read = translate(Profile.model_validate(whole), wire, "33")
    assert read.imported_from.plain() == {"source": "old-hall", "batch": "7"}
    assert to_wire(Profile.model_validate(whole), read)["from"] == wire["from"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rating": None, "event": None}, "neither"),
        ({"dict_version": "1999"}, "dict_version 1999"),
        ({"ciphers": [{"suite": "SM2", "text": "hex"}]}, "order"),
        ({"ciphers": [{"suite": "SM4-CBC", "text": "hex"}, {"suite": "SM4-ECB", "text": "hex"}]}, "same length"),
    ],
)
def test_a_profile_that_contradicts_itself_is_not_loaded(change, named):
    incomplete({name: held for name, held in (declared("national") | change).items() if held is not None}, named)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("codes", "kind", "1"), "SOMETIMES", "not in the list"),
        (("rating", "fields", "mood"), "mood", "no field of the message"),
        (("rating", "constants"), {"kind": "SOMETIMES"}, "not in its list"),
        (("rating", "constants"), {"kind": "VISIT"}, "a field as well"),
        (("rating", "persons", "rater", "certificates"), [{"number": "certKey"}], "needs a type"),
    ],
)
def test_a_slip_in_a_profile_is_named(path, value, named):
    whole = declared("national")
    *steps, last = path
    place = whole
    for step in steps:
        place = place[step]
    place[last] = value
    incomplete(whole, named)


@pytest.mark.parametrize("profile", IDS)
def test_a_profile_is_named_like_its_file_and_explains_itself_in_both_languages(profile):
    assert load(profile).id == profile
    head = (PROFILES / f"{profile}.toml").read_text("utf-8").partition("\nid = ")[0].splitlines()
    assert all(line.startswith("# ") for line in head)
    assert any(character > "一" for character in head[0])
    assert head[1].isascii() or "'" in head[1]


def test_a_profile_that_does_not_exist_is_not_made_up():
    with pytest.raises(FileNotFoundError):
        load("nowhere")


def test_times_keep_their_instant():
    assert said("national", **encode(event(), "national", "1", "party")).service_time == AT
