"""Whether the raw segments are the Ledger: a scan once a month, which can stop anywhere and go on (design, 6.12).

1. The Ledger is scanned once. Of each day a count and a sum of the entries' hashes, of key and facts, is kept.
2. The same is made of each day's segments. Where the two agree, the day is right.
3. Only if days differ the Ledger is scanned again, for these days, key by key. What the segments lack is named, written once more and
   announced once more; what the Ledger lacks was taken out of it, and is an incident.

What was received after the scan began is left out of what must be in the segments: it may not have been relayed yet.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from cloud import bus, clock, segments
from cloud.clients import dynamodb
from cloud.segments import Line
from cloud.settings import settings
from cloud.stream import StreamRecord
from cloud.table import get, put, unmarshal
from contract.model import Model
from intake import telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud.table import Item
    from intake.sealing import Keys

_PARTITION = "RECONCILIATION"
_MODULUS = 2**128
# So many findings are kept by name; how many there are is counted beyond that.
_NAMED = 200
# When an entry was written, by the first of these that it has; a decision and a drawn event carry their day.
_WRITTEN_AT = ("received_at", "issued_at", "received_hour", "drawn_at", "decided_day", "day")


class Sum(NamedTuple):
    """How many entries, and the sum of their hashes: equal for the same entries in any order."""

    entries: int = 0
    total: int = 0

    def plus(self, line: Line) -> Sum:
        """With one more entry."""
        return Sum(self.entries + 1, (self.total + int(_said(line), 16)) % _MODULUS)


class Finding(Model):
    """An entry that one side lacks (`segments`, `ledger`), or of which the two say different things (`agreement`).

    `entry` is the keyed hash by which a line names it.
    """

    day: str
    lacking: str
    entry: str


class Scan(Model):
    """How far the scan of a month has come.

    `until` is the day on which it began: later days, and what was received since, are left out. `days` are the Ledger's sums, `differing`
    the days on which the segments' are others, `compared` how many days were looked at.
    """

    month: str
    until: str
    cursor: dict[str, Any] | None = None
    days: dict[str, tuple[int, str]] = Field(default_factory=dict)
    scanned: bool = False
    compared: int = 0
    differing: tuple[str, ...] = ()
    missing: int = 0
    findings: tuple[Finding, ...] = ()
    finished: bool = False


def load(month: str, until: str) -> Scan:
    """The scan of a month (`YYYY-MM`); if there is none, one that begins now with the days before `until`."""
    item = get(settings().waiting_table, {"pk": _PARTITION, "sk": month})
    return Scan.model_validate_json(item["scan"]) if item else Scan(month=month, until=until)


def go_on(scan: Scan, keys: Keys, is_time: Callable[[], bool]) -> Scan:
    """The scan as far as it gets while it is time; saved after every page of the Ledger and every day of segments."""
    while not scan.finished and is_time():
        scan = _saved(_step(scan, keys))
    return scan


def _step(scan: Scan, keys: Keys) -> Scan:
    if not scan.scanned:
        return _scan_page(scan, keys)
    if scan.compared < len(scan.days):
        return _compare_day(scan, keys)
    return _mend(scan, keys) if scan.differing else scan.model_copy(update={"finished": True})


def _saved(scan: Scan) -> Scan:
    put(settings().waiting_table, {"pk": _PARTITION, "sk": scan.month, "scan": scan.model_dump_json()})
    return scan


def _scan_page(scan: Scan, keys: Keys) -> Scan:
    items, cursor = _page(scan.cursor)
    sums = {day: Sum(entries, int(total, 16)) for day, (entries, total) in scan.days.items()}
    for item in items:
        if item["day"] < scan.until:
            sums[item["day"]] = sums.get(item["day"], Sum()).plus(_line(item, keys))
    days = {day: (held.entries, f"{held.total:x}") for day, held in sums.items()}
    return scan.model_copy(update={"cursor": cursor, "scanned": cursor is None, "days": days})


def _compare_day(scan: Scan, keys: Keys) -> Scan:
    day = sorted(scan.days)[scan.compared]
    held = Sum()
    for line in segments.entries_of(day):
        held = held.plus(line)
    agrees = scan.days[day] == (held.entries, f"{held.total:x}")
    return scan.model_copy(update={"compared": scan.compared + 1, "differing": scan.differing if agrees else (*scan.differing, day)})


def _mend(scan: Scan, keys: Keys) -> Scan:
    """Names every difference of the days that differ; what the segments lack is written and announced once more."""
    told = {day: {line.key: _said(line) for line in segments.entries_of(day)} for day in scan.differing}
    gone = {day: set(known) for day, known in told.items()}
    findings: list[Finding] = []
    cursor: dict[str, Any] | None = None
    while True:
        items, cursor = _page(cursor)
        for item in (item for item in items if item["day"] in told):
            line = _line(item, keys)
            gone[line.day].discard(line.key)
            if lacking := _lacking(line, told[line.day], item, scan.until):
                findings.append(Finding(day=line.day, lacking=lacking, entry=line.key))
            if lacking == "segments":
                _tell_again(item, line, keys)
        if cursor is None:
            break
    findings += [Finding(day=day, lacking="ledger", entry=key) for day in sorted(gone) for key in sorted(gone[day])]
    return scan.model_copy(update={"finished": True, "missing": len(findings), "findings": tuple(findings[:_NAMED])})


def _lacking(line: Line, told: dict[str, str], item: Item, until: str) -> str | None:
    if line.key not in told:
        return "segments" if _written_on(item) < until else None
    return None if told[line.key] == _said(line) else "agreement"


def _said(line: Line) -> str:
    """A hash of what a line says of which entry, whenever and wherever it was written."""
    text = json.dumps([line.entry, line.key, line.facts], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _written_on(item: Item) -> str:
    """The day on which an entry was written, to the day of UTC or Shanghai: a scan leaves a margin of a day."""
    return next(str(item[name]) for name in _WRITTEN_AT if name in item)[:10]


def _page(cursor: dict[str, Any] | None) -> tuple[list[Item], dict[str, Any] | None]:
    start: Any = {"ExclusiveStartKey": cursor} if cursor else {}
    page = dynamodb().scan(TableName=settings().ledger_table, ConsistentRead=True, **start)
    return [unmarshal(item) for item in page["Items"]], page.get("LastEvaluatedKey")


def _line(item: Item, keys: Keys) -> Line:
    """The line that an entry should have. One that is no entry any more was altered, and agrees with nothing."""
    record = StreamRecord("INSERT", item["pk"], item["sk"], 0, int(clock.wall().timestamp()), item)
    try:
        return telling.line(f"{settings().ledger_table}/reconciled", record, keys)
    except (ValueError, KeyError):
        key = keys.fingerprint(item["pk"], item["sk"])
        return Line(item["day"], (item["day"],), "", 0, 0, "?", key, {})


def _tell_again(item: Item, line: Line, keys: Keys) -> None:
    segments.write([line._replace(lane=f"{line.lane}-{line.key}")])
    if event := telling.news(line.entry, item["pk"], item["sk"], item, keys):
        bus.publish([event])


def report(scan: Scan) -> dict[str, Any]:
    """What the scan found, for the operator; of very many differences the first are named."""
    return {
        "month": scan.month,
        "finished": scan.finished,
        "days": len(scan.days),
        "entries": sum(entries for entries, _ in scan.days.values()),
        "differences": scan.missing,
        "findings": [finding.plain() for finding in scan.findings],
    }
