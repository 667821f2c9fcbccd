"""A file with rules, read before it is loaded: what it says, and every fault of it with what would be accepted."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from haochaping.provinces import PolicyEntry
from haochaping.wording import said
from policy.rules import Rules, TimeLimit
from policy.strictness import DIRECTIONS, ORDERS, Direction, loosened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from policy.strictness import Laxer

_ABOUT_ENTRY = ("region", "valid_from", "preset")
_PARTS = {"rules": tuple(TimeLimit.model_fields)} | {
    name: tuple(sorted(part.partition(".")[2] for part in DIRECTIONS if part.startswith(f"{name}."))) for name in Rules.model_fields
}


class Fault(NamedTuple):
    """What is wrong with a rule of a file: where it stands, what it says, and what would be accepted."""

    entry: str
    field: str
    value: str
    accepts: str


class Read(NamedTuple):
    """The rules of a file: its entries, and what is wrong with it."""

    entries: list[PolicyEntry]
    faults: list[Fault]


def read(text: str) -> Read:
    """The rules that a file holds, with every fault of them."""
    try:
        held = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Read([], [Fault("", "", "", f"TOML: {error}")])
    said_here = held.get("policy")
    if not isinstance(said_here, list) or not said_here:
        return Read([], [Fault("", "policy", _shown(said_here), "[[policy]] 条目 entries")])
    entries: dict[str, PolicyEntry] = {}
    faults: list[Fault] = []
    for number, entry in enumerate(said_here, start=1):
        name = _name(number, entry)
        try:
            entries[name] = PolicyEntry.model_validate(entry)
        except ValidationError as invalid:
            faults += [_fault(name, error) for error in invalid.errors()]
    return Read(list(entries.values()), [*faults, *_twice(entries), *_elsewhere(entries, held.get("regions")), *_laxer(entries)])


def _name(number: int, entry: Any) -> str:
    named = [str(entry[name]) for name in ("region", "valid_from") if name in entry] if isinstance(entry, dict) else []
    return f"[{number}] {'@'.join(named)}"


def _twice(entries: Mapping[str, PolicyEntry]) -> Iterator[Fault]:
    seen = set()
    for name, entry in entries.items():
        if (key := (entry.region, entry.valid_from)) in seen:
            yield Fault(name, "valid_from", str(entry.valid_from), "每区划每日一条 one entry for a region and a date")
        seen.add(key)


def _elsewhere(entries: Mapping[str, PolicyEntry], regions: Any) -> Iterator[Fault]:
    """Rules of regions that the province does not have; a file without regions may name any."""
    if isinstance(regions, dict):
        known = {str(code).ljust(12, "0") for code in regions}
        for name, entry in entries.items():
            if entry.region not in known:
                yield Fault(name, "region", entry.region, "文件 [regions] 中的区划 a region of the file's [regions]")


def _laxer(entries: Mapping[str, PolicyEntry]) -> Iterator[Fault]:
    dated = {name: entry.dated() for name, entry in entries.items()}
    for here, above, found in loosened(list(dated.values())):
        name = next(name for name, one in dated.items() if one == here)
        yield Fault(name, found.field, said(found.here), f"{_accepted(found)} ({above.version})")


def _accepted(found: Laxer) -> str:
    direction = DIRECTIONS[found.field]
    if direction is Direction.ORDERED:
        order = ORDERS[found.field]
        return " / ".join(said(value) for value in order[: order.index(found.above) + 1])
    return f"{direction.value} {said(found.above)}"


_BOUNDS = {"greater_than_equal": ("≥", "ge"), "greater_than": (">", "gt"), "less_than_equal": ("≤", "le"), "less_than": ("<", "lt")}
_TYPES = {
    "missing": "必填 required",
    "bad_region_code": "6 或 12 位数字 6 or 12 digits",
    "int": "整数 an integer",
    "float": "数 a number",
    "bool": "true / false",
    "date": "YYYY-MM-DD",
    "string": "文字 a text",
    "model": "{ … } 表 a table",
    "dict": "{ … } 表 a table",
    "tuple": "[ … ] 数组 an array",
    "frozen": "[ … ] 数组 an array",
    "too": "不得为空 not empty",
}


def _fault(entry: str, error: ErrorDetails) -> Fault:
    field = ".".join(str(part + 1 if isinstance(part, int) else part) for part in error["loc"])
    return Fault(entry, field, "" if error["type"] == "missing" else _shown(error["input"]), _asked(error))


def _asked(error: ErrorDetails) -> str:
    """What would be accepted in place of what pydantic refused."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _BOUNDS:
        sign, name = _BOUNDS[kind]
        return f"{sign} {context[name]:g}"
    if kind in {"literal_error", "enum"}:
        return ", ".join(re.findall(r"'([^']+)'", str(context["expected"])))
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _names_like(error["loc"])
    return _TYPES.get(kind) or _TYPES.get(kind.partition("_")[0]) or error["msg"]


def _names_like(loc: tuple[int | str, ...]) -> str:
    """The fields that can stand where one does that is none: those that read alike, if some do."""
    *path, name = loc
    names = (*Rules.model_fields, *_ABOUT_ENTRY) if not path else _PARTS.get(str(path[0])) or _PARTS["rules"]
    return ", ".join(difflib.get_close_matches(str(name), names, n=3) or names)


def _shown(value: Any) -> str:
    text = said(value) if not isinstance(value, dict) else ", ".join(f"{name} = {_shown(part)}" for name, part in value.items())
    return text if len(text) <= 80 else f"{text[:79]}…"
