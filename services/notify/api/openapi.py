"""OpenAPI 3.1 of the door of notify, from the models that it parses and answers with; every refusal with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud import describing
from cloud.describing import BY_IAM, NO_STORE, PARTY, TEXT, in_path, in_query, json_of, responses, schemas_of
from contract.refusals import Refusal
from notify.api import models
from notify.subscription import Asked, Subscription

if TYPE_CHECKING:
    from pydantic import BaseModel

    Schema = dict[str, Any]

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
_PROOF, _ONE = (401, 403), (401, 403, 404)


def document() -> Schema:
    """The whole document."""
    paths = _feed() | _subscriptions() | _ledger()
    return describing.document("结果事件、订阅与台账 Result events by cursor, subscriptions, and the Ledger in bulk", paths, _schemas())


def _schemas() -> Schema:
    schemas = schemas_of(_ANSWERS, _ASKED)
    # An id that a PUT leaves out is that of its path.
    changed = schemas["Asked"] | {"required": [name for name in schemas["Asked"]["required"] if name != "id"]}
    return {**schemas, "Changed": changed, "Nothing": {"type": "object", "maxProperties": 0}}


# ---------------------------------------------------------------- routes


def _feed() -> Schema:
    asked = _asked("按游标读取结果事件 Result events behind a cursor", "FeedPage", in_query(models.FeedAsked), (*_PROOF, 422))
    lines = {"schema": {**TEXT, "description": "一行一个 CloudEvent one CloudEvent in a line"}}
    found = asked["get"]["responses"]["200"]
    found["content"]["application/x-ndjson"] = lines
    told = {"next-cursor": "NDJSON: the cursor behind the last line", "more": "NDJSON: `true` while there is more now"}
    found["headers"] = NO_STORE | {name: {"schema": TEXT, "description": said} for name, said in told.items()}
    return {"/feed": asked}


def _subscriptions() -> Schema:
    one, id = "/subscriptions/{id}", [in_path("id")]
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
        f"{one}/deliveries": _asked(
            "推送记录 What was delivered when", "Deliveries", [*id, *in_query(models.DeliveriesAsked)], (*_ONE, 422)
        ),
    }


def _ledger() -> Schema:
    day, number = in_path("day"), in_path("number")
    return {
        "/ledger/days": _asked("已封存的日 Closed days of the Ledger", "Days", in_query(models.DaysAsked), (*_PROOF, 422)),
        "/ledger/days/{day}": _asked("某日及其分段 A day with its segments", "DaySeen", [day], _ONE),
        "/ledger/days/{day}/segments/{number}": _asked("分段文件的地址 Where a segment is", "SegmentSeen", [day, number], _ONE),
    }


def _asked(summary: str, answered: str, parameters: list[Schema], refused: tuple[int, ...]) -> Schema:
    return _does("get", summary, answered, parameters, refused)


def _does(
    method: str, summary: str, answered: str, parameters: list[Schema], refused: tuple[int, ...], *, body: str = "", status: int = 200
) -> Schema:
    taken = {"requestBody": {"required": body in {"Asked", "Changed", "ReplayAsked"}, **json_of(body)}} if body else {}
    operation = {"summary": summary, "parameters": [PARTY, *parameters], **taken, "responses": responses(status, answered, refused)}
    return {method: operation | {"security": BY_IAM}}
