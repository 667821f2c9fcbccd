"""`haochaping scores`, `rankings`, `coverage`, `causes`, `signals`, `evaluation`: figures; `recount`: whether counts are their entries'."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import Annotated

import typer

from cloud import clock, registry
from cloud.clients import s3
from cloud.settings import settings
from contract.codes import RatingChannel, ServiceChannel
from contract.zone import day_of
from haochaping import views
from haochaping.terminal import AsJson, connect, console, date_of, errors, fail, print_json
from scoring import recount as recounting
from scoring import scores as stored
from scoring.figures import causes as reasons
from scoring.figures import coverage as covering
from scoring.figures import evidence, systems
from scoring.figures import rankings as ranks
from scoring.figures import siblings as kin
from scoring.nodes import KINDS, REGIONS, Node, NoNode, region_kind
from scoring.period import NoPeriod, Period
from scoring.published import publishing

PeriodOption = Annotated[str, typer.Option("--period", help="2026-11-24, 2026-11, 2026-Q4, 2026; 默认本月 this month")]


def scores(
    node: Annotated[str, typer.Argument(help="例 e.g. city#330100000000, channel#PC, organisation#<USCC>")],
    day: Annotated[str, typer.Option(help="YYYY-MM-DD (Asia/Shanghai)")] = "",
    month: Annotated[str, typer.Option(help="YYYY-MM (Asia/Shanghai)")] = "",
    period: PeriodOption = "",
    as_json: AsJson = False,
) -> None:
    """查询得分 Ratings, rates and everything beside them of a node, for a day, month, quarter or year."""
    asked, named = node_of(node), [text for text in (day, month, period) if text]
    if len(named) > 1:
        raise typer.BadParameter("--day、--month、--period 只能选一 give one of --day, --month and --period")
    if day:
        date_of(day, "--day YYYY-MM-DD")
    connect()
    of = period_of(named[0] if named else "") if not month else month_of(month)
    found = views.score(str(asked), of.name, views.policy_of(str(asked)))
    if not found["total"] and not found["finished"] and not views.is_known(asked):
        raise _unknown(str(asked))
    if as_json:
        return print_json(found)
    console.print(views.score_table(f"{asked} {of.name}", [found]))
    console.print(views.indicator_table(found))
    return None


def recount(
    day: Annotated[str, typer.Option("--day", help="YYYY-MM-DD (Asia/Shanghai)")],
    correct: Annotated[bool, typer.Option("--correct", help="按明细更正 Sets the counts right, as a recorded delta.")] = False,
    id: Annotated[
        str, typer.Option("--id", help="核对编号，默认按时间 Names the recount, by the time if not given; the same corrects an item once.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """重新计数 Counts a day again from its raw segments and names every difference. Exits 1 if there are any left."""
    of_day = date.fromisoformat(date_of(day, "--day YYYY-MM-DD"))
    connect()
    if of_day > day_of(clock.now()):
        raise fail(f"{day}: 尚未开始 has not begun")
    found = recounting.recount(of_day, id or f"by-hand-{clock.wall().isoformat()}", correct=correct, now=clock.wall())
    if as_json:
        print_json(found.plain())
    else:
        console.print(
            f"{found.day}: 已核对 compared {found.compared:,}, 未满26小时 too young {found.young:,}, 变动中 moving {found.moved:,}, "
            f"差异 differences {found.differences:,}, 已更正 items corrected {found.corrected:,}"
        )
        for each in found.named:
            errors.print(
                f"{each.node} {each.at} {each.counter}: 计数 counted {each.counted:,}, 明细 entries {each.entries:,}", markup=False
            )
    if found.differing_items > found.corrected:
        raise typer.Exit(1)


def rankings(
    kind: Annotated[str, typer.Argument(help="organisation, region, item, window, staff, base")],
    of: Annotated[str, typer.Argument(help="区划、单位或基本编码 A region, an organisation, a basic code.")],
    period: PeriodOption = "",
    indicator: Annotated[str, typer.Option(help="指标 An indicator, by name.")] = "good_rate",
    as_json: AsJson = False,
) -> None:
    """排名 Siblings side by side, by what can be said with confidence; too few ratings have no rank."""
    connect()
    of = padded(of)
    asked, on = period_of(period), day_of(clock.now())
    policy = views.policy_of(views.home_of(of))
    try:
        now, before = (kin.siblings(kind, of, one, on) for one in (asked, asked.before))
        places = ranks.ranking(now, before, policy, indicator)
    except (kin.NoSiblings, ranks.NoIndicator) as error:
        raise typer.BadParameter(str(error)) from None
    if not places:
        raise fail(f"{of}: 没有可比对象 nothing to compare: {kind} 须已登记或已有计数 must be registered there, or have been counted")
    found = ranks.plain(places, policy, indicator)
    if as_json:
        return print_json(found | {"kind": kind, "of": of, "period": asked.name})
    console.print(views.ranking_table(kind, f"{found['zh']} {found['en']} {asked.name}", places))
    return None


def coverage(
    of: Annotated[str, typer.Argument(help="区划或单位 A region (12 digits) or an organisation (USCC).")],
    period: PeriodOption = "",
    as_json: AsJson = False,
) -> None:
    """覆盖情况 Registered items, objects and channels that nobody rated, and ratings of what is not listed."""
    connect()
    asked, of, on = period_of(period), padded(of), day_of(clock.now())
    if not registry.find("organisation" if len(of) == 18 else "region", of, on):
        raise _unknown(of)
    found = covering.coverage_of(of, asked, on)
    if as_json:
        return print_json(found.plain())
    for one in found.dimensions:
        share = "—" if one.rate is None else f"{one.rate:.1%}"
        console.print(f"{one.kind.zh} {one.kind.en}: {share} ({one.numerator:,}/{one.denominator:,})")
        console.print("".join(f"  {id}: 已办结 finished {services:,}\n" for id, services in one.missing.items()), end="", markup=False)
    for window, given in found.unknown_windows.items():
        console.print(f"窗口未登记 unknown window {window}: 评价 ratings {given:,}", markup=False)
    console.print(f"未列入清单的评价 ratings of unlisted items {found.unlisted_items:,}, organisations {found.unlisted_organisations:,}")
    return None


def causes(
    organisation: Annotated[str, typer.Argument(help="统一社会信用代码 Credit code.")],
    month: Annotated[str, typer.Option("--month", help="2026-11; 默认本月 this month")] = "",
    as_json: AsJson = False,
) -> None:
    """差评原因 Which reasons are given for which item, what the facts say of them, and how it was the month before."""
    connect()
    asked = month_of(month) if month else period_of("")
    _check_organisation(organisation)
    now, before = (stored.parts(f"organisation#{organisation}", one) for one in (asked, asked.before))
    found = reasons.compared(now, before, organisation, asked.name)
    if as_json:
        return print_json([one.plain() for one in found])
    console.print(views.cause_table(asked.name, found))
    return None


def signals(
    organisation: Annotated[str, typer.Argument(help="统一社会信用代码 Credit code.")], period: PeriodOption = "", as_json: AsJson = False
) -> None:
    """异常迹象 What asks for a look at an organisation's ratings, with its evidence. Nothing is taken away for it."""
    connect()
    asked = period_of(period)
    _check_organisation(organisation)
    found = evidence.signals_of(organisation, asked, views.policy_of(f"organisation#{organisation}"), day_of(clock.now()))
    if as_json:
        return print_json([one.plain() for one in found])
    for one in found:
        what = f" {one.dominant_zh} {one.dominant_en}" if one.dominant else ""
        console.print(f"{one.signal.zh} {one.signal.en}: {one.numerator:,}/{one.denominator:,}{what}", markup=False)
    if not found:
        console.print("没有异常迹象 no signals")
    return None


def evaluation(
    organisation: Annotated[str, typer.Argument(help="统一社会信用代码 Credit code.")], period: PeriodOption = "", as_json: AsJson = False
) -> None:
    """评估指数 An organisation's index under the six aspects, with its parts."""
    connect()
    asked = period_of(period)
    found = systems.index_of(organisation, asked, views.policy_of(f"organisation#{organisation}"), day_of(clock.now()))
    if found is None:
        raise fail(f"{organisation}: 机构未登记 not registered")
    if as_json:
        return print_json(found.plain())
    console.print(views.index_table(asked.name, found))
    return None


def publish(period: Annotated[str, typer.Argument(help="2026-11, 2026-Q4, 2026")], as_json: AsJson = False) -> None:
    """公布结果 Publishes the results of a period that is over, or a revision beside the first. Exits 1 if it is too early."""
    connect()
    asked = period_of(period)
    try:
        told = publishing.publish(asked)
    except publishing.NotYet:
        raise fail(f"{period}: 尚未到公布时间 it is not yet time") from None
    except NoPeriod:
        raise typer.BadParameter("按月、季、年公布 a month, a quarter or a year is published") from None
    if told is None and not publishing.revisions(settings().province, asked.name):
        raise fail(f"{period}: 本期没有可公布的数据 nothing was counted in this period")
    if as_json:
        return print_json(told.plain() if told else {"period": asked.name, "unchanged": True})
    console.print(
        f"{told.period} r{told.revision}: {', '.join(told.files.values())}" if told else "没有变化 nothing has changed", soft_wrap=True
    )
    return None


def results(
    period: Annotated[str, typer.Argument(help="2026-11, 2026-Q4, 2026")],
    page: Annotated[Path | None, typer.Option("--page", help="把网页写入文件 Writes the page into this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """已公布结果 What was published of a period, with its revisions. Exits 1 if nothing was."""
    connect()
    asked = period_of(period)
    found = publishing.revisions(settings().province, asked.name)
    if not found:
        raise fail(f"{period}: 尚未公布 nothing is published")
    if page:
        body = s3().get_object(Bucket=settings().results_bucket, Key=found[-1].files["text/html"])["Body"].read()
        try:
            page.write_bytes(body)
        except OSError as error:
            raise fail(f"文件无法写入 the file cannot be written: {error.strerror}") from None
    if as_json:
        return print_json([one.plain() for one in found])
    for one in found:
        console.print(f"{one.period} r{one.revision} {one.published_on}: {', '.join(one.files.values())}", soft_wrap=True)
    return None


COMMANDS = (scores, rankings, coverage, causes, signals, evaluation, recount, publish, results)


def node_of(text: str) -> Node:
    """The node of an argument, a region's six digits padded. Refuses a kind that is not counted, and a code that is none of its kind."""
    kind, _, id = text.partition("#")
    try:
        node = Node.of(f"{kind}#{padded(id)}" if kind in REGIONS else text)
    except NoNode:
        raise typer.BadParameter(f"节点为 a node is KIND#ID: {', '.join(KINDS)}") from None
    codes = {"channel": RatingChannel, "service_channel": ServiceChannel}.get(kind)
    if codes and node.id not in codes.__members__:
        raise typer.BadParameter(f"{kind}#: {', '.join(codes)}")
    if kind in REGIONS and (not re.fullmatch("[1-9][0-9]{11}", node.id) or region_kind(node.id) != kind):
        raise typer.BadParameter(f"不是该级区划 not a {kind}: {node.id}")
    return node


def padded(id: str) -> str:
    """A region's six digits as twelve."""
    return id.ljust(12, "0") if re.fullmatch("[1-9][0-9]{5}", id) else id


def month_of(text: str) -> Period:
    """The month of an option. Refuses what is none, or has not begun."""
    return period_of(date_of(f"{text}-01", "--month YYYY-MM")[:7])


def period_of(text: str) -> Period:
    """The period of an option, this month if none is given. Refuses what is none, or has not begun."""
    today = day_of(clock.now())
    try:
        period = Period.of(text) if text else Period.of_month(today)
    except NoPeriod:
        raise typer.BadParameter("没有这个周期 no such period: 2026-11-24, 2026-11, 2026-Q4, 2026") from None
    if period.first > today:
        raise typer.BadParameter(f"{text}: 尚未开始 has not begun")
    return period


def _check_organisation(uscc: str) -> None:
    node = f"organisation#{uscc}"
    if not (views.is_known(Node("organisation", uscc)) or stored.has_items(node)):
        raise _unknown(node)


def _unknown(what: str) -> typer.Exit:
    return fail(f"{what}: 未登记，也没有计数 neither registered nor counted")
