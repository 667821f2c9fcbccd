"""What the OpenAPI 3.1 of every door has in common: its head, references, parameters, and answers with their refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from cloud.answers import IAM, codes_of

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from pydantic import BaseModel

    Schema = dict[str, Any]

_REF = "#/components/schemas/{model}"
TEXT: Schema = {"type": "string"}
NO_STORE: Schema = {"Cache-Control": {"schema": {"const": "no-store"}}}
PARTY: Schema = {"name": "party", "in": "header", "required": True, "schema": TEXT}
BY_IAM: list[Schema] = [{"iam": []}]


def document(description: str, paths: Schema, schemas: Schema) -> Schema:
    """The whole document of a door."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "好差评 Haochaping", "version": "1", "description": description},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"iam": IAM}},
    }


def schemas_of(answers: Sequence[type[BaseModel]], asked: Sequence[type[BaseModel]]) -> Schema:
    """The models that are answered and asked with, by name; and what is answered where something is refused."""
    _, answered = models_json_schema([(model, "serialization") for model in answers], ref_template=_REF)
    _, taken = models_json_schema([(model, "validation") for model in asked], ref_template=_REF)
    refusals = {"type": "object", "properties": {"refusals": {"type": "array", "items": ref("Refusal")}}, "required": ["refusals"]}
    return {**taken["$defs"], **answered["$defs"], "Refusals": refusals}


def responses(status: int, answered: str, refused: Sequence[int]) -> Schema:
    """An answer and the refusals of a route, none of which is kept on the way."""
    refusals = {str(code): {"description": codes_of(code), "headers": NO_STORE, **json_of("Refusals")} for code in refused}
    return {str(status): {"description": "OK", "headers": NO_STORE, **json_of(answered)}} | refusals


def in_query(model: type[BaseModel], schemas: Container[str] = ()) -> list[Schema]:
    """The parameters of a question, as the model reads them; none of them can be null. To these schemas of the document is referred."""
    schema = model.model_json_schema(ref_template=_REF)
    named = {name: held for name, held in schema.get("$defs", {}).items() if name not in schemas}
    return [{"name": name, "in": "query", "required": False, "schema": _plain(held, named)} for name, held in schema["properties"].items()]


def _plain(held: Schema, named: Schema) -> Schema:
    one: Schema = held["anyOf"][0] if "anyOf" in held else held
    return dict(named.get(one["$ref"].rpartition("/")[2], one)) if "$ref" in one else one


def in_path(name: str, schema: Schema = TEXT) -> Schema:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": schema}


def json_of(name: str) -> Schema:
    """A body of JSON by the name of its schema."""
    return {"content": {"application/json": {"schema": ref(name)}}}


def ref(name: str) -> Schema:
    """Where a schema stands."""
    return {"$ref": _REF.format(model=name)}
