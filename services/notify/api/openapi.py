"""OpenAPI 3.1 of the door of notify, from the models that it parses and answers with; every refusal with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from cloud.answers import IAM, codes_of
from contract.refusals import Refusal
from notify.api import models
from notify.subscription import Asked, Subscription

if TYPE_CHECKING:
    from pydantic import BaseModel

    Schema = dict[str, Any]

_REF = "#/components/schemas/{model}"
_ANSWERS: tuple[type[BaseModel], ...] = (
    models.FeedPage,
    models.Subscribed,
    models.Subscriptions,
    Subscription,
    models.Tested,
    models.Rotated,
    models.Replayed,
    models.Deliveries,
    models.Days,
    models.DaySeen,
    models.SegmentSeen,
    Refusal,
)
_ASKED: tuple[type[BaseModel], ...] = (Asked, models.RotateAsked, models.ReplayAsked)
_TEXT: Schema = {"type": "string"}
_PROOF, _ONE = (401, 403), (401, 403, 404)
_NO_STORE: Schema = {"Cache-Control": {"schema": {"const": "no-store"}}}


def document() -> Schema:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "好差评 Haochaping",
            "version": "1",
            "description": "结果事件、订阅与台账 Result events by cursor, subscriptions, and the Ledger in bulk",
        },
        "paths": _feed() | _subscriptions() | _ledger(),
        "components": {"schemas": _schemas(), "securitySchemes": {"iam": IAM}},
    }


def _schemas() -> Schema:
    _, answers = models_json_schema([(model, "serialization") for model in _ANSWERS], ref_template=_REF)
    _, asked = models_json_schema([(model, "validation") for model in _ASKED], ref_template=_REF)
    refusals = {"type": "object", "properties": {"refusals": {"type": "array", "items": _ref("Refusal")}}, "required": ["refusals"]}
    # An id that a PUT leaves out is that of its path.
    changed = asked["$defs"]["Asked"] | {"required": [name for name in asked["$defs"]["Asked"]["required"] if name != "id"]}
    nothing = {"type": "object", "maxProperties": 0}
    return {**asked["$defs"], **answers["$defs"], "Changed": changed, "Nothing": nothing, "Refusals": refusals}


# ---------------------------------------------------------------- routes


def _feed() -> Schema:
    asked = _asked("按游标读取结果事件 Result events behind a cursor", "FeedPage", _query(models.FeedAsked), (*_PROOF, 422))
    lines = {"schema": {**_TEXT, "description": "一行一个 CloudEvent one CloudEvent in a line"}}
    found = asked["get"]["responses"]["200"]
    found["content"]["application/x-ndjson"] = lines
    told = {"next-cursor": "NDJSON: the cursor behind the last line", "more": "NDJSON: `true` while there is more now"}
    found["headers"] = _NO_STORE | {name: {"schema": _TEXT, "description": said} for name, said in told.items()}
    return {"/feed": asked}


def _subscriptions() -> Schema:
    one, id = "/subscriptions/{id}", [_in_path("id")]
    return {
        "/subscriptions": {
            **_asked("本方订阅 The party's subscriptions", "Subscriptions", [], _PROOF),
            **_does("post", "新增订阅 Adds a subscription", "Subscribed", [], (*_PROOF, 409, 413, 422), body="Asked", status=201),
        },
        one: {
            **_asked("订阅 A subscription", "Subscription", id, _ONE),
            **_does("put", "更改订阅 Changes a subscription", "Subscription", id, (*_ONE, 413, 422), body="Changed"),
            **_does("delete", "取消订阅 Ends a subscription", "Nothing", id, _ONE),
        },
        f"{one}/test": _does("post", "试推送 Sends a test at once", "Tested", id, _ONE),
        f"{one}/rotate": _does("post", "轮换密钥 Rotates the secret", "Rotated", id, (*_ONE, 413, 422), body="RotateAsked"),
        f"{one}/replay": _does(
            "post", "重放 Sends events once more", "Replayed", id, (*_ONE, 413, 422, 429), body="ReplayAsked", status=202
        ),
        f"{one}/deliveries": _asked("推送记录 What was delivered when", "Deliveries", [*id, *_query(models.DeliveriesAsked)], (*_ONE, 422)),
    }


def _ledger() -> Schema:
    day, number = _in_path("day"), _in_path("number")
    return {
        "/ledger/days": _asked("已封存的日 Closed days of the Ledger", "Days", _query(models.DaysAsked), (*_PROOF, 422)),
        "/ledger/days/{day}": _asked("某日及其分段 A day with its segments", "DaySeen", [day], _ONE),
        "/ledger/days/{day}/segments/{number}": _asked("分段文件的地址 Where a segment is", "SegmentSeen", [day, number], _ONE),
    }


def _asked(summary: str, answered: str, parameters: list[Schema], refused: tuple[int, ...]) -> Schema:
    return _does("get", summary, answered, parameters, refused)


def _does(
    method: str, summary: str, answered: str, parameters: list[Schema], refused: tuple[int, ...], *, body: str = "", status: int = 200
) -> Schema:
    party = {"name": "party", "in": "header", "required": True, "schema": _TEXT}
    taken = {"requestBody": {"required": body in {"Asked", "Changed", "ReplayAsked"}, **_json(body)}} if body else {}
    operation = {"summary": summary, "parameters": [party, *parameters], **taken, "responses": _responses(status, answered, refused)}
    return {method: operation | {"security": [{"iam": []}]}}


def _responses(status: int, answered: str, refused: tuple[int, ...]) -> Schema:
    refusals = {str(code): {"description": codes_of(code), "headers": _NO_STORE, **_json("Refusals")} for code in refused}
    return {str(status): {"description": "OK", "headers": _NO_STORE, **_json(answered)}} | refusals


def _query(model: type[BaseModel]) -> list[Schema]:
    """The parameters of a question, as the model reads them; none of them can be null."""
    schema = model.model_json_schema(ref_template=_REF)
    named = schema.get("$defs", {})
    return [{"name": name, "in": "query", "required": False, "schema": _plain(held, named)} for name, held in schema["properties"].items()]


def _plain(held: Schema, named: Schema) -> Schema:
    one = held["anyOf"][0] if "anyOf" in held else held
    return dict(named[one["$ref"].rpartition("/")[2]]) if "$ref" in one else one


def _json(name: str) -> Schema:
    return {"content": {"application/json": {"schema": _ref(name)}}}


def _ref(name: str) -> Schema:
    return {"$ref": _REF.format(model=name)}


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}
