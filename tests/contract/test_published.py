"""What partners rely on: schemas are current, golden samples keep parsing, every event and code has its place in the documentation."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cloud import secrets
from contract.codes import ActorRole
from contract.commands import COMMAND_TYPE, COMMANDS
from contract.events import EVENTS
from contract.messages import MESSAGES
from contract.refusals import CATALOGUE
from haochaping import schemas
from haochaping.sending import Letter
from rectify.authority import MAY
from said import bad_rating, event, rating
from template_file import ROOT

SAMPLES = ROOT / "tests" / "contract" / "samples"
CONTRACT = (ROOT / "docs" / "contract.md").read_text("utf-8")


def still_says(now: Any, sample: Any) -> bool:
    """Whether everything in the sample is read as it was written; what was added since has its default."""
    if isinstance(sample, dict):
        return all(name in now and still_says(now[name], held) for name, held in sample.items())
    return now == sample


@pytest.mark.parametrize("name", schemas.files())
def test_a_schema_is_current(name):
    committed = schemas.SCHEMAS / f"{name}.json"
    assert committed.read_text("utf-8") == schemas.files()[name], "run `make schemas` and commit"


def test_no_schema_is_left_over():
    assert {path.stem for path in schemas.SCHEMAS.glob("*.json")} == schemas.files().keys()


@pytest.mark.parametrize("name", [*MESSAGES, COMMAND_TYPE, *(f"{event}.v1" for event in EVENTS)])
def test_a_golden_sample_still_parses_and_satisfies_its_schema(name):
    sample = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    model = schemas.models()[name]
    assert still_says(model.model_validate(sample).model_dump(mode="json", exclude_none=True), sample)
    Draft202012Validator(json.loads((schemas.SCHEMAS / f"{name}.json").read_text("utf-8"))).validate(sample)


@pytest.mark.parametrize("said", [event(), rating(), bad_rating()])
def test_what_is_said_satisfies_its_schema(said):
    name = next(name for name, model in MESSAGES.items() if isinstance(said, model))
    Draft202012Validator(schemas.models()[name].model_json_schema()).validate(said.plain())


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_refusal_code_is_documented_in_both_languages(code):
    sentence = CATALOGUE[code]
    assert f"| `{code}` | {sentence.zh} | {sentence.en} |" in CONTRACT


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_and_its_fields_are_documented(name):
    page = CONTRACT.partition(f"### {name}")[2].partition("\n### ")[0]
    for field in EVENTS[name].model_fields:
        assert f"`{field}`" in page
    assert f"From {EVENTS[name].service}" in " ".join(page.split())
    assert f"Severity: `{EVENTS[name].severity}`" in page
    assert "History: version 1" in page


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_and_its_fields_are_documented(name):
    page = CONTRACT.partition(f"### {name}")[2].partition("\n### ")[0]
    for field in MESSAGES[name].model_fields:
        assert f"`{field}`" in page


def test_every_command_its_fields_and_its_roles_are_documented():
    page = CONTRACT.partition(f"### {COMMAND_TYPE}")[2].partition("\n## ")[0]
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith("| `")}
    for action, command in COMMANDS.items():
        assert action.zh in rows[action]
        for field in command.model_fields:
            assert f"`{field}`" in rows[action] or f"`{field}`" in rows.get(field, "")
        roles = rows[action].split("|")[3]
        assert {role for role in ActorRole if f"`{role}`" in roles} == {role for role, may in MAY.items() if action in may}


def test_events_are_frozen_and_ignore_what_later_versions_add():
    sample = json.loads((SAMPLES / "CaseOverdue.v1.json").read_text("utf-8"))
    overdue = EVENTS["CaseOverdue"].model_validate(sample | {"added_later": 1})
    with pytest.raises(ValueError, match="frozen"):
        overdue.case_id = "another"


def test_the_example_of_the_documentation_is_accepted(bed):
    sending = CONTRACT.partition("## Sending")[2].partition("\n## ")[0]
    blocks = dict(re.findall(r"```(json|python)\n(.*?)```", sending, re.S))
    written: dict[str, Any] = {}
    exec(blocks["python"], written)  # noqa: S102 - the documentation's own example
    message = Letter("hall-devices", "example-1", blocks["json"])
    secret = secrets.signing_secrets("party/hall-devices")[0]
    proof = written["proof"](message.party, message.webhook_id, message.body, secret)
    assert bed.accept(message, **{name.replace("-", "_"): value for name, value in proof.items()}) == []
    assert len(bed.items("LedgerTable", "E#")) == 1
