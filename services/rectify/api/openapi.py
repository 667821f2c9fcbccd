"""OpenAPI 3.1 of the door for cases, from the models that it parses and answers with; every refusal with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from cloud.answers import IAM, codes_of
from contract.arrival import PROOF
from contract.commands import COMMAND_TYPE, CaseCommand
from contract.messages import Envelope
from contract.refusals import Refusal
from rectify.api.models import CarriedOut, CaseSeen, Decided, ProblemSeen, RaterSeen, WorkList
from rectify.api.worklists import Asked

if TYPE_CHECKING:
    from pydantic import BaseModel

    Schema = dict[str, Any]

_REF = "#/components/schemas/{model}"
_ANSWERS: tuple[type[BaseModel], ...] = (CarriedOut, Decided, CaseSeen, WorkList, RaterSeen, ProblemSeen, Refusal)
_ASKED: tuple[type[BaseModel], ...] = (CaseCommand, Envelope)
_TEXT: Schema = {"type": "string"}


def document() -> Schema:
    """The whole document. The route under `/signed` is there where the operator opened it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "好差评 Haochaping",
            "version": "1",
            "description": "差评整改工单 Cases of bad ratings, and what is done with them",
        },
        "paths": _paths(),
        "components": {"schemas": _schemas(), "securitySchemes": {"iam": IAM}},
    }


def _schemas() -> Schema:
    _, answers = models_json_schema([(model, "serialization") for model in _ANSWERS], ref_template=_REF)
    _, asked = models_json_schema([(model, "validation") for model in _ASKED], ref_template=_REF)
    refusals = {"type": "object", "properties": {"refusals": {"type": "array", "items": _ref("Refusal")}}, "required": ["refusals"]}
    command = {
        "allOf": [_ref("Envelope"), {"type": "object", "properties": {"type": {"const": COMMAND_TYPE}, "data": _ref("CaseCommand")}}]
    }
    return {**asked["$defs"], **answers["$defs"], "Refusals": refusals, "Command": command}


def _paths() -> Schema:
    case_id, command_id = _in_path("case_id"), _in_path("command_id")
    outcome = _asked("命令的结果 What a command of one's own led to", "Decided", [case_id, command_id], (401, 403, 404))
    return {
        "/cases/{case_id}/commands": _post([{"iam": []}]),
        "/signed/cases/{case_id}/commands": _post([]),
        "/cases/{case_id}/commands/{command_id}": outcome,
        "/cases/{case_id}": _asked("工单及其全过程 A case with its whole history", "CaseSeen", [case_id], (401, 403, 404)),
        "/cases": _asked("工作清单 A work list, page by page", "WorkList", _parameters(), (401, 403, 422)),
        "/receipts/{receipt}/case": _asked(
            "评价人凭回执查询 The case of a rating, for its rater", "RaterSeen", [_in_path("receipt")], (401, 403, 404)
        ),
        "/problems/{unit}/{problem}": _asked(
            "问题及其改进 A problem record", "ProblemSeen", [_in_path("unit"), _in_path("problem")], (401, 403, 422)
        ),
    }


def _post(security: list[Schema]) -> Schema:
    proof = [{"name": name, "in": "header", "required": True, "schema": _TEXT} for name in PROOF]
    body = {"required": True, "content": {"application/json": {"schema": _ref("Command")}}}
    operation = {"summary": "执行命令 Carries out a command", "requestBody": body, "parameters": [_in_path("case_id"), *proof]}
    return {"post": operation | {"responses": _responses("CarriedOut", (401, 403, 404, 409, 413, 422)), "security": security}}


def _asked(summary: str, answered: str, parameters: list[Schema], refused: tuple[int, ...]) -> Schema:
    party = {"name": "party", "in": "header", "required": True, "schema": _TEXT}
    operation = {"summary": summary, "parameters": [party, *parameters], "responses": _responses(answered, refused)}
    return {"get": operation | {"security": [{"iam": []}]}}


def _parameters() -> list[Schema]:
    """The parameters of a work list, as the model reads them; none of them can be null."""
    properties = Asked.model_json_schema(ref_template=_REF)["properties"]
    schemas = {name: held["anyOf"][0] if "anyOf" in held else held for name, held in properties.items()}
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in schemas.items()]


def _responses(answered: str, refused: tuple[int, ...]) -> Schema:
    kept = {"headers": {"Cache-Control": {"schema": {"const": "no-store"}}}}
    refusals = {str(status): {"description": codes_of(status), **kept, **_json("Refusals")} for status in refused}
    return {"200": {"description": "OK", **kept, **_json(answered)}} | refusals


def _json(name: str) -> Schema:
    return {"content": {"application/json": {"schema": _ref(name)}}}


def _ref(name: str) -> Schema:
    return {"$ref": _REF.format(model=name)}


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}
