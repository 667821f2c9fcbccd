"""Why a row is rejected: a stable code with its sentences, and where in the file.

A code of the contract (`contract.refusals`) serves where one fits; those of the loader are in `docs/operations.md`. No finding repeats
what the cell says, since that may be personal data.
"""

from __future__ import annotations

from typing import NamedTuple

from contract import refusals
from contract.refusals import Sentence

CATALOGUE: dict[str, Sentence] = {
    # The file.
    "unreadable_file": Sentence("文件无法读取", "The file cannot be read.", "XLSX, or CSV with commas in UTF-8 or GB 18030"),
    "missing_column": Sentence("缺少必填列", "A mandatory column is missing."),
    "unknown_column": Sentence("列未定义", "The column is not part of this registry."),
    "repeated_column": Sentence("列重复", "The column is there twice."),
    # The row.
    "cell_without_column": Sentence("单元格没有对应的列名", "A cell stands under no heading.", "cells under named columns only"),
    "bad_date": Sentence("日期无效", "The date is invalid.", "YYYY-MM-DD, YYYY/M/D"),
    "bad_limit": Sentence("时限无效", "The limit is invalid.", "a number and its unit: 5 WORKDAY, 5个工作日"),
    "bad_succession": Sentence(
        "承继区划数量与终止方式不一致",
        "The number of successors does not fit the way in which the region ends.",
        "one for MERGE and RENAME, several for SPLIT",
    ),
    "repeated_row": Sentence("文件内重复", "The file has another row for this id and date.", "one row per id and valid_from"),
    # What is registered.
    "registered_otherwise": Sentence(
        "该日期已登记其他内容", "Something else is registered under this date.", "a change with a later valid_from, as a new version"
    ),
    "promised_longer_than_statutory": Sentence(
        "承诺办结时限长于法定办结时限", "The promised limit is longer than the statutory one.", "a limit that never ends later"
    ),
    "unknown_organisation": Sentence(
        "机构在生效日期未登记", "The organisation is not registered on the date.", "an organisation of the registry, or of the same file"
    ),
    "nothing_to_close": Sentence(
        "该区划此前未登记，不能终止", "The region was not registered before, and cannot end.", "a region with an earlier record"
    ),
}


class Finding(NamedTuple):
    """One reason, with row (the heading is row 1) and column."""

    row: int
    column: str
    code: str
    zh: str
    en: str
    accepts: str


def finding(row: int, column: str, code: str, accepts: str = "") -> Finding:
    """The finding of this code; `accepts` narrows down what the catalogue says."""
    sentence = CATALOGUE.get(code) or refusals.CATALOGUE[code]
    return Finding(row, column, code, sentence.zh, sentence.en, accepts or sentence.accepts)
