"""What ratings and services named without its being registered, as intake reported it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, ConfigDict

from cloud.settings import settings
from cloud.table import query
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gap(Model):
    """One thing that was named and is not registered."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    id: str
    organisation: str | None = None
    first_seen: AwareDatetime


def of_day(day: str) -> Iterator[Gap]:
    """The gaps of a day (YYYY-MM-DD, Asia/Shanghai), by kind and id."""
    for item in query(settings().registry_table, f"gap#{day}"):
        yield Gap.model_validate(json.loads(item["value"]))
