"""Whether an answer of a door is what its OpenAPI says of the route and the status."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Callable


class Description:
    """The description of a door, made when it is first asked for."""

    def __init__(self, made: Callable[[], dict[str, Any]]) -> None:
        self._made = made
        self._validators: dict[tuple[str, str, int], Draft202012Validator] = {}

    @cached_property
    def document(self) -> dict[str, Any]:
        """The description as it is answered: plain JSON."""
        return json.loads(json.dumps(self._made()))

    def faults(self, method: str, path: str, status: int, body: Any) -> list[Any]:
        """In what an answer differs from its description."""
        asked = (method.lower(), path, status)
        if asked not in self._validators:
            self._validators[asked] = self._validator(*asked)
        return list(self._validators[asked].iter_errors(body))

    def _validator(self, method: str, path: str, status: int) -> Draft202012Validator:
        parts = path.strip("/").split("/")
        (held,) = [operations for route, operations in self.document["paths"].items() if _fits(route.strip("/").split("/"), parts)]
        content = held[method]["responses"][str(status)]["content"]
        return Draft202012Validator({**content["application/json"]["schema"], "components": self.document["components"]})


def _fits(route: list[str], parts: list[str]) -> bool:
    return len(route) == len(parts) and all(one.startswith("{") or one == other for one, other in zip(route, parts, strict=True))
