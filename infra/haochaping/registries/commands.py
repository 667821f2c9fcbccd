"""`haochaping registry`: registries from files, what is registered, and what is missing."""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from haochaping.terminal import AsJson, connect, console, date_of, errors, fail, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from haochaping.registries.columns import Kind
    from haochaping.registries.findings import Finding
    from haochaping.registries.loading import Loaded

app = typer.Typer(help="登记库 Registries: regions, organisations, windows, staff, platforms, items.", no_args_is_help=True)

KindName = Annotated[str, typer.Argument(metavar="KIND", help="region, organisation, window, staff, platform, item")]
_SHOWN_FINDINGS = 50
_OTHER_KINDS = ("base_item", "party", "policy")


def _kind(name: str) -> Kind:
    from haochaping.registries.columns import KINDS

    if name not in KINDS:
        raise typer.BadParameter(f"没有该类登记 no such kind: {', '.join(KINDS)}")
    return KINDS[name]


@app.command()
def load(
    kind: KindName,
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8, GB 18030) 或 or XLSX", exists=True, dir_okay=False)],
    valid_from: Annotated[str, typer.Option(help="YYYY-MM-DD: 未填生效日期的行 for rows without a date of their own")] = "",
    report: Annotated[Path | None, typer.Option(help="退回行清单 CSV of the rejected rows", dir_okay=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不写入 Check only, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """载入登记文件 Register every row that can be; report every other. Exits 1 if one was rejected."""
    from haochaping.registries import loading

    read = _kind(kind)
    start = date.fromisoformat(date_of(valid_from, "--valid-from YYYY-MM-DD")) if valid_from else None
    connect()
    if report:
        _write_report(report, [])  # that it can be written is known before anything is loaded
    with Progress(console=errors, transient=True) as progress:
        bar = progress.add_task(f"载入 {kind}", total=None)
        loaded = loading.load(
            read,
            file,
            start,
            write=not dry_run,
            say=lambda done, total: progress.update(bar, completed=done, total=total if total >= done else None),
        )
    if report:
        _write_report(report, loaded.findings)
    _show_loaded(loaded, report, dry_run=dry_run, as_json=as_json)
    if loaded.findings:
        raise typer.Exit(1)


def _write_report(path: Path, findings: Iterable[Finding]) -> None:
    from haochaping.registries.findings import Finding

    # With the mark that lets a spreadsheet know the encoding.
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([Finding._fields, *findings])
    except OSError as error:
        raise fail(f"无法写入 cannot be written: {path} ({error.strerror})") from None


def _show_loaded(loaded: Loaded, report: Path | None, *, dry_run: bool, as_json: bool) -> None:
    counts = {"rows": loaded.rows, "new": loaded.new, "known": loaded.known, "rejected": loaded.rejected}
    if as_json:
        return print_json({**counts, "written": not dry_run, "findings": [found._asdict() for found in loaded.findings]})
    if loaded.findings:
        console.print(_findings_table(loaded.findings[:_SHOWN_FINDINGS]))
    if len(loaded.findings) > _SHOWN_FINDINGS:
        where = report or "--report FILE.csv"
        console.print(f"其余见 the rest is in: {where} ({len(loaded.findings):,})", markup=False)
    names = {"rows": "行", "new": "新增", "known": "已有", "rejected": "退回"}
    console.print(", ".join(f"{names[name]} {name} {count:,}" for name, count in counts.items()), highlight=False)
    if dry_run:
        console.print("未写入 nothing was written")
    return None


def _findings_table(findings: Iterable[Finding]) -> Table:
    table = Table(title="退回 rejected", title_justify="left")
    for heading in ("行 row", "列 column", "代码 code", "原因 reason", "可接受 accepted"):
        table.add_column(heading, overflow="fold")
    for found in findings:
        table.add_row(str(found.row), escape(found.column), found.code, f"{found.zh}\n{found.en}", escape(found.accepts))
    return table


@app.command()
def template(kind: KindName) -> None:
    """文件模板 A CSV with the headings and one valid row."""
    read = _kind(kind)
    # A spreadsheet needs the mark to know the encoding; a terminal would show it.
    sys.stdout.write("" if sys.stdout.isatty() else "\ufeff")
    csv.writer(sys.stdout).writerows([[column.heading for column in read.columns], read.example])


@app.command()
def show(
    kind: Annotated[str, typer.Argument(help="region, organisation, window, staff, platform, item, base_item, party, policy")],
    id: Annotated[str, typer.Argument(help="窗口与人员 windows and staff: <USCC>#<编号 code>")],
    on: Annotated[str, typer.Option(help="YYYY-MM-DD (Asia/Shanghai); 默认今天 today")] = "",
    as_json: AsJson = False,
) -> None:
    """查询登记 What is registered on a day, and all versions. Exits 1 if nothing is."""
    from cloud import clock, registry
    from contract.zone import day_of
    from haochaping.registries.columns import KINDS

    if kind not in (*KINDS, *_OTHER_KINDS):
        raise typer.BadParameter(f"没有该类登记 no such kind: {', '.join((*KINDS, *_OTHER_KINDS))}")
    day = date.fromisoformat(date_of(on, "--on YYYY-MM-DD")) if on else None
    connect()
    id = id.ljust(12, "0") if kind in {"region", "policy"} and len(id) == 6 else id
    day = day or day_of(clock.now())
    versions = list(registry.stored(kind, id))
    valid = [record for record in versions if record.valid_from <= day]
    if not valid:
        raise fail(f"{day}: 未登记 not registered: {kind}#{id}")
    dates = [record.valid_from.isoformat() for record in versions]
    shown = {"kind": kind, "id": id, "valid_from": dates[len(valid) - 1], "versions": dates, "value": valid[-1].value}
    if as_json:
        return print_json(shown)
    console.print(_record_table(shown))
    return None


def _record_table(shown: dict[str, Any]) -> Table:
    from haochaping.registries.columns import KINDS

    table = Table(title=escape(f"{shown['kind']}#{shown['id']}"), title_justify="left", show_header=False)
    table.add_row("生效日期 valid_from", shown["valid_from"])
    columns = KINDS[shown["kind"]].columns if shown["kind"] in KINDS else ()
    headings = {column.name: column.heading for column in columns}
    order = list(headings)
    for name, value in sorted(shown["value"].items(), key=lambda held: order.index(held[0]) if held[0] in order else len(order)):
        table.add_row(headings.get(name, name), escape(_line(value)))
    table.add_row("版本 versions", ", ".join(shown["versions"]))
    return table


def _line(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(_line, value))
    if isinstance(value, dict):
        return f"{value['value']} {value['unit']}" if "unit" in value else "\n".join(map(_line, value.values()))
    return str(value)


@app.command()
def gaps(day: Annotated[str, typer.Option(help="YYYY-MM-DD (Asia/Shanghai); 默认今天 today")] = "", as_json: AsJson = False) -> None:
    """登记缺口 What accepted messages named on a day without its being registered."""
    from cloud import clock
    from contract.zone import day_of
    from haochaping import views
    from haochaping.registries import gaps as reported

    if day:
        date_of(day, "--day YYYY-MM-DD")
    connect()
    found = list(reported.of_day(day or day_of(clock.now()).isoformat()))
    if as_json:
        return print_json([gap.plain() for gap in found])
    table = Table(title=f"未登记 unlisted: {len(found)}", title_justify="left")
    for heading in ("类 kind", "编码 id", "机构 organisation", "首见 first seen"):
        table.add_column(heading, overflow="fold")
    for gap in found:
        organisation = views.name_of(f"organisation#{gap.organisation}") if gap.organisation else ""
        table.add_row(gap.kind, escape(gap.id), escape(organisation), views.local(gap.first_seen)[:19].replace("T", " "))
    console.print(table)
    return None
