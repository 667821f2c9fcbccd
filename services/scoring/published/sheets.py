"""A published result as a table for spreadsheets: one row for each node and indicator. Pure."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from scoring.figures.indicators import INDICATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scoring.published.results import Figures, Result

_HEADINGS = (
    "周期 period",
    "版次 revision",
    "类型 kind",
    "编码 id",
    "名称 name",
    "英文名称 English name",
    "上级 within",
    "指标 indicator",
    "指标名称 indicator name",
    "指标英文名称 indicator in English",
    "分子 numerator",
    "分母 denominator",
    "比率 rate",
    "置信下限 low",
    "置信上限 high",
    "数量过少不公布 suppressed",
)
_BOM = "\ufeff"
# What a spreadsheet takes for a formula, if a name begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def sheet(result: Result) -> str:
    """The CSV, UTF-8 with a byte order mark, by which spreadsheets know it. Cells that would be formulas begin with an apostrophe."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(_HEADINGS)
    rows.writerows([_cell(cell) for cell in row] for node in result.nodes for row in _rows(node, result))
    return _BOM + out.getvalue()


def _rows(node: Figures, result: Result) -> Iterator[tuple[object, ...]]:
    head = (result.edition.period, result.edition.revision, node.kind, node.id, node.zh, node.en, node.within or "")
    for name, figure in node.indicators.items():
        named = INDICATORS.get(name)
        names = (name, named.zh if named else "", named.en if named else "")
        numbers = (figure.numerator, figure.denominator, figure.rate, figure.low, figure.high)
        yield (*head, *names, *numbers, "是 yes" if figure.suppressed else "否 no")


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
