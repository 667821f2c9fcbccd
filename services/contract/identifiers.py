"""Identifiers and their checks, as types for the models of the contract.

Each check fails with the refusal code that a partner sees (`contract.refusals`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Collection

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
NATION = "000000000000"

_USCC = re.compile(f"[{USCC_ALPHABET}]{{18}}")
_ITEM_TAIL = re.compile(r"[1-7][0-9A-Z]{12}(?:[0-9A-Z]{2})?")
_REGION = re.compile(r"[0-9]{6}(?:[0-9]{6})?")
# Control and formatting characters, which nobody sees, and what queues do not take: two names that look alike would be two.
UNSEEN = r"\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff"
_PROJECT_NO = re.compile(rf"[^\s#|{UNSEEN}]{{1,50}}")


def uscc_check_character(first_17: str) -> str:
    """The 18th character of a unified social credit code (GB 32100-2015: weights 3^(i-1) mod 31)."""
    total = sum(USCC_ALPHABET.index(character) * pow(3, i, 31) for i, character in enumerate(first_17))
    return USCC_ALPHABET[-total % 31]


def check_uscc(value: str) -> str:
    """The code itself. Raises `bad_credit_code` unless it is 18 characters of the alphabet with a right check character."""
    if not _USCC.fullmatch(value) or uscc_check_character(value[:17]) != value[17]:
        raise PydanticCustomError("bad_credit_code", "not a unified social credit code")
    return value


def check_item_code(value: str) -> str:
    """The code itself. Raises `bad_item_code` unless it is a USCC, a level of exercise 1-7 and 12 or 14 further characters."""
    try:
        check_uscc(value[:18])
    except PydanticCustomError:
        raise PydanticCustomError("bad_item_code", "does not begin with a unified social credit code") from None
    if not _ITEM_TAIL.fullmatch(value[18:]):
        raise PydanticCustomError("bad_item_code", "not an item code of 31 or 33 characters")
    return value


def check_region_code(value: str) -> str:
    """The code as 12 digits; 6 digits are padded. Raises `bad_region_code` for anything else."""
    if not _REGION.fullmatch(value):
        raise PydanticCustomError("bad_region_code", "not a region code of 6 or 12 digits")
    return value.ljust(12, "0")


def check_project_no(value: str) -> str:
    """The number itself. Raises `bad_project_no` for one over 50 characters (GB/T 39046-2020 table 9), with blanks, '#' or '|'."""
    if not _PROJECT_NO.fullmatch(value):
        raise PydanticCustomError("bad_project_no", "not a case-file number")
    return value


def _shown(pattern: str) -> Any:
    """What the JSON Schema says of the form; the check itself is ours, with its own code."""
    return Field(json_schema_extra={"pattern": f"^{pattern}$"})


Uscc = Annotated[str, AfterValidator(check_uscc), _shown(_USCC.pattern)]
ItemCode = Annotated[str, AfterValidator(check_item_code), _shown(_USCC.pattern + _ITEM_TAIL.pattern)]
RegionCode = Annotated[str, AfterValidator(check_region_code), _shown(_REGION.pattern)]
ProjectNo = Annotated[str, AfterValidator(check_project_no), Field(json_schema_extra={"minLength": 1, "maxLength": 50})]

PARTY_ID = r"[a-z][a-z0-9-]{1,39}"
PartyId = Annotated[str, StringConstraints(pattern=f"^{PARTY_ID}$")]


# Where the base code stands in an item code (domain handbook, section 14).
BASE_CODE = slice(19, 31)


def task_code(item_code: str) -> str:
    """实施编码, the first 31 characters of an item code: the handling item (32-33) is a finer split of the same item."""
    return item_code[:31]


def province_of(region_code: str) -> str:
    """The province that a 12-digit code lies in."""
    return region_code[:2].ljust(12, "0")


def city_of(region_code: str) -> str | None:
    """The city that a 12-digit code lies in, None for a province."""
    return None if region_code[2:] == "0" * 10 else region_code[:4].ljust(12, "0")


def county_of(region_code: str) -> str | None:
    """The county that a 12-digit code lies in, None for a city or a province."""
    return None if region_code[4:] == "0" * 8 else region_code[:6].ljust(12, "0")


def township_of(region_code: str) -> str | None:
    """The township or street that a 12-digit code lies in, None above that level."""
    return None if region_code[6:] == "0" * 6 else region_code[:9].ljust(12, "0")


def lies_within(region_code: str, regions: Collection[str]) -> bool:
    """Whether a 12-digit code is one of these regions (12 digits), or in one of them; the nation is nobody's scope."""
    return any(code in regions for code in ancestry(region_code)[1:])


def ancestry(region_code: str) -> list[str]:
    """Nation, province, city, county of a 12-digit code, from the top, as far as it reaches."""
    return [NATION, *(code for code in (province_of(region_code), city_of(region_code), county_of(region_code)) if code)]
