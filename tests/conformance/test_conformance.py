"""The samples that partners read: every one is understood, or refused, exactly as it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from contract.messages import MESSAGES, Person
from contract.refusals import CATALOGUE, Refused
from contract.wire import MAX_BYTES
from haochaping import checking, schemas
from haochaping.cli import app
from intake.interpret import interpret
from intake.profile import available, load

HERE = Path(__file__).parent
VALID = sorted(HERE.glob("*/valid/*.json"))
INVALID = sorted(HERE.glob("*/invalid/*.json"))

# What a form or a code of a profile can be refused for; the rest rests on what is registered or stored.
BY_FORM = {
    "not_json",
    "unknown_type",
    "not_accepted_here",
    "cannot_decrypt",
    "missing_field",
    "unknown_field",
    "malformed_field",
    "bad_time",
    "unknown_level",
    "unknown_channel",
    "unknown_code",
    "bad_credit_code",
    "bad_item_code",
    "bad_region_code",
    "bad_project_no",
    "bad_service_number",
    "bad_round",
    "reason_required",
    "unknown_tag",
    "retired_tag",
    "tag_of_other_level",
}


def named(path: Path) -> str:
    return f"{path.parts[-3]}: {path.stem}"


def sample(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def understood(path: Path) -> Any:
    held = sample(path)
    return interpret(json.dumps(held["message"], ensure_ascii=False), path.parts[-3], "33", held.get("key", ""))


@pytest.mark.parametrize("path", VALID, ids=named)
def test_a_valid_sample_becomes_what_it_says(path):
    becomes = sample(path)["becomes"]
    said = understood(path)
    assert (type(said), said.plain()) == (MESSAGES[becomes["type"]], becomes["data"])
    Draft202012Validator(schemas.models()[becomes["type"]].model_json_schema()).validate(becomes["data"])


@pytest.mark.parametrize("path", INVALID, ids=named)
def test_an_invalid_sample_is_refused_for_what_it_says(path):
    with pytest.raises(Refused) as refused:
        understood(path)
    reasons = [{"code": reason.code, "field": reason.field} for reason in refused.value.reasons]
    assert sorted(reasons, key=str) == sorted(sample(path)["refused"], key=str)


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=named)
def test_a_sample_explains_itself_in_both_languages(path):
    assert all(sample(path)["about"][language] for language in ("zh", "en"))


@pytest.mark.parametrize("profile", available())
def test_every_profile_has_samples_of_everything_it_carries(profile):
    samples = [sample(path) for path in VALID if path.parts[-3] == profile]
    types = {"rating": "rating.v1", "event": "service-event.v1"}
    carried = MESSAGES.keys() - {"case-command.v1"} if profile == "canonical" else {types[name] for name in load(profile).sections}
    assert {held["becomes"]["type"] for held in samples} == carried
    levels = {held["becomes"]["data"].get("level") for held in samples}
    assert "rating.v1" not in carried or levels >= {"VERY_SATISFIED", "DISSATISFIED"}
    assert any(path.parts[-3] == profile for path in INVALID)


def test_every_code_that_a_form_can_be_refused_for_has_a_sample():
    assert {reason["code"] for path in INVALID for reason in sample(path)["refused"]} == BY_FORM
    assert CATALOGUE.keys() > BY_FORM


def test_every_field_has_a_label_and_only_the_stack_refuses_for_what_it_knows():
    fields = {field for name, model in MESSAGES.items() if name != "case-command.v1" for field in model.model_fields}
    assert fields == checking.LABELS.keys()
    stack = {*checking.AT_THE_DOOR, *(code for codes in checking.ONLY_THE_STACK.values() for code in codes)}
    assert stack < CATALOGUE.keys()
    assert not stack & BY_FORM


# The command that partners use.


def check(tmp_path: Path, text: str | bytes, *options: str, profile: str = "zhejiang") -> Any:
    file = tmp_path / "messages.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CliRunner().invoke(app, ["contract", "check", str(file), "--profile", profile, *options])


def message(profile: str, name: str) -> dict[str, Any]:
    return sample(HERE / profile / f"{name}.json")["message"]


@pytest.mark.slow
@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=named)
def test_the_command_says_the_same_as_the_sample(path, tmp_path):
    held = sample(path)
    (tmp_path / "key").write_text(held.get("key", "") + "\n")
    text = json.dumps(held["message"], ensure_ascii=False, indent=2)
    result = check(tmp_path, text, "--json", "--key-file", str(tmp_path / "key"), profile=path.parts[-3])
    (said,) = json.loads(result.stdout)
    assert (result.exit_code, said["accepted"]) == ((0, True) if "becomes" in held else (1, False))
    if "becomes" in held:
        assert {"type": said["type"], "data": said["data"]} == held["becomes"]
        assert set(said["only_the_stack"]) < CATALOGUE.keys()
    else:
        assert {reason["code"] for reason in said["refusals"]} == {reason["code"] for reason in held["refused"]}


@pytest.mark.slow
@pytest.mark.parametrize("path", VALID, ids=named)
def test_what_is_understood_is_shown_with_chinese_labels_and_no_person(path, tmp_path):
    held = sample(path)
    (tmp_path / "key").write_text(held.get("key", ""))
    result = check(tmp_path, json.dumps(held["message"]), "--key-file", str(tmp_path / "key"), profile=path.parts[-3])
    assert result.exit_code == 0
    for field, value in ((field, value) for field, value in held["becomes"]["data"].items() if value != []):
        assert f"{checking.LABELS[field]} {field}: " in result.stdout
        if field in {"rater", "agent", "applicant"}:
            assert set(value) <= Person.model_fields.keys()
            assert not any(said in result.stdout for part, said in value.items() if part in {"certificate_number", "phone"})


def test_a_file_of_several_messages_is_checked_line_by_line(tmp_path):
    good, bad = message("zhejiang", "valid/good-rating"), message("zhejiang", "invalid/wrong-level")
    result = check(tmp_path, f"\ufeff{json.dumps(good)}\n\n{json.dumps(bad)}\n{{broken\n")
    assert result.exit_code == 1
    assert "message 1: 理解为 understood as rating.v1" in result.stdout
    assert "  满意度 level: 非常满意 VERY_SATISFIED" in result.stdout
    assert "already_rated" in result.stdout
    assert "message 2: 会被拒收 would be refused\n  unknown_level  satisfaction" in result.stdout
    assert f"{CATALOGUE['unknown_level'].zh}\n    {CATALOGUE['unknown_level'].en}\n    可接受 accepted: 5, 4, 3, 2, 1" in result.stdout
    assert "message 3" in result.stdout
    assert "message 3: JSON Expecting property name" in result.stderr


def test_a_sample_may_be_checked_as_it_lies(tmp_path):
    for path in (HERE / "zhejiang" / "valid" / "sms-is-6.json", HERE / "beijing" / "valid" / "encrypted-by-sm2.json"):
        assert check(tmp_path, path.read_text("utf-8"), profile=path.parts[-3]).exit_code == 0


def test_a_broken_line_before_good_ones_hides_nothing(tmp_path):
    result = check(tmp_path, f"hello\n{json.dumps(message('zhejiang', 'valid/good-rating'))}\n")
    assert "可理解 understood 1, 会被拒收 refused 1" in result.stdout


def test_a_broken_document_is_one_message_and_the_place_is_named(tmp_path):
    result = check(tmp_path, '{\n  "satisfaction": "5",\n  "pf": \n}')
    assert result.exit_code == 1
    assert result.stdout.count("would be refused") == 1
    assert "line 4 column 1" in result.stderr


@pytest.mark.parametrize(
    ("text", "options", "complaint"),
    [
        ("{}", {"profile": "hunan"}, "available: canonical, beijing"),
        ("\n", {}, "holds no message"),
        ("中".encode("gb18030"), {}, "not UTF-8"),
    ],
)
def test_what_cannot_be_checked_is_one_clear_line(tmp_path, text, options, complaint):
    result = check(tmp_path, text, **options)
    assert (result.exit_code, complaint in result.stderr) == (1, True)


def test_a_file_that_is_not_there_is_named(tmp_path):
    result = CliRunner().invoke(app, ["contract", "check", str(tmp_path / "none.json"), "--profile", "zhejiang"])
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


def test_a_message_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    result = check(tmp_path, json.dumps("x" * MAX_BYTES), "--json")
    assert [reason["code"] for reason in json.loads(result.stdout)[0]["refusals"]] == ["too_large"]


def test_another_province_has_other_case_file_numbers(tmp_path):
    text = json.dumps(message("national", "valid/good-rating"))
    assert check(tmp_path, text, profile="national").exit_code == 0
    assert check(tmp_path, text, "--province", "37", profile="national").exit_code == 1


def test_the_profiles_are_listed_with_what_is_unconfirmed():
    listed = json.loads(CliRunner().invoke(app, ["contract", "profiles", "--json"]).stdout)
    assert [row["profile"] for row in listed] == list(available())
    assert next(row for row in listed if row["profile"] == "fujian")["unconfirmed"][0] == "satisfaction_direction"
    shown = CliRunner().invoke(app, ["contract", "profiles"])
    assert (shown.exit_code, "device" in shown.stdout) == (0, True)
