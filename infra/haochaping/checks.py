"""`haochaping sample` and `haochaping reconcile`: the call-back sample, and whether the segments are the Ledger."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import typer
from rich.table import Table

from cloud import clock
from contract.zone import day_of
from haochaping.terminal import AsJson, connect, console, date_of, errors, fail, print_json
from intake import door, reconciliation, sampling
from intake.ground import policy_of, province_region

sample_app = typer.Typer(help="抽样回访 The call-back sample.", no_args_is_help=True)

DayOption = Annotated[str, typer.Option("--day", help="YYYY-MM-DD (Asia/Shanghai); 默认昨天 yesterday")]


@sample_app.command()
def draw(
    day: DayOption = "",
    per_mille: Annotated[
        int | None, typer.Option(help="千分比，默认按规则 Share in thousandths; by policy if not given.", min=1, max=1000)
    ] = None,
    seed: Annotated[str, typer.Option(help="种子，默认由系统生成 The seed; made by the stack if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """抽取样本 Draws and records the sample of a day; the same seed draws the same. Exits 1 if the day has another sample already."""
    connect()
    of_day = _day(day)
    region, now = province_region(), clock.now()
    policy = policy_of(region, now)
    share = per_mille or policy.callback_sample_per_mille
    if not share:
        raise fail("规则未规定抽样比例 the policy in force asks for no sample: --per-mille")
    seed = seed or sampling.seed_of(sampling.survey_of(of_day, region), door.keys())
    head, chosen = sampling.draw(of_day, policy, region, share, seed, now)
    if not sampling.record(head, chosen):
        raise fail(f"{of_day} 已有样本 the day has a sample already: haochaping sample show --day {of_day}")
    if as_json:
        return print_json(head.plain())
    console.print(f"{head.survey}: {head.drawn}/{head.population}, seed {head.seed}", markup=False)
    return None


@sample_app.command()
def show(day: DayOption = "", as_json: AsJson = False) -> None:
    """查看样本 The sample of a day with its case files, for the call-back desk. Exits 1 if none was drawn."""
    connect()
    of_day = _day(day)
    head = sampling.recorded(sampling.survey_of(of_day, province_region()))
    if head is None:
        raise fail(f"{of_day} 没有样本 no sample was drawn")
    drawn = list(sampling.listed(head, door.keys()))
    if as_json:
        return print_json({**head.plain(), "events": drawn})
    table = Table(title=f"{head.survey}: {head.drawn}/{head.population}, seed {head.seed}", title_justify="left")
    for heading in ("办件 case file", "服务次数 no.", "单位 organisation", "事项 item", "ref"):
        table.add_column(heading, overflow="fold")
    for each in drawn:
        table.add_row(each["project_no"], str(each["service_number"]), each["organisation"], each["task_code"], each["event_ref"])
    console.print(table)
    return None


def _day(day: str) -> date:
    return date.fromisoformat(date_of(day, "--day YYYY-MM-DD")) if day else day_of(clock.now()) - timedelta(days=1)


def reconcile(
    until: Annotated[str, typer.Option(help="YYYY-MM-DD: 只核对此前各日，默认今天 Days before this one; today if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """核对台账与分段 Compares the Ledger with its raw segments, to the end; mends the segments. Exits 1 if they differed."""
    connect()
    until = date_of(until, "--until YYYY-MM-DD") if until else day_of(clock.now()).isoformat()
    # Beside the scheduled scan, under a name of its own: one does not pass for the other.
    name = f"{until} by command"
    scan = reconciliation.load(name, until)
    if scan.finished:  # one that broke off goes on; one that was finished is made anew
        scan = reconciliation.Scan(month=name, until=until)
    scan = reconciliation.go_on(scan, door.keys(), lambda: True)
    found = reconciliation.report(scan)
    if as_json:
        print_json(found)
    else:
        console.print(f"{found['days']} 天 days, {found['entries']:,} 条 entries, 差异 differences {found['differences']}")
        for finding in found["findings"]:
            errors.print(f"{finding['day']}: {finding['lacking']} 缺 lacks {finding['entry']}", markup=False)
    if found["differences"]:
        raise typer.Exit(1)
