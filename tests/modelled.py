"""The services on the model of AWS: quick, and it crashes when told to."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cloud import clients
from cloud.settings import Settings
from cloud.table import marshal
from haochaping import provinces, stack
from haochaping.measure.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Crash(Exception):
    """The function dies: before a call takes effect, or after it, when nobody hears the answer."""


@contextmanager
def modelled() -> Iterator[Model]:
    """A stack in the model, with the registries of Zhejiang."""
    required = {name.upper(): name for name, field in Settings.model_fields.items() if field.is_required()}
    os.environ |= required | {"FLUSH_THREADS": "1", "PROVINCE_CODE": "33"}
    stack.forget()
    model = Model()
    model.attach(clients.dynamodb(), clients.sqs(), clients.s3(), clients.events(), clients.secretsmanager())
    for record in provinces.read("zhejiang").records():
        item = {"pk": f"{record.kind}#{record.id}", "sk": record.valid_from.isoformat(), "value": json.dumps(record.value)}
        model.tables.setdefault("registry_table", {})[(item["pk"], item["sk"])] = marshal(item)
    try:
        yield model
    finally:
        stack.forget()


def at_call(number: int, act: Callable[[], None]) -> Callable[[str], None]:
    """A hook of the model that acts once, at the n-th call."""
    calls = iter(range(1, 10**9))

    def hook(_: str) -> None:
        if next(calls) == number:
            act()

    return hook


def die() -> None:
    raise Crash


def quiet(model: Model) -> None:
    """Takes the hooks out."""
    model.before = model.after = lambda _: None
