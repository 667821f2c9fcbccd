"""The base of everything that is parsed or published."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value. Unknown fields are refused, so that a mistyped name is heard of rather than lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def plain(self) -> dict[str, Any]:
        """The value as JSON types, without the fields that are not set."""
        return self.model_dump(mode="json", exclude_none=True)
