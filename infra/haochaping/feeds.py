"""`haochaping feed`: what the feed holds, and what became of one event for each subscriber."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from contract.refusals import Refused
from haochaping.terminal import AsJson, connect, console, errors, fail, print_json
from notify import deliveries, feed, reading, subscriptions
from notify.cursor import Cursor
from notify.delivery import text_of
from notify.subscription import KINDS
from notify.wanting import name_of, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notify.deliveries import Row
    from notify.feed import Page

app = typer.Typer(help="结果事件 The feed of result events.", no_args_is_help=True)

_PAGE = 500


@app.command()
def pull(
    cursor: Annotated[
        str, typer.Option(help="游标；不填则从头，latest 为末尾 A cursor; without it the beginning, `latest` for the end.")
    ] = "",
    types: Annotated[str, typer.Option(help="事件名，逗号分隔 Names of events, by commas.")] = "",
    limit: Annotated[int, typer.Option(help="最多事件数 Events at most.", min=1)] = 100,
    everything: Annotated[bool, typer.Option("--all", help="读到末尾 To the end, however many.")] = False,
) -> None:
    """读取事件 Events behind a cursor, a CloudEvent in a line, whatever their scope; the cursor behind them goes to the standard error."""
    wanted = _kinds(types)
    connect()
    try:
        place = feed.end() if cursor == "latest" else Cursor.of(cursor)
    except Refused:
        raise fail("游标无效 no cursor of the feed: f1.…") from None
    for page in _pages(place, None if everything else limit, wanted):
        sys.stdout.write("".join(f"{text_of(event)}\n" for event in page.events))
        place = page.cursor
    errors.print(f"cursor {place}", highlight=False)


def _kinds(types: str) -> frozenset[str]:
    named = frozenset(name.strip() for name in types.split(",") if name.strip())
    if unknown := sorted(named - set(KINDS)):
        raise typer.BadParameter(f"没有该事件 no such event: {', '.join(unknown)}")
    return named


def _pages(place: Cursor, left: int | None, types: frozenset[str]) -> Iterator[Page]:
    more = True
    while more and left != 0:
        page = reading.pull(place, min(_PAGE, left or _PAGE), types=types)
        yield page
        place, more = page.cursor, page.more
        left = None if left is None else left - len(page.events)


@app.command()
def show(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="事件编号 The event_id, or a webhook-id.")], as_json: AsJson = False
) -> None:
    """查询事件 An event, its place in the feed, and what became of it for each subscriber. Exits 1 if the feed has none of this id."""
    connect()
    place = feed.place_of(event_id)
    if place is None:
        raise fail(f"没有该事件 no such event in the feed: {event_id}")
    event = feed.at(place)
    rows = [row for one in subscriptions.every() if (row := deliveries.find(one.id, event_id))]
    if as_json:
        told = [{"subscription": row.subscription, **row.plain()} for row in rows]
        return print_json({"event": event, "shard": place.shard, "position": place.position, "deliveries": told})
    console.print(_lines(event, f"{place.shard}.{place.position}"), markup=False, highlight=False, soft_wrap=True)
    console.print(delivery_table(rows))
    return None


def _lines(event: dict[str, Any], place: str) -> str:
    region, organisation = place_of(event)
    said = {"事件 event": name_of(event), "时间 time": event["time"], "重要程度 severity": event["severity"], "位置 place": place}
    about = {"区划 region": region, "机构 organisation": organisation, "内容 data": text_of(event["data"])}
    return "\n".join(f"{name}: {value}" for name, value in (said | about).items() if value)


def delivery_table(rows: list[Row]) -> Table:
    """What became of events, a line for each subscriber and event."""
    table = Table(title=f"推送 deliveries: {len(rows)}", title_justify="left")
    headings = ("订阅 subscription", "事件 event", "状态 state", "次数 tries", "最近 last", "答复 answer", "毫秒 ms", "下次 next")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        said = row.plain()
        state = f"{row.state.zh} {row.state.value}"
        due_at, at = said.get("due_at", ""), said["at"] if row.tries else ""
        table.add_row(row.subscription, row.event_id, state, str(row.tries), at, row.answer, str(row.milliseconds), due_at)
    return table
