"""OpenAPI 3.1 of the read API: every figure with what may be withheld of it (null), every refusal with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from cloud import describing
from cloud.answers import codes_of
from cloud.describing import BY_IAM, PARTY, TEXT, in_path, ref
from contract.codes import Aspect, CaseMeasure, ExclusionReason, Flag, Level, ObjectType, Provenance, Signal
from contract.refusals import Refusal
from scoring.counters import UNSTATED
from scoring.figures.covered import Kind
from scoring.figures.indicators import INDICATORS, ROWS
from scoring.nodes import KINDS, OF_AN_ORGANISATION, REGIONS
from scoring.published.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    Schema = dict[str, Any]

# Withheld numbers are null.
_INTEGER: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": ["integer", "null"]}
_SHARE: Schema = {"type": ["number", "null"]}
_WEIGHT: Schema = {"type": "number", "minimum": 0}
_DAY: Schema = {"type": "string", "format": "date"}
_PERIOD: Schema = {
    "type": "string",
    "pattern": "^[0-9]{4}(-Q[1-4]|-[0-9]{2}(-[0-9]{2})?)?$",
    "examples": ["2026-11-24", "2026-11", "2026-Q4", "2026"],
}
_REGION: Schema = {"type": "string", "pattern": "^[1-9][0-9]{11}$"}
_REASONS = (*ExclusionReason, UNSTATED)
_NAMES = {"zh": TEXT, "en": TEXT}
_RATE = {"numerator": _NUMBER, "denominator": _NUMBER, "rate": _SHARE}


def document() -> Schema:
    """The whole document."""
    return describing.document("政务服务评价统计查询 Figures of ratings of government services", _paths(), _schemas())


# ---------------------------------------------------------------- schemas


def _schemas() -> Schema:
    return {
        "Refusal": TypeAdapter(Refusal).json_schema(mode="serialization"),
        "Refusals": _object({"refusals": _list(ref("Refusal"))}),
        "Node": _object({"kind": {"enum": list(KINDS)}, "id": TEXT, **_NAMES}),
        "Figures": _figures(),
        "Score": _answer({"total": _NUMBER, "figures": ref("Figures"), "days": _list(ref("Day"))}, optional=("days",)),
        "Day": _object({"day": _DAY, "total": _NUMBER, "figures": ref("Figures")}),
        "Ranking": _ranking(),
        "Coverage": _answer({"coverage": _coverage()}),
        "Causes": _answer({"causes": _list(_cause())}),
        "Signals": _answer({"signals": _list(_signal())}),
        "Index": _answer({"index": _index()}),
        "Result": TypeAdapter(Result).json_schema(mode="serialization", ref_template="#/components/schemas/Result/$defs/{model}"),
        "Results": _object({"region": _REGION, "results": _list(_revision())}),
    }


def _answer(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    """What is said of a node, with what every answer begins with."""
    head = {"node": ref("Node"), "period": _PERIOD, "policy_version": TEXT, "min_n": _INTEGER}
    return _object(head | properties, optional)


def _figures() -> Schema:
    levels = _map(_NUMBER, Level)
    rates = {name: _object(_RATE) | {"title": f"{held.zh} {held.en}"} for name, held in INDICATORS.items()}
    return _object(
        {
            "ratings": _object(dict.fromkeys(ROWS, levels)),
            **dict.fromkeys(("follow_ups", "general", "supervisory"), levels),
            "excluded": _map(_NUMBER, _REASONS),
            "objects": _map(levels, ObjectType),
            "tags": _map(_NUMBER),
            "flags": _map(_NUMBER, Flag),
            "finished": _NUMBER,
            "rated": _map(_NUMBER, Provenance),
            "cases": _map(_NUMBER, CaseMeasure),
            "decided": _map(_NUMBER, _REASONS),
            "restored": _map(_NUMBER, _REASONS),
            "indicators": _object(rates),
        }
    )


def _ranking() -> Schema:
    place = {"id": TEXT, "rank": _NUMBER, "moved": _NUMBER, **_RATE, "low": _SHARE, "high": _SHARE, **_NAMES}
    order = _object({"bound": {"enum": ["low", "high", "mean"]}, **_NAMES})
    return _answer(
        {
            "kind": {"enum": _RANKED},
            "before": _PERIOD,
            "indicator": {"enum": list(INDICATORS)},
            **_NAMES,
            "ordered_by": order,
            "confidence": _SHARE,
            "places": _list(_object(place)),
        }
    )


def _coverage() -> Schema:
    missing = {"anyOf": [_map(_NUMBER), {"type": "null"}]}
    dimension = {"kind": {"enum": list(Kind)}, **_NAMES, "numerator": _INTEGER, "denominator": _INTEGER, "rate": _SHARE, "missing": missing}
    return _object(
        {
            "of": TEXT,
            "period": _PERIOD,
            "on": _DAY,
            "dimensions": _list(_object(dimension)),
            "without_channel": _list(TEXT),
            "unlisted_items": _NUMBER,
            "unlisted_organisations": _NUMBER,
            "unknown_windows": missing,
        }
    )


def _cause() -> Schema:
    named = dict.fromkeys(("tag", "zh", "en", "item", "item_zh", "item_en", "organisation", "month"), TEXT)
    numbers = ("number", "confirmed", "not_confirmed", "not_checkable", "ratings", "number_before", "ratings_before")
    return _object({**named, **dict.fromkeys(numbers, _NUMBER), "change": _SHARE})


def _signal() -> Schema:
    words: Schema = {"type": ["string", "null"]}
    evidence = dict.fromkeys(("dominant", "dominant_zh", "dominant_en"), words)
    return _object(
        {"signal": {"enum": list(Signal)}, **_NAMES, "numerator": _INTEGER, "denominator": _INTEGER, "ratings": _INTEGER, **evidence}
    )


def _index() -> Schema:
    scale = {"weight": _WEIGHT, "floor": _WEIGHT, "target": _WEIGHT, "source": TEXT}
    part = {"indicator": TEXT, **_NAMES, "aspect": {"enum": list(Aspect)}, **scale, **_RATE, "score": _SHARE}
    judged = {"score": _SHARE, "weight": _WEIGHT, "judged_weight": _WEIGHT, "parts": _list(_object(part))}
    aspects = _list(_object({"aspect": {"enum": list(Aspect)}, **_NAMES, **judged}))
    return _object({"score": _SHARE, "covered": _WEIGHT, "without_data": _list(TEXT), "version": TEXT, "aspects": aspects})


def _revision() -> Schema:
    texts = dict.fromkeys(("sha256", "policy_version", "code_version"), TEXT)
    return _object({"period": _PERIOD, "revision": _INTEGER, "published_on": _DAY, **texts})


def _object(properties: Schema, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _map(values: Schema, names: Iterable[str] = ()) -> Schema:
    known = list(names)
    return {"type": "object", "additionalProperties": values} | ({"propertyNames": {"enum": known}} if known else {})


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


# ---------------------------------------------------------------- paths

_RANKED = ["organisation", "region", "base", *OF_AN_ORGANISATION]


def _paths() -> Schema:
    indicator = _in_query("indicator", {"enum": list(INDICATORS), "default": "good_rate"}, required=False)
    by_day = _in_query("by", {"enum": ["day"]}, required=False)
    flat = [kind for kind in KINDS if kind not in {"window", "staff"}]
    organisation, period = in_path("organisation"), in_path("period", _PERIOD)
    revision = _in_query("revision", {"type": "integer", "minimum": 1}, required=False)
    region = _in_query("region", _REGION, required=False)
    return {
        "/scores/{kind}/{id}": _asked("节点数据 Figures of a node", "Score", [in_path("kind", {"enum": flat}), in_path("id"), by_day]),
        "/scores/{kind}/{id}/{code}": _asked(
            "窗口或人员数据 Figures of a window or a member of staff",
            "Score",
            [in_path("kind", {"enum": ["window", "staff"]}), in_path("id"), in_path("code"), by_day],
        ),
        "/rankings/{kind}/{of}": _asked(
            "排名 Siblings by an indicator", "Ranking", [in_path("kind", {"enum": _RANKED}), in_path("of"), indicator]
        ),
        "/coverage/{kind}/{id}": _asked(
            "三个全覆盖 Coverage", "Coverage", [in_path("kind", {"enum": [*REGIONS, "organisation"]}), in_path("id")]
        ),
        "/causes/{organisation}": _asked("差评原因 Causes of bad ratings in a month", "Causes", [organisation]),
        "/signals/{organisation}": _asked("异常信号 What asks for a look", "Signals", [organisation]),
        "/index/{organisation}": _asked("评价指数 The index with its parts", "Index", [organisation]),
        "/results": _got("已公布结果目录 What is published", _json(ref("Results")), [region], (422,)),
        "/results/{period}": _file("已公布结果 A published result", _json(ref("Result")), [period, revision, region]),
        "/results/{period}/page": _file("已公布结果网页 The same as a page", _html(), [period, revision, region]),
    }


def _asked(summary: str, answer: str, parameters: list[Schema]) -> Schema:
    """A route that a party asks about a period."""
    return _got(summary, _json(ref(answer)), [PARTY, *parameters, _in_query("period", _PERIOD)], (401, 403, 404, 422))


def _got(summary: str, content: Schema, parameters: list[Schema], refused: tuple[int, ...]) -> Schema:
    known = {"name": "If-None-Match", "in": "header", "required": False, "schema": TEXT}
    kept = {name: {"schema": TEXT} for name in ("ETag", "Cache-Control")}
    responses = {
        "200": {"description": "OK", "headers": kept, **content},
        "304": {"description": "与已有内容相同 The same as before", "headers": kept},
        **{str(status): {"description": codes_of(status), **_json(ref("Refusals"))} for status in refused},
    }
    return {"get": {"summary": summary, "parameters": [*parameters, known], "responses": responses, "security": BY_IAM}}


def _file(summary: str, content: Schema, parameters: list[Schema]) -> Schema:
    """A file, or where it can be had if it is too long for an answer."""
    route = _got(summary, content, parameters, (404, 422))
    route["get"]["responses"]["303"] = {
        "description": "文件较大，另处下载 Too long: to be had there",
        "headers": {"Location": {"schema": TEXT}},
    }
    return route


def _json(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _html() -> Schema:
    return {"content": {"text/html": {"schema": TEXT}}}


def _in_query(name: str, schema: Schema, *, required: bool = True) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": schema}
