"""What it costs to report a rating to the level above: asked of intake, sent, and its receipt kept, all in batches.

Accepted by the real handlers, told by the real ones; the sealed file is handed over instead of read, and what the level above answers is
said instead of asked. A call is counted wherever it goes: to DynamoDB, to intake's function, to the level above.
"""

from __future__ import annotations

import io
import json
from contextlib import ExitStack
from datetime import date, timedelta
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from cloud import registry
from cloud.stream import parse
from haochaping.measure import ours
from haochaping.measure.modelled import modelled
from intake import door, telling
from notify.sealed.days import Segment
from notify.sealed.records import canonical, record_of
from notify.upward import reporting

if TYPE_CHECKING:
    from collections.abc import Iterator


RATINGS = 500
_LANE = "ledger_table/shardId-1"
_DAY = date(2026, 11, 24)


class Spent(NamedTuple):
    """What reporting costs for each rating."""

    name: str
    calls: float
    asked: float
    posted: float
    writes: float
    write_units: float
    read_units: float
    cpu_ms: float


def measure(ratings: int = RATINGS) -> list[Spent]:
    """The cost in the style of Zhejiang, with an answer for each call; and of as many single calls."""
    return [_measured(f"每批 {each} 条 {each} to a call", ratings, each) for each in (100, 1)]


def _measured(name: str, ratings: int, batch: int) -> Spent:
    with modelled() as model, ExitStack() as stack:
        _, entries = ours.admitted(model, ours.visits(ratings))
        lines = [_line(entry) for entry in entries]
        _register(batch)
        above = _Above()
        for place, said in _said(lines, above).items():
            stack.enter_context(patch(place, said))
        _report(ratings)  # so that what Registry says is remembered, as in a function that goes on
        above.go_on()
        cost = ours.measured(name, model, ratings, partial(_report, ratings))
    elsewhere = (above.asked + above.posted) / ratings
    own = (above.asked / ratings, above.posted / ratings)
    return Spent(name, cost.calls + elsewhere, *own, cost.writes, cost.write_units, cost.read_units, cost.cpu_ms)


def _report(ratings: int) -> None:
    told = reporting.report()["nation"]
    # A few were given by telephone, for which this format has no word: they are not sent, and have their receipt too.
    if told["ACCEPTED"] + told.get("INCOMPLETE", 0) != ratings:
        raise RuntimeError(f"not everything was taken: {told}")


class _Above:
    """What is answered elsewhere: by intake's function, and by the level above, which takes everything. Both are counted.

    `sealed` is how many segments there are.
    """

    def __init__(self) -> None:
        self.asked, self.posted, self.sealed = 0, 0, 1

    def go_on(self) -> None:
        """Lets the same be sealed once more, under the next number, and counts anew."""
        self.asked, self.posted, self.sealed = 0, 0, 2

    def after(self, number: int) -> Iterator[Segment]:
        """The segments behind a number."""
        return (_segment(nth) for nth in range(number + 1, self.sealed + 1))

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - as boto3 names them
        """Lambda Invoke, as far as it goes to intake's handler."""
        from intake.upward import reveal

        self.asked += 1
        answer = reveal(json.loads(Payload), ours.CONTEXT)
        return {"Payload": io.BytesIO(json.dumps(answer, ensure_ascii=False).encode())}

    def post(self, *_: Any) -> Any:
        """The answer of the level above to a call."""
        self.posted += 1
        return _Taken(b'{"success": true, "message": ""}')


class _Taken(io.BytesIO):
    """An answer: 200, with this body."""

    status = 200


def _said(lines: list[bytes], above: _Above) -> dict[str, Any]:
    """What stands in the place of a file, of another function and of the network, by where it is looked for."""
    return {
        "notify.sealed.days.segments_after": above.after,
        "notify.sealed.files.lines_of": lambda _: iter(lines),
        "notify.upward.revealing.lambda_": lambda: SimpleNamespace(invoke=above.invoke),
        "notify.upward.sending.request": above.post,
        "notify.upward.targets.secrets.upstream": lambda _: {"header:x-app-key": "bench"},
    }


def _segment(number: int) -> Segment:
    # With a day of its own each: what has a receipt of the same day is not sent again.
    place = {"ledger_day": _DAY + timedelta(days=number), "of_day": _DAY, "key": "", "first": "", "last": "", "sha256": "", "root": ""}
    return Segment(number=number, bytes=0, entries=0, ratings=0, **place)


def _line(entry: dict[str, Any]) -> bytes:
    return canonical(record_of(telling.line(_LANE, parse(entry), door.keys())))


def _register(batch: int) -> None:
    value = {"profile": "zhejiang", "url": "https://above.example.cn", "regions": ["330000000000"], "batch": batch}
    value |= {"since": (_DAY - timedelta(days=1)).isoformat(), "enabled": True}
    registry.add(registry.Record(kind="upstream", id="nation", valid_from=_DAY - timedelta(days=1), value=value))
    registry.forget()
