"""The demo's report: one self-contained HTML page, charts as inline SVG, nothing loaded from anywhere."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from contract.codes import Clock, Level
from haochaping import views
from haochaping.casework import history_row
from haochaping.demo.morning import BAD_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from haochaping.demo.casework import Story
    from haochaping.demo.played import Played

_COLOURS = dict(zip(Level, ("#1b7f5c", "#58a97f", "#c9b458", "#d9772b", "#b3261e"), strict=True))
_STYLE = """
:root { color-scheme: light; --ink: #1d2430; --soft: #5d6675; --line: #e2e5ea; --paper: #ffffff; --ground: #f5f6f8; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.6 "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 28px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 0 0 12px; }
p.sub { color: var(--soft); margin: 0 0 24px; }
section, .tile { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; }
section { padding: 20px 22px; margin: 0 0 18px; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; border-bottom: 1px solid var(--line); padding: 6px 10px 6px 0; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.ok { color: #1b7f5c; }
.bad { color: #b3261e; font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0 0 18px; }
.tile { padding: 14px 16px; }
.tile b { display: block; font-size: 26px; line-height: 1.2; }
.tile span, .legend { color: var(--soft); font-size: 13px; }
.legend { margin: 10px 0 0; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 4px 0 14px; }
svg text { font-size: 13px; fill: var(--ink); }
svg .soft { fill: var(--soft); }
"""


def write(played: Played, path: Path) -> Path:
    """Writes the page and returns its path."""
    name = played.province.province
    title = f"{name.zh}“好差评”：一个上午"
    body = "".join(
        (
            f"<h1>{escape(title)}</h1><p class='sub'>{escape(name.en)}: one morning. "
            f"{len(played.morning.letters):,} 条消息 messages, {played.seconds:.0f} s<br>"
            f"差评按 {BAD_SHARE:.0%} 抽取，其余按广东 2023 年 7 月公布的比例 · bad ratings are drawn at {BAD_SHARE:.0%}, "
            "everything else as Guangdong published for July 2023</p>",
            _tiles(played),
            _section("每条消息的去向 What became of every message", _checks(played)),
            *(_section(board, _bars(rows)) for board, rows in played.boards.items()),
            _section(f"差评工单 Cases of bad ratings ({len(played.cases)})", _cases(played)),
            *(_section(f"{story.zh} {story.en}", _story(story)) for story in played.stories),
            _section("拒绝 Refusals", _table(("代码 code", "数量 count"), sorted(played.codes.items()))),
            _section("已验签的推送 Deliveries that a subscriber verified", _deliveries(played)),
        )
    )
    page = "<!doctype html><html lang='zh-CN'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
    path.write_text(f"{page}<title>{escape(title)}</title><style>{_STYLE}</style><main>{body}</main></html>", "utf-8")
    return path


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _tiles(played: Played) -> str:
    words = (("accepted", "接受 accepted"), ("duplicate", "重复 duplicate"), ("parked", "暂存 parked"), ("refused", "拒绝 refused"))
    tiles = [(f"{played.tally[name]:,}", label) for name, label in words]
    tiles.append((f"{len(played.cases):,}", "差评工单 cases"))
    return "<div class='tiles'>" + "".join(f"<div class='tile'><b>{n}</b><span>{label}</span></div>" for n, label in tiles) + "</div>"


def _checks(played: Played) -> str:
    rows = [(f"{check.zh} {check.en}", f"{check.expected:,}", f"{check.found:,}", "✓" if check.holds else "✗") for check in played.checks]
    return _table(("", "应有 expected", "实有 found", ""), rows)


def _table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    return f"<table><tr>{head}</tr>{''.join(_row(row) for row in rows)}</table>"


def _row(cells: Sequence[Any]) -> str:
    return "<tr>" + "".join(f"<td{_class(cell)}>{escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _class(cell: Any) -> str:
    if cell == "✓":
        return " class='ok'"
    return " class='bad'" if cell == "✗" else ""


def _bars(rows: list[dict[str, Any]]) -> str:
    """A bar per node, as long as its ratings, with the good and the bad rate beside it."""
    shown = [row for row in rows if row["total"]]
    most = max((row["total"] for row in shown), default=1)
    lines = "".join(_bar(n, row, most) for n, row in enumerate(shown))
    legend = "".join(f"<i style='background:{colour}'></i>{level.zh}" for level, colour in _COLOURS.items())
    return f"<svg viewBox='0 0 1040 {len(shown) * 30}' width='100%' role='img'>{lines}</svg><div class='legend'>{legend}</div>"


def _bar(n: int, row: dict[str, Any], most: int) -> str:
    y, x, parts = n * 30, 250.0, []
    for level, colour in _COLOURS.items():
        width = 430 * row["levels"][level.value] / most
        # A level that somebody gave stays visible, however small its share.
        width = max(width, 2.0) if row["levels"][level.value] else 0.0
        parts.append(f"<rect x='{x:.1f}' y='{y + 6}' width='{width:.1f}' height='16' fill='{colour}'/>")
        x += width
    label = f"<text x='0' y='{y + 19}'>{escape(row['name'])}</text>"
    good, bad = (views.share(row["indicators"][name]) for name in ("good_rate", "bad_rate"))
    rates = f"{row['total']:,}　好 {good}　差 {bad}"
    return f"{label}{''.join(parts)}<text class='soft' x='{x + 8:.1f}' y='{y + 19}'>{escape(rates)}</text>"


def _cases(played: Played) -> str:
    rows = []
    for row in map(views.case_row, played.cases):
        due = "；".join(
            f"{Clock(name).zh} {name} {clock['due_at'][:16]}{' 暂定 provisional' if clock['provisional'] else ''}"
            for name, clock in row["clocks"].items()
        )
        rows.append((row["case_id"], row["organisation_name"], Level(row["level"]).zh, due))
    return _table(("工单 case", "单位 organisation", "等级 level", "到期前 due before"), rows)


def _story(story: Story) -> str:
    headings = ("时间 when", "事实 fact", "由 by", "内容 what", "期限 due before")
    return f"<p class='sub'>{story.case.case_id}: {story.case.state.zh} {story.case.state}</p>" + _table(
        headings, map(history_row, story.history)
    )


def _deliveries(played: Played) -> str:
    rows = [
        (views.local(datetime.fromisoformat(event["time"]))[:19], event["type"], event["source"], event_id)
        for event_id, event in list(played.events.items())[:60]
    ]
    return _table(("时间 time", "事件 event", "来源 source", "id"), rows)
