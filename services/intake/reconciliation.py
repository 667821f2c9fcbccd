"""Whether the raw segments are the Ledger: a scan once a month, which can stop anywhere and go on (design, 6.12).

Of each day the scan keeps a count and a sum of the entries' keyed hashes, on either side. Where the two agree the day is right. A day on
which they differ is read again key by key: what the segments lack is named, written once more and announced once more; what the Ledger
lacks was taken out of it, and is an incident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from cloud import bus
from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import get, put, unmarshal
from contract.model import Model
from intake import segments, telling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cloud.table import Item
    from intake.sealing import Keys

_PARTITION = "RECONCILIATION"
_MODULUS = 2**128


class Sum(NamedTuple):
    """How many entries, and the sum of their hashes: equal for the same entries in any order."""

    entries: int = 0
    total: int = 0

    def plus(self, key: str) -> Sum:
        """With one more entry."""
        return Sum(self.entries + 1, (self.total + int.from_bytes(key.encode()[:16])) % _MODULUS)


class Finding(Model):
    """An entry that one side lacks. `entry` is the keyed hash by which a line names it."""

    day: str
    lacking: str
    entry: str


class Scan(Model):
    """How far the scan of a month has come: where to go on, and the sums of the days so far."""

    month: str
    cursor: dict[str, Any] | None = None
    days: dict[str, tuple[int, str]] = Field(default_factory=dict)
    scanned: bool = False
    findings: tuple[Finding, ...] = ()
    finished: bool = False


def load(month: str) -> Scan:
    """The scan of a month (`YYYY-MM`), from the beginning if there is none."""
    item = get(settings().waiting_table, {"pk": _PARTITION, "sk": month})
    return Scan.model_validate_json(item["scan"]) if item else Scan(month=month)


def save(scan: Scan) -> None:
    """Remembers how far the scan has come."""
    put(settings().waiting_table, {"pk": _PARTITION, "sk": scan.month, "scan": scan.model_dump_json()})


def go_on(scan: Scan, keys: Keys, is_time: Callable[[], bool], until_day: str) -> Scan:
    """The scan as far as it gets while it is time; saved after every page.

    Days from `until_day` on are left out: what was just written may not have been relayed yet.
    """
    sums = {day: Sum(count, int(total, 16)) for day, (count, total) in scan.days.items()}
    while not scan.scanned and is_time():
        items, cursor = _page(scan.cursor)
        for item in items:
            if item["day"] < until_day:
                sums[item["day"]] = sums.get(item["day"], Sum()).plus(_hash(item, keys))
        scan = scan.model_copy(update={"cursor": cursor, "scanned": cursor is None, "days": _plain(sums)})
        save(scan)
    if scan.scanned and not scan.finished and is_time():
        differing = [day for day, held in sums.items() if held != _of_segments(day)]
        findings = tuple(_mend(differing, keys)) if differing else ()
        scan = scan.model_copy(update={"findings": findings, "finished": True})
        save(scan)
    return scan


def _plain(sums: dict[str, Sum]) -> dict[str, tuple[int, str]]:
    return {day: (held.entries, f"{held.total:x}") for day, held in sums.items()}


def _page(cursor: dict[str, Any] | None) -> tuple[list[Item], dict[str, Any] | None]:
    start: Any = {"ExclusiveStartKey": cursor} if cursor else {}
    page = dynamodb().scan(TableName=settings().ledger_table, ConsistentRead=True, **start)
    return [unmarshal(item) for item in page["Items"]], page.get("LastEvaluatedKey")


def _hash(item: Item, keys: Keys) -> str:
    return keys.fingerprint(item["pk"], item["sk"])


def _of_segments(day: str) -> Sum:
    held = Sum()
    for line in segments.of_day(day):
        held = held.plus(line.key)
    return held


def _mend(days: Iterable[str], keys: Keys) -> Iterator[Finding]:
    """Names every difference of these days; what the segments lack is written and announced once more."""
    lines = {day: {line.key for line in segments.of_day(day)} for day in days}
    seen: dict[str, set[str]] = {day: set() for day in lines}
    cursor: dict[str, Any] | None = None
    while True:
        items, cursor = _page(cursor)
        for item in (item for item in items if item["day"] in lines):
            key = _hash(item, keys)
            seen[item["day"]].add(key)
            if key not in lines[item["day"]]:
                _tell_again(item, key, keys)
                yield Finding(day=item["day"], lacking="segments", entry=key)
        if cursor is None:
            break
    for day, known in lines.items():
        for key in sorted(known - seen[day]):
            yield Finding(day=day, lacking="ledger", entry=key)


def _tell_again(item: Item, key: str, keys: Keys) -> None:
    kind = item["sk"].split("#", 1)[0]
    segments.write([segments.Line(item["day"], f"reconciled/{key}", 0, kind, key, telling.facts(kind, item))])
    if event := telling.news(kind, item["pk"], item["sk"], item, keys):
        bus.publish([event])


def report(scan: Scan) -> dict[str, Any]:
    """What the scan found, for the operator."""
    return {
        "month": scan.month,
        "finished": scan.finished,
        "days": len(scan.days),
        "entries": sum(count for count, _ in scan.days.values()),
        "findings": [finding.plain() for finding in scan.findings],
    }
