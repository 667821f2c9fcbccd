"""The Reports table: what the level above said to each record, and how far it has been reported.

`R#upstream#day` / ref: a record's outcome; what waits stands in the index `due`. `U#upstream` / `CURSOR`: how far; `DAY#day`: what the
reconciliation of a day found, and how much of it was open; `THROUGH`: up to which day everything is settled. No row leads to a person or a
case file.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud import due as index
from cloud.due import stamp
from cloud.settings import settings
from cloud.table import get, get_many, put, put_many, query
from contract.codes import Level, ReportOutcome
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cloud.table import Item


class Receipt(NamedTuple):
    """What became of a record: `code` names the reason; what waits is `due_at` again; `tries` and `first_at` say since when it is tried."""

    day: date
    ref: str
    outcome: ReportOutcome
    code: str
    at: datetime
    level: Level | None
    tries: int
    first_at: datetime
    due_at: datetime | None = None

    def plain(self) -> dict[str, Any]:
        """As it is stored and shown, instants in UTC."""
        said = {
            "outcome": self.outcome.value,
            "code": self.code,
            "at": stamp(self.at),
            "tries": self.tries,
            "first_at": stamp(self.first_at),
        }
        return said | ({"level": self.level.value} if self.level else {})


class Pause(Model):
    """That the level above took nothing: so many times in a row, since when, why, and until when it is left alone."""

    failures: int
    since: datetime
    until: datetime
    reason: str


class Progress(Model):
    """How far it is: the last segment that is reported, so many lines of the next one, the place in the feed, and a pause, if any."""

    segment: int = 0
    line: int = 0
    feed: str = ""
    pause: Pause | None = None


def progress(upstream: str) -> Progress:
    """How far it is with a level above."""
    row = get(settings().reports_table, {"pk": f"U#{upstream}", "sk": "CURSOR"})
    return Progress.model_validate_json(row["progress"]) if row else Progress()


def keep(upstream: str, progress: Progress) -> None:
    """Notes how far it is. One write."""
    put(settings().reports_table, {"pk": f"U#{upstream}", "sk": "CURSOR", "progress": progress.model_dump_json(exclude_defaults=True)})


def write(upstream: str, receipts: Sequence[Receipt]) -> None:
    """Keeps receipts, many to a call, in place of what was known of their records.

    Raises NotWritten: what was reported and has no receipt is reported again, and is there already.
    """
    put_many(settings().reports_table, (_item(upstream, receipt) for receipt in receipts))


def _item(upstream: str, receipt: Receipt) -> Item:
    place = index.place(_kind(upstream), receipt.ref, receipt.due_at) if receipt.due_at else {}
    return {"pk": _pk(upstream, receipt.day), "sk": receipt.ref, **receipt.plain(), **place}


def known(upstream: str, day: date, refs: Iterable[str]) -> set[str]:
    """Which of these records have a receipt."""
    return {row["sk"] for row in get_many(settings().reports_table, [{"pk": _pk(upstream, day), "sk": ref} for ref in refs])}


def of_day(upstream: str, day: date) -> Iterator[Receipt]:
    """Every receipt of a day, in the order of their names."""
    return map(_receipt, query(settings().reports_table, _pk(upstream, day)))


def due(upstream: str, now: datetime) -> Iterator[Receipt]:
    """What waits and may be tried again now."""
    return map(_receipt, index.passed(settings().reports_table, _kind(upstream), now))


def waiting(upstream: str) -> Iterator[Receipt]:
    """Everything that waits to be tried again."""
    return map(_receipt, index.every(settings().reports_table, _kind(upstream)))


def _receipt(row: Item) -> Receipt:
    return Receipt(
        day=date.fromisoformat(row["pk"].rpartition("#")[2]),
        ref=row["sk"],
        outcome=ReportOutcome(row["outcome"]),
        code=row["code"],
        at=datetime.fromisoformat(row["at"]),
        level=Level(row["level"]) if "level" in row else None,
        tries=row["tries"],
        first_at=datetime.fromisoformat(row["first_at"]),
        due_at=datetime.fromisoformat(row["due_at"]) if "due_at" in row else None,
    )


def _pk(upstream: str, day: date) -> str:
    return f"R#{upstream}#{day.isoformat()}"


def _kind(upstream: str) -> str:
    return f"UPWARD-{upstream}"


# ---------------------------------------------------------------- reconciliation


def reconciled(upstream: str, day: date) -> str | None:
    """What was found of a day the last time, as it was told; None if it was not looked at."""
    row = get(settings().reports_table, {"pk": f"U#{upstream}", "sk": f"DAY#{day.isoformat()}"})
    return str(row["found"]) if row else None


def keep_reconciled(upstream: str, day: date, found: str, difference: int) -> None:
    """Notes what was found of a day and told, and how many records of it were open."""
    row = {"pk": f"U#{upstream}", "sk": f"DAY#{day.isoformat()}", "found": found, "difference": difference}
    put(settings().reports_table, row)


def settled_days(upstream: str) -> set[date]:
    """The days of which nothing was open when they were last looked at."""
    rows = query(settings().reports_table, f"U#{upstream}", sk_prefix="DAY#")
    return {date.fromisoformat(row["sk"].removeprefix("DAY#")) for row in rows if row.get("difference") == 0}


def settled_through(upstream: str) -> date | None:
    """The last day before which, and on which, nothing is open; None if there is none."""
    row = get(settings().reports_table, {"pk": f"U#{upstream}", "sk": "THROUGH"})
    return date.fromisoformat(row["day"]) if row else None


def settle_through(upstream: str, day: date) -> None:
    """Notes that up to this day nothing is open."""
    put(settings().reports_table, {"pk": f"U#{upstream}", "sk": "THROUGH", "day": day.isoformat()})
