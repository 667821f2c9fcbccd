"""CSV and XLSX files as rows of text."""

from __future__ import annotations

import csv
import warnings
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_ZIP = b"PK\x03\x04"
# The older Excel format, which happens to be text in some encodings.
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_ENCODINGS = ("utf-8-sig", "gb18030")


class UnreadableFile(Exception):
    """The file is neither CSV nor XLSX, or is damaged."""


class Sheet(NamedTuple):
    """The rows with their numbers, the heading as row 1, blank rows left out; and how many rows there seem to be."""

    total: int
    rows: Iterator[tuple[int, list[str]]]


@contextmanager
def opened(path: Path) -> Iterator[Sheet]:
    """The first sheet of the file. Raises UnreadableFile, also while rows are read."""
    with path.open("rb") as file:
        beginning = file.read(4)
    if beginning == _OLD_EXCEL:
        raise UnreadableFile
    with _xlsx(path) if beginning == _ZIP else _csv(path) as sheet:
        yield sheet


@contextmanager
def _csv(path: Path) -> Iterator[Sheet]:
    encoding, total = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        yield Sheet(total, _numbered([cell.strip() for cell in cells] for cells in csv.reader(file, strict=True)))


def _encoding(path: Path) -> tuple[str, int]:
    """The encoding in which all of the file can be read, and its number of rows."""
    for encoding in _ENCODINGS:
        try:
            with path.open(encoding=encoding, newline="") as file:
                return encoding, sum(1 for _ in csv.reader(file, strict=True))
        except UnicodeDecodeError:
            continue
        except csv.Error:
            break
    raise UnreadableFile


@contextmanager
def _xlsx(path: Path) -> Iterator[Sheet]:
    try:
        with warnings.catch_warnings():
            # Styles and validations that the library does not know are of no interest here.
            warnings.simplefilter("ignore", UserWarning)
            book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, ParseError):
        raise UnreadableFile from None
    try:
        sheet: Any = book.worksheets[0]
        total = sheet.max_row or 0
        # Some programs write a size that is not the sheet's.
        sheet.reset_dimensions()
        yield Sheet(total, _numbered([_text(value) for value in values] for values in sheet.iter_rows(values_only=True)))
    except (BadZipFile, IndexError, ValueError, ParseError):
        raise UnreadableFile from None
    finally:
        book.close()


def _numbered(rows: Iterable[list[str]]) -> Iterator[tuple[int, list[str]]]:
    for number, cells in enumerate(rows, start=1):
        if any(cells):
            yield number, cells


def _text(value: Any) -> str:
    """What the cell shows: whole numbers without a point, dates without a time."""
    if isinstance(value, datetime):
        value = value.date() if value.time() == datetime.min.time() else value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()
