"""What Registry holds of each kind: regions, organisations, windows, staff, platforms, and items with their guides.

A record is valid from its date until the next one of the same id. What a record does not say is not stored, so that a field which is
added later changes none of the older ones.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

# Seen by pydantic at run time.
from contract.codes import HandlingType, RatingChannel, ServiceChannel
from contract.identifiers import RegionCode, Uscc
from contract.messages import Limit, Short
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

Paragraph = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Points = Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=500)], ...], Field(min_length=1, max_length=50)]


class Listed(StrEnum):
    """A value of a list of the registries, with its labels."""

    zh: str
    en: str

    def __new__(cls, value: str, zh: str, en: str) -> Self:
        """A member; the labels are its attributes."""
        member = str.__new__(cls, value)
        member._value_, member.zh, member.en = value, zh, en
        return member


class Succession(Listed):
    """How a region ended."""

    MERGE = ("MERGE", "合并", "merged into another")
    SPLIT = ("SPLIT", "拆分", "split among several")
    RENAME = ("RENAME", "更名", "goes on under another code")


class Line(Listed):
    """From where an organisation is run: by its region, or by its own line (tax, customs …)."""

    REGION = ("REGION", "属地管理", "run by its region")
    VERTICAL = ("VERTICAL", "垂直管理", "run from above")


class ItemType(Listed):
    """事项类型 (GB/T 39046-2020 A.1). By name only: local systems use the same digits for other types."""

    ADMINISTRATIVE_POWER = ("ADMINISTRATIVE_POWER", "行政权力事项", "administrative power")
    LICENCE = ("LICENCE", "行政许可", "administrative licence")
    PENALTY = ("PENALTY", "行政处罚", "administrative penalty")
    COERCION = ("COERCION", "行政强制", "administrative coercion")
    LEVY = ("LEVY", "行政征收", "administrative levy")
    PAYMENT = ("PAYMENT", "行政给付", "administrative payment")
    INSPECTION = ("INSPECTION", "行政检查", "administrative inspection")
    CONFIRMATION = ("CONFIRMATION", "行政确认", "administrative confirmation")
    REWARD = ("REWARD", "行政奖励", "administrative reward")
    ADJUDICATION = ("ADJUDICATION", "行政裁决", "administrative adjudication")
    OTHER_POWER = ("OTHER_POWER", "其他行政权力", "other administrative power")
    PUBLIC_SERVICE = ("PUBLIC_SERVICE", "公共服务", "public service")


class Registered(Model):
    """The content of a record."""

    def plain(self) -> dict[str, Any]:
        """The content as JSON types, without what is not said."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


class Closed(Model):
    """The end of a region: how, and the regions that stand in its place. Facts keep the code that was valid on their date."""

    kind: Succession
    successors: Annotated[tuple[RegionCode, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _as_many_as_the_kind_has(self) -> Self:
        if (len(set(self.successors)) > 1) != (self.kind is Succession.SPLIT):
            raise PydanticCustomError("bad_succession", "one successor, or several after a split", {"field": "successors"})
        return self


class Region(Registered):
    """行政区划, under its 12 digits. It ends with a record that says `closed`.

    `managing_org` is its 政务服务管理机构, to which a case goes whose unit nobody knows.
    """

    zh: Short
    en: Short
    managing_org: Uscc | None = None
    closed: Closed | None = None


class Organisation(Registered):
    """实施机构, under its credit code. `sector` is the line of work (人社, 税务 …) whose department looks across regions."""

    region_code: RegionCode
    zh: Short
    en: Short | None = None
    line: Line = Line.REGION
    sector: Short | None = None
    parent: Uscc | None = None


class Window(Registered):
    """窗口, under its organisation and its own name there."""

    organisation: Uscc
    zh: Short
    en: Short | None = None


class Staff(Registered):
    """A member of staff, under the organisation and the staff number there. The name is personal data."""

    organisation: Uscc
    zh: Short
    en: Short | None = None


class Platform(Registered):
    """A platform through which services are given or rated: system, hotline, mobile, self-service."""

    organisation: Uscc
    region_code: RegionCode
    zh: Short
    en: Short | None = None
    rating_channel: RatingChannel | None = None


class Item(Registered):
    """政务服务事项 with its guide (国办发〔2019〕51号, 二(二)), under its task code (31) or handling-item code (33 characters).

    Without a rating channel the guide is incomplete, which a coverage report says. An item that is no promised one may have no limits.
    `visits` is how often an applicant has to come at most (到办事现场次数). A `self_built` item (自建事项) is the place's own: its services
    and ratings are not reported to the level above.
    """

    zh: Short
    en: Short | None = None
    item_type: ItemType
    handling_type: HandlingType
    accepting_unit: Short
    channels: Annotated[tuple[ServiceChannel, ...], Field(min_length=1)]
    conditions: Paragraph
    materials: Points
    procedure: Points
    promised_limit: Limit | None = None
    statutory_limit: Limit | None = None
    visits: Annotated[int, Field(ge=0, le=99)] | None = None
    fee: Paragraph
    rating_channels: tuple[RatingChannel, ...] = ()
    legal_basis: Paragraph
    self_built: bool = False

    @model_validator(mode="after")
    def _a_promised_item_has_a_promise(self) -> Self:
        if self.handling_type is HandlingType.PROMISED and self.promised_limit is None:
            raise PydanticCustomError("missing_field", "a promised item has a limit", {"field": "promised_limit"})
        return self


KINDS: Mapping[str, type[Registered]] = {
    "region": Region,
    "organisation": Organisation,
    "window": Window,
    "staff": Staff,
    "platform": Platform,
    "item": Item,
}


def within(organisation: str, code: str) -> str:
    """The id of a window or a member of staff: its code is unique in its organisation only."""
    return f"{organisation}#{code}"
