"""OpenAPI 3.1 of the door for cases, from the models that it parses and answers with; every refusal with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud import describing
from cloud.describing import BY_IAM, PARTY, TEXT, in_path, in_query, json_of, ref, responses, schemas_of
from contract.arrival import PROOF
from contract.commands import COMMAND_TYPE, CaseCommand
from contract.messages import Envelope
from contract.refusals import Refusal
from rectify.api.models import CarriedOut, CaseSeen, Decided, ProblemSeen, RaterSeen, WorkList
from rectify.api.worklists import Asked

if TYPE_CHECKING:
    from pydantic import BaseModel

    Schema = dict[str, Any]

_ANSWERS: tuple[type[BaseModel], ...] = (CarriedOut, Decided, CaseSeen, WorkList, RaterSeen, ProblemSeen, Refusal)
_ASKED: tuple[type[BaseModel], ...] = (CaseCommand, Envelope)


def document() -> Schema:
    """The whole document. The route under `/signed` is there where the operator opened it."""
    return describing.document("差评整改工单 Cases of bad ratings, and what is done with them", _paths(), _schemas())


def _schemas() -> Schema:
    command = {"allOf": [ref("Envelope"), {"type": "object", "properties": {"type": {"const": COMMAND_TYPE}, "data": ref("CaseCommand")}}]}
    return {**schemas_of(_ANSWERS, _ASKED), "Command": command}


def _paths() -> Schema:
    case_id, command_id = in_path("case_id"), in_path("command_id")
    outcome = _asked("命令的结果 What a command of one's own led to", "Decided", [case_id, command_id], (401, 403, 404))
    return {
        "/cases/{case_id}/commands": _post(BY_IAM),
        "/signed/cases/{case_id}/commands": _post([]),
        "/cases/{case_id}/commands/{command_id}": outcome,
        "/cases/{case_id}": _asked("工单及其全过程 A case with its whole history", "CaseSeen", [case_id], (401, 403, 404)),
        "/cases": _asked("工作清单 A work list, page by page", "WorkList", in_query(Asked, _schemas()), (401, 403, 422)),
        "/receipts/{receipt}/case": _asked(
            "评价人凭回执查询 The case of a rating, for its rater", "RaterSeen", [in_path("receipt")], (401, 403, 404)
        ),
        "/problems/{unit}/{problem}": _asked(
            "问题及其改进 A problem record", "ProblemSeen", [in_path("unit"), in_path("problem")], (401, 403, 422)
        ),
    }


def _post(security: list[Schema]) -> Schema:
    proof = [{"name": name, "in": "header", "required": True, "schema": TEXT} for name in PROOF]
    body = {"required": True, **json_of("Command")}
    operation = {"summary": "执行命令 Carries out a command", "requestBody": body, "parameters": [in_path("case_id"), *proof]}
    return {"post": operation | {"responses": responses(200, "CarriedOut", (401, 403, 404, 409, 413, 422)), "security": security}}


def _asked(summary: str, answered: str, parameters: list[Schema], refused: tuple[int, ...]) -> Schema:
    operation = {"summary": summary, "parameters": [PARTY, *parameters], "responses": responses(200, answered, refused)}
    return {"get": operation | {"security": BY_IAM}}
