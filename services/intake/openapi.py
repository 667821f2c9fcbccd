"""OpenAPI 3.1 of intake's HTTPS doors, from the models that they parse and answer with."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from cloud import describing
from cloud.answers import codes_of
from cloud.describing import in_path
from contract.arrival import PROOF
from contract.messages import MESSAGES, Envelope
from contract.refusals import Refusal
from intake.links import Answer, Redeemed
from intake.opinions import Opinion, Wanted
from intake.receipts import Standing
from intake.revealing import Question

_MODELS = {
    "Envelope": Envelope,
    "Refusal": Refusal,
    "Standing": Standing,
    "Answer": Answer,
    "Redeemed": Redeemed,
    "Question": Question,
    "Wanted": Wanted,
    "Opinion": Opinion,
    **MESSAGES,
}


def document() -> dict[str, Any]:
    """The whole document. Routes under `/signed` and `/rate` are there where the operator opened them."""
    return describing.document("政务服务评价接收 Intake of ratings of government services", _paths(), _schemas())


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for name, model in _MODELS.items():
        schema = TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {}) | {name: schema}
    batch = {name: {"type": "string"} for name in ("webhook-id", "webhook-timestamp", "webhook-signature", "body")}
    outcome = {"webhook-id": {"type": "string"}, "status": {"type": "integer"}, "receipt": {"type": "string"}, "refusals": _refusals()}
    return schemas | {
        "Refusals": {"type": "object", "properties": {"refusals": _refusals()}},
        "Receipt": {"type": "object", "properties": {"receipt": {"type": "string"}}},
        "Batch": {
            "type": "object",
            "properties": {"messages": _list({"type": "object", "properties": batch, "required": list(batch)}, 100)},
        },
        "Outcomes": {"type": "object", "properties": {"outcomes": _list({"type": "object", "properties": outcome}, 100)}},
    }


def _list(items: dict[str, Any], most: int | None = None) -> dict[str, Any]:
    return {"type": "array", "items": items} | ({"minItems": 1, "maxItems": most} if most else {})


def _refusals() -> dict[str, Any]:
    return _list({"$ref": "#/components/schemas/Refusal"})


def _paths() -> dict[str, Any]:
    proof = [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in PROOF]
    party = proof[:1]
    paths: dict[str, Any] = {}
    routes: tuple[tuple[str, list[Any]], ...] = (("", [{"iam": []}]), ("/signed", []))
    for prefix, security in routes:
        messages = _operation("提交一条消息 Sends one message", "Envelope", "Receipt", 202, (401, 403, 413, 422, 429), proof)
        batch = _operation("提交至多 100 条消息 Sends up to 100 messages", "Batch", "Outcomes", 202, (413, 422, 429), party)
        paths[f"{prefix}/messages"] = {"post": messages | {"security": security}}
        paths[f"{prefix}/messages/batch"] = {"post": batch | {"security": security}}
    token, receipt = (in_path(name) for name in ("token", "receipt"))
    return paths | {
        "/receipts/{receipt}": {
            "get": _operation("查询回执 What became of a message", None, "Standing", 200, (404,), [receipt]) | {"security": [{"iam": []}]}
        },
        "/rate/{token}": {
            "get": _operation("评价页所需内容 What a rating page shows", None, None, 200, (403, 404, 410), [token]),
            "post": _operation("提交评价 Stores the rating", "Answer", "Redeemed", 200, (403, 404, 409, 410, 422), [token]),
        },
        "/opinions": {
            "post": _operation(
                "查询差评内容 Reads what a bad rating says, to put it right", "Wanted", "Opinion", 200, (401, 403, 422), party
            )
            | {"security": [{"iam": []}]}
        },
        "/identities": {
            "post": _operation("查询身份 Reads an identity, for a purpose", "Question", None, 200, (404, 422), [])
            | {"security": [{"iam": []}]}
        },
    }


def _operation(
    summary: str, body: str | None, answer: str | None, status: int, refused: tuple[int, ...], parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    responses = {str(status): _content(answer, "OK")} | {str(code): _content("Refusals", codes_of(code)) for code in refused}
    operation: dict[str, Any] = {"summary": summary, "responses": responses}
    if body:
        operation["requestBody"] = _content(body, "") | {"required": True}
    return operation | ({"parameters": parameters} if parameters else {})


def _content(schema: str | None, description: str) -> dict[str, Any]:
    held = {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}
    content: dict[str, Any] = {"content": {"application/json": {"schema": held}}}
    return content | ({"description": description} if description else {})
