"""A row of a sheet as a record, or what is wrong with it."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from cloud.registry import Record
from contract import refusals
from contract.messages import Limit
from haochaping.registries.columns import VALID_FROM, Column, Kind, Unfit
from haochaping.registries.findings import CATALOGUE, Finding, finding
from policy.limits import longer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

Headed = list[Column | None]


class Row(NamedTuple):
    """A record and the row that it was read from."""

    number: int
    record: Record


def headed(kind: Kind, number: int, texts: Sequence[str], *, dated: bool) -> tuple[Headed, list[Finding]]:
    """The columns in the file's order, None where there is no heading; and what is wrong with the headings.

    With `dated` the date need not be a column.
    """
    columns = [next((column for column in kind.columns if column.is_headed(text)), None) for text in texts]
    unknown = [finding(number, str(n), "unknown_column", _names(kind)) for n, text in enumerate(texts, 1) if text and not columns[n - 1]]
    twice = {column.name for column in columns if column and columns.count(column) > 1}
    required = [column for column in kind.columns if kind.is_required(column) or (column is VALID_FROM and not dated)]
    missing = [finding(number, column.name, "missing_column", column.heading) for column in required if column not in columns]
    return columns, [*unknown, *(finding(number, name, "repeated_column") for name in sorted(twice)), *missing]


def _names(kind: Kind) -> str:
    return ", ".join(column.heading for column in kind.columns)


def rows(kind: Kind, columns: Headed, numbered: Iterable[tuple[int, list[str]]], valid_from: date | None) -> Iterator[Row | list[Finding]]:
    """Every row as a record, or the reasons against it. Of rows with one id and date the first counts."""
    seen: set[tuple[str, date]] = set()
    for number, cells in numbered:
        row = _row(kind, columns, number, cells, valid_from)
        if isinstance(row, Row):
            key = (row.record.id, row.record.valid_from)
            row = [finding(number, kind.code, "repeated_row")] if key in seen else row
            seen.add(key)
        yield row


def _row(kind: Kind, columns: Headed, number: int, cells: Sequence[str], valid_from: date | None) -> Row | list[Finding]:
    raw, wrong = _cells(columns, number, cells)
    on = raw.pop(VALID_FROM.name, valid_from)
    if on is None and all(found.column != VALID_FROM.name for found in wrong):
        wrong.append(finding(number, VALID_FROM.name, "missing_field", VALID_FROM.accepts))
    try:
        read = kind.model.model_validate(raw)
    except ValidationError as error:
        return _one_per_column([*wrong, *_from_model(kind, number, error)])
    if _promises_too_much(read):
        wrong.append(finding(number, "promised_limit", "promised_longer_than_statutory"))
    if wrong or on is None:
        return wrong
    value = read.plain()
    return Row(number, Record(kind=kind.name, id=kind.id_of(value), valid_from=on, value=value))


def _cells(columns: Headed, number: int, cells: Sequence[str]) -> tuple[dict[str, Any], list[Finding]]:
    """The filled cells at the places of the model, and those that cannot be read."""
    raw: dict[str, Any] = {}
    wrong = []
    for n, (column, text) in enumerate(zip_longest(columns, cells, fillvalue=None), start=1):
        if not text:
            continue
        if column is None:
            wrong.append(finding(number, str(n), "cell_without_column"))
            continue
        place = raw
        for step in column.path[:-1]:
            place = place.setdefault(step, {})
        try:
            place[column.path[-1]] = column.read(text)
        except Unfit as unfit:
            wrong.append(finding(number, column.name, str(unfit)))
    return raw, wrong


def _one_per_column(found: Iterable[Finding]) -> list[Finding]:
    """The first reason against each cell: what is wrong with a cell that cannot be read follows from that."""
    first: dict[str, Finding] = {}
    for one in found:
        first.setdefault(one.column, one)
    return list(first.values())


def _from_model(kind: Kind, number: int, error: ValidationError) -> Iterator[Finding]:
    """The model's reasons in the contract's codes, or in the loader's own where a code is one."""
    details = error.errors(include_url=False, include_input=False)
    for detail, reason in zip(details, refusals.from_validation(error).reasons, strict=False):
        context = detail.get("ctx", {})
        place = (*detail["loc"], context["field"]) if "field" in context else detail["loc"]
        column = next(column for column in kind.columns if place[: len(column.path)] == column.path)
        code = detail["type"] if detail["type"] in CATALOGUE else reason.code
        yield finding(number, column.name, code, column.accepts or _longest(context))


def _longest(context: dict[str, Any]) -> str:
    return f"at most {context['max_length']}" if "max_length" in context else ""


def _promises_too_much(read: Any) -> bool:
    promised, statutory = getattr(read, "promised_limit", None), getattr(read, "statutory_limit", None)
    return isinstance(promised, Limit) and isinstance(statutory, Limit) and longer(promised, statutory)
