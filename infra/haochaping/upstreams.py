"""`haochaping upstream`: the levels above that are reported to, what they said to each record, and whether everything was said."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cloud import clock, registry
from contract.codes import ReportOutcome  # noqa: TC001 - typer reads the annotation
from contract.zone import day_of
from haochaping import views
from haochaping.terminal import AsJson, connect, console, date_of, print_json
from haochaping.upstream_setup import Id, check, profile_of, registered, secret
from notify.sealed import days
from notify.upward import receipts, reconciling, reporting, results

if TYPE_CHECKING:
    from cloud.registry import Upstream
    from contract.events import UpwardReportReconciled
    from notify.upward.receipts import Receipt

app = typer.Typer(help="上报 Reporting to the level above.", no_args_is_help=True)
app.command()(check)
app.command()(secret)

DayOption = Annotated[str, typer.Option("--day", help="台账日 YYYY-MM-DD (Asia/Shanghai)")]


@app.command("list")
def list_upstreams(as_json: AsJson = False) -> None:
    """上级平台 The levels above: how far each is, how much waits, and since when one takes nothing."""
    connect()
    rows = [_standing(upstream) for upstream in registry.upstreams(_today())]
    if as_json:
        return print_json(rows)
    if not rows:
        return console.print("没有登记上级平台 none is registered")
    table = Table(title="上级平台 levels above", title_justify="left")
    for heading in (
        "编号 id",
        "格式 profile",
        "状态 state",
        "原因 reason",
        "自 since",
        "未报分段 segments behind",
        "待重报 waiting",
        "已结至 settled",
    ):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            *(str(row[name] or "") for name in ("id", "profile", "state", "reason", "since", "behind", "waiting", "settled_through"))
        )
    console.print(table)
    return None


def _standing(upstream: Upstream) -> dict[str, Any]:
    progress = receipts.progress(upstream.id)
    pause, settled = progress.pause, receipts.settled_through(upstream.id)
    return {
        "id": upstream.id,
        "profile": upstream.profile,
        "url": upstream.url,
        "state": "off" if not upstream.enabled else "down" if pause else "up",
        "reason": pause.reason if pause else None,
        "since": views.local(pause.since) if pause else None,
        "failures": pause.failures if pause else 0,
        "segment": progress.segment,
        "behind": days.head().number - progress.segment,
        "waiting": sum(1 for _ in receipts.waiting(upstream.id)),
        "settled_through": settled.isoformat() if settled else None,
    }


@app.command("report")
def report_now(id: Id, as_json: AsJson = False) -> None:
    """立即上报 Reports now, without waiting for the next run or the end of a pause. Exits 1 if it takes nothing."""
    registered(id)
    reporting.logger.setLevel(logging.CRITICAL)  # what the log would say is the answer
    told = reporting.report(only=id).get(id, {"state": "off"})
    if as_json:
        print_json(told)
    else:
        console.print(", ".join(f"{name} {value}" for name, value in told.items()), highlight=False)
    if told["state"] != "up":
        raise typer.Exit(1)


@app.command("receipts")
def list_receipts(
    id: Id,
    day: DayOption,
    outcome: Annotated[ReportOutcome | None, typer.Option(help="只列该结果 With this outcome only.", case_sensitive=False)] = None,
    as_json: AsJson = False,
) -> None:
    """上报回执 What was said to each record of a day of the Ledger; names lead to no case file and to no person."""
    registered(id)
    on = date.fromisoformat(date_of(day, "--day YYYY-MM-DD"))
    found = [receipt for receipt in receipts.of_day(id, on) if outcome in {None, receipt.outcome}]
    if as_json:
        return print_json([{"ref": receipt.ref} | receipt.plain() for receipt in found])
    console.print(f"回执 receipts: {len(found)}")
    for receipt in found:
        console.print(_receipt_line(receipt), markup=False, highlight=False, soft_wrap=True)
    return None


def _receipt_line(receipt: Receipt) -> str:
    level = f" {receipt.level.zh}" if receipt.level else ""
    return f"{views.local(receipt.at)}  {receipt.outcome.zh} {receipt.outcome.value} {receipt.code}{level}  ×{receipt.tries}  {receipt.ref}"


@app.command("reconcile")
def reconcile_now(id: Id, day: DayOption = "", as_json: AsJson = False) -> None:
    """上报核对 Sent = accepted + refused? Of a day the counts per level; else every day that is not settled, and tells. Exits 1 if not."""
    upstream = registered(id)
    reconciling.logger.setLevel(logging.CRITICAL)  # as above
    if day:
        on = date.fromisoformat(date_of(day, "--day YYYY-MM-DD"))
        differs = _show_day(reconciling.compare(upstream, profile_of(upstream), on), as_json)
    else:
        found = reconciling.reconcile(only=id).get(id, {})
        differs = bool(found)
        if as_json:
            print_json(found)
        else:
            console.print(
                "\n".join(f"{one}: 差 difference {count}" for one, count in found.items()) or "没有差异 no difference", highlight=False
            )
    if differs:
        raise typer.Exit(1)


def _show_day(found: UpwardReportReconciled, as_json: bool) -> bool:
    if as_json:
        print_json(found.model_dump(mode="json", exclude={"event_id", "happened_at", "version"}))
        return bool(found.difference)
    table = Table(title=f"{found.upstream} {found.ledger_day}", title_justify="left")
    names = ("reportable", "accepted", "duplicate", "refused", "incomplete", "waiting", "missing")
    for heading in (
        "",
        "应报 reportable",
        "接收 accepted",
        "已有 duplicate",
        "拒收 refused",
        "不全 incomplete",
        "待重报 waiting",
        "缺 missing",
    ):
        table.add_column(heading, justify="left" if not heading else "right")
    for label, counts in (*((f"{level.zh} {level}", held) for level, held in found.levels.items()), ("办件服务 services", found.services)):
        table.add_row(label, *(str(getattr(counts, name)) for name in names))
    console.print(table)
    console.print(f"不上报 not reported {found.not_reported}, 差 difference {found.difference}", highlight=False)
    return bool(found.difference)


@app.command()
def export(
    id: Id,
    file: Annotated[Path, typer.Argument(help="NDJSON: 每行一个事件 one event per line.", dir_okay=False)],
    first: Annotated[str, typer.Option("--from", help="自 YYYY-MM-DD")],
    last: Annotated[str, typer.Option("--to", help="至（含） YYYY-MM-DD, inclusive")],
) -> None:
    """导出整改结果 What became of bad ratings in these days, as events, for a level above whose format is not known yet."""
    upstream = registered(id)
    begins, ends = (date.fromisoformat(date_of(day, "YYYY-MM-DD")) for day in (first, last))
    lines = [json.dumps(event, ensure_ascii=False) + "\n" for event in results.of_days(begins, ends, upstream)]
    file.write_text("".join(lines), "utf-8")
    console.print(f"已导出 exported: {len(lines)}")


def _today() -> date:
    return day_of(clock.now())
