"""The columns of each registry's file: their names in both languages, and how a cell is read."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import create_model

from contract import catalogue
from contract.codes import HandlingType, RatingChannel, ServiceChannel, TimeUnit
from contract.identifiers import ItemCode, RegionCode, Uscc
from contract.messages import Code
from haochaping.registries.findings import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract import codes

_DATE = re.compile(r"([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})")
_LIMIT = re.compile(r"([0-9]{1,5})\s*(?:个)?\s*(\S+)")
_UNITS = {unit.zh: unit.value for unit in TimeUnit} | {unit.value: unit.value for unit in TimeUnit}
_YES_NO = {"是": True, "yes": True, "否": False, "no": False}
_SEPARATORS = re.compile(r"[;；\n]")


class Unfit(Exception):
    """The cell cannot be read. Carries the code of the finding."""


class Column(NamedTuple):
    """A column, and the place of its value in the model."""

    name: str
    zh: str
    path: tuple[str, ...]
    read: Callable[[str], Any]
    accepts: str = ""

    @property
    def heading(self) -> str:
        """Both names, as a template shows them."""
        return f"{self.zh} {self.name}"

    def is_headed(self, text: str) -> bool:
        """True if the text is the column's Chinese or English name, or both."""
        return text.casefold() in {self.name, self.zh, self.heading}


class Kind(NamedTuple):
    """A registry: its model with the code that an id is made of, its columns, and a row to show."""

    name: str
    model: type[catalogue.Registered]
    code: str
    columns: tuple[Column, ...]
    example: tuple[str, ...]

    def id_of(self, value: dict[str, Any]) -> str:
        """The id of a row; takes its code out of the value, which Registry holds without it."""
        code = str(value.pop(self.code))
        return catalogue.within(value["organisation"], code) if self.name in {"window", "staff"} else code

    def is_required(self, column: Column) -> bool:
        """Whether every row has a value here."""
        return len(column.path) == 1 and column is not VALID_FROM and self.model.model_fields[column.name].is_required()


def _date(text: str) -> date:
    if (written := _DATE.fullmatch(text)) is None:
        raise Unfit("bad_date")
    try:
        return date(int(written[1]), int(written[3]), int(written[4]))
    except ValueError:
        raise Unfit("bad_date") from None


def _limit(text: str) -> dict[str, Any]:
    """A number and a unit that says which days it means: 天 and 日 alone do not."""
    written = _LIMIT.fullmatch(text)
    if written is None or written[2] not in _UNITS or int(written[1]) > 10_000:
        raise Unfit("bad_limit")
    return {"value": int(written[1]), "unit": _UNITS[written[2]]}


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text):
        raise Unfit("malformed_field")
    return int(text)


def _yes(text: str) -> bool:
    if text not in _YES_NO:
        raise Unfit("malformed_field")
    return _YES_NO[text]


def _points(text: str) -> list[str]:
    return [point.strip() for point in _SEPARATORS.split(text) if point.strip()]


def _column(name: str, zh: str, *path: str, read: Callable[[str], Any] = str, accepts: str = "") -> Column:
    return Column(name, zh, path or (name,), read, accepts)


def _coded(name: str, zh: str, values: type[codes.Code | catalogue.Listed], *path: str, many: bool = False) -> Column:
    """A column of names of a list, or their Chinese labels."""
    names = {value.zh: value.value for value in values}
    accepts = ", ".join(f"{value.value} {value.zh}" for value in values)
    if many:
        return _column(name, zh, *path, read=lambda text: [names.get(point, point) for point in _points(text)], accepts=accepts)
    return _column(name, zh, *path, read=lambda text: names.get(text, text), accepts=accepts)


VALID_FROM = _column("valid_from", "生效日期", read=_date, accepts=CATALOGUE["bad_date"].accepts)
_ORGANISATION = _column("organisation", "机构")
_REGION = _column("region_code", "行政区划代码")
_ZH, _EN = _column("zh", "中文名称"), _column("en", "英文名称")
_UNIT = "11330199MB00000017"

_ALL = (
    Kind(
        "region",
        create_model("RegionRow", __base__=catalogue.Region, code=(RegionCode, ...)),
        "code",
        (
            _column("code", "行政区划代码"),
            _ZH,
            _EN,
            _column("managing_org", "政务服务管理机构"),
            _coded("closed", "终止方式", catalogue.Succession, "closed", "kind"),
            _column("successors", "承继区划", "closed", "successors", read=_points),
            VALID_FROM,
        ),
        ("330199000000", "示例区", "Example District", "", "", "", "2026-01-01"),
    ),
    Kind(
        "organisation",
        create_model("OrganisationRow", __base__=catalogue.Organisation, uscc=(Uscc, ...)),
        "uscc",
        (
            _column("uscc", "统一社会信用代码"),
            _REGION,
            _ZH,
            _EN,
            _coded("line", "管理方式", catalogue.Line),
            _column("parent", "上级机构"),
            _column("sector", "行业"),
            VALID_FROM,
        ),
        (_UNIT, "330199000000", "示例区行政审批局", "Example District Approval Bureau", "属地管理", "", "市场监管", "2026-01-01"),
    ),
    Kind(
        "window",
        create_model("WindowRow", __base__=catalogue.Window, window=(Code, ...)),
        "window",
        (_ORGANISATION, _column("window", "窗口编号"), _ZH, _EN, VALID_FROM),
        (_UNIT, "A01", "综合窗口一", "General window 1", "2026-01-01"),
    ),
    Kind(
        "staff",
        create_model("StaffRow", __base__=catalogue.Staff, staff_no=(Code, ...)),
        "staff_no",
        (_ORGANISATION, _column("staff_no", "工号"), _column("zh", "姓名"), _EN, VALID_FROM),
        (_UNIT, "0007", "张三", "", "2026-01-01"),
    ),
    Kind(
        "platform",
        create_model("PlatformRow", __base__=catalogue.Platform, platform=(Code, ...)),
        "platform",
        (
            _column("platform", "平台编码"),
            _ORGANISATION,
            _REGION,
            _ZH,
            _EN,
            _coded("rating_channel", "评价渠道", RatingChannel),
            VALID_FROM,
        ),
        ("example-app", _UNIT, "330199000000", "示例区移动端", "Example District app", "MOBILE", "2026-01-01"),
    ),
    Kind(
        "item",
        create_model("ItemRow", __base__=catalogue.Item, item_code=(ItemCode, ...)),
        "item_code",
        (
            _column("item_code", "事项编码"),
            _column("zh", "事项名称"),
            _EN,
            _coded("item_type", "事项类型", catalogue.ItemType),
            _coded("handling_type", "办件类型", HandlingType),
            _column("accepting_unit", "受理单位"),
            _coded("channels", "办理渠道", ServiceChannel, many=True),
            _column("conditions", "申请条件"),
            _column("materials", "申请材料", read=_points),
            _column("procedure", "办理程序", read=_points),
            _column("promised_limit", "承诺办结时限", read=_limit),
            _column("statutory_limit", "法定办结时限", read=_limit),
            _column("visits", "到办事现场次数", read=_number, accepts="0 to 99"),
            _column("fee", "收费依据及标准"),
            _coded("rating_channels", "评价渠道", RatingChannel, many=True),
            _column("legal_basis", "设定依据"),
            _column("self_built", "自建事项", read=_yes, accepts="是 yes, 否 no"),
            VALID_FROM,
        ),
        (
            f"{_UNIT}4330131001000",
            "营业执照登记",
            "Business licence registration",
            "行政许可",
            "PROMISED",
            "示例区行政审批局",
            "ONLINE;OFFLINE",
            "在本区从事经营活动",
            "申请书;身份证件",
            "受理;审查;决定;发证",
            "3个工作日",
            "15个工作日",
            "1",
            "不收费",
            "PC;MOBILE;QR",
            "《中华人民共和国市场主体登记管理条例》",
            "否",
            "2026-01-01",
        ),
    ),
)

KINDS = {kind.name: kind for kind in _ALL}
