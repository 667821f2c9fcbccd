"""JSON Schemas of every message and event, OpenAPI of the doors and AsyncAPI, generated from the contract into `infra/schemas`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.commands import COMMAND_TYPE, CaseCommand
from contract.events import EVENTS
from contract.messages import MESSAGES, Envelope
from contract.refusals import Refusal
from haochaping import asyncapi
from intake import openapi
from notify.api import openapi as openapi_notify
from notify.api.models import CloudEvent
from rectify.api import openapi as openapi_cases
from scoring.api import openapi as openapi_scores
from scoring.published.results import Result

if TYPE_CHECKING:
    from pydantic import BaseModel

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"


def models() -> dict[str, type[BaseModel]]:
    """File name (without `.json`) of every published schema."""
    events = {f"{name}.v1": event for name, event in EVENTS.items()}
    said = {**MESSAGES, COMMAND_TYPE: CaseCommand, **events}
    return {"envelope": Envelope, "cloud-event": CloudEvent, "refusal": Refusal, "result": Result, **said}


def text_of(model: type[BaseModel]) -> str:
    """The schema as it stands in the file."""
    return _text(model.model_json_schema())


def files() -> dict[str, str]:
    """Every generated file: its name (without `.json`) and its text."""
    documents = {
        "openapi": openapi.document(),
        "openapi-cases": openapi_cases.document(),
        "openapi-notify": openapi_notify.document(),
        "openapi-scores": openapi_scores.document(),
        "asyncapi": asyncapi.document(),
    }
    return {name: text_of(model) for name, model in models().items()} | {name: _text(document) for name, document in documents.items()}


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def write() -> list[Path]:
    """Writes every schema, removes what is no longer published, and returns the paths."""
    SCHEMAS.mkdir(exist_ok=True)
    wanted = {SCHEMAS / f"{name}.json": text for name, text in files().items()}
    for stale in set(SCHEMAS.glob("*.json")) - wanted.keys():
        stale.unlink()
    for path, text in wanted.items():
        path.write_text(text, "utf-8")
    return sorted(wanted)
