"""JSON Schemas of every message and event and the OpenAPI of the doors, generated from the contract into `infra/schemas`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.commands import COMMAND_TYPE, CaseCommand
from contract.events import EVENTS
from contract.messages import MESSAGES, Envelope
from contract.refusals import Refusal
from intake import openapi
from rectify.api import openapi as openapi_cases
from scoring.api import openapi as openapi_scores
from scoring.published.results import Result

if TYPE_CHECKING:
    from pydantic import BaseModel

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"


def models() -> dict[str, type[BaseModel]]:
    """File name (without `.json`) of every published schema."""
    events = {f"{name}.v1": event for name, event in EVENTS.items()}
    return {"envelope": Envelope, "refusal": Refusal, "result": Result, **MESSAGES, COMMAND_TYPE: CaseCommand, **events}


def text_of(model: type[BaseModel]) -> str:
    """The schema as it stands in the file."""
    return _text(model.model_json_schema())


def files() -> dict[str, str]:
    """Every generated file: its name (without `.json`) and its text."""
    doors = {"openapi": openapi.document(), "openapi-cases": openapi_cases.document(), "openapi-scores": openapi_scores.document()}
    return {name: text_of(model) for name, model in models().items()} | {name: _text(document) for name, document in doors.items()}


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
