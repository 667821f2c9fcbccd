"""Read models for people: scores, cases and refusals as rows, and rows as tables (Chinese first)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from cloud import clock, registry
from cloud.settings import settings
from contract.codes import Level, RatingChannel
from contract.identifiers import BASE_CODE
from contract.zone import SHANGHAI, day_of, hour_of
from policy.rules import Policy, in_force
from rectify import cases
from scoring import scores
from scoring.figures import indicators
from scoring.nodes import REGIONS, Node, region_kind
from scoring.period import Period

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from rectify.case import Case
    from scoring.figures.causes import Change
    from scoring.figures.index import IndexScore
    from scoring.figures.rankings import Place

_REGISTERED_AS = dict.fromkeys(REGIONS, "region") | {kind: kind for kind in ("organisation", "window", "platform")}


def name_of(node: str) -> str:
    """The registered Chinese name of a node, its id where none is registered."""
    kind, _, id = node.partition("#")
    if kind == "channel" and id in RatingChannel.__members__:
        return RatingChannel(id).zh
    known = _registered(Node.of(node)) if id else None
    return str(known["zh"]) if known else id


def is_known(node: Node) -> bool:
    """Whether a node is registered today, or named by a code list."""
    return node.kind in {"channel", "service_channel"} or _registered(node) is not None


def _registered(node: Node) -> dict[str, Any] | None:
    today, id = day_of(clock.now()), node.id
    if node.kind in {"item", "base"}:
        code = id.rpartition("#")[2]
        base = code if node.kind == "base" else code[BASE_CODE]
        return (registry.find("item", code, today) if node.kind == "item" else None) or registry.find("base_item", base, today)
    kind = _REGISTERED_AS.get(node.kind)
    return registry.find(kind, id, today) if kind else None


def score(node: str, period: str, policy: Policy) -> dict[str, Any]:
    """A node over a period: its figures, and in short how many ratings there are per level that somebody gave."""
    counts = scores.counts(Node.of(node), Period.of(period))
    given = [indicators.levels(counts, row) for row in indicators.ROWS if row != "default"]
    shown = indicators.figures(counts, policy)
    return {
        "node": node,
        "name": name_of(node),
        "period": period,
        "total": scores.ratings_in(counts),
        "levels": {level.value: sum(row[level] for row in given) for level in Level},
        **shown,
    }


def policy_of(node: str) -> Policy:
    """The policy in force today where a node lies: for one that lies nowhere in particular, that of the province."""
    kind, _, id = node.partition("#")
    on = day_of(clock.now())
    if kind == "organisation":
        id = (registry.find(kind, id, on) or {}).get("region_code", "")
    region_code = id if id and kind in {*REGIONS, "organisation"} else settings().province
    return in_force(registry.rules(region_code), region_code, day_of(clock.now()))


def score_table(title: str, rows: Iterable[dict[str, Any]]) -> Table:
    """Scores side by side."""
    table = Table(title=title, title_justify="left")
    table.add_column("节点 node", overflow="fold")
    for level in Level:
        table.add_column(level.zh, justify="right", overflow="fold")
    table.add_column("合计 total", justify="right")
    table.add_column("好评率 good", justify="right")
    table.add_column("差评率 bad", justify="right")
    for row in rows:
        levels = [f"{row['levels'][level.value]:,}" for level in Level]
        rates = [share(row["indicators"][name]) for name in ("good_rate", "bad_rate")]
        table.add_row(row["name"], *levels, f"{row['total']:,}", *rates)
    return table


def indicator_table(row: dict[str, Any]) -> Table:
    """Every indicator that was counted for, with numerator and denominator."""
    table = Table(title="指标 indicators", title_justify="left")
    for heading in ("指标 indicator", "名称 name", "数值 value"):
        table.add_column(heading, overflow="fold")
    for name, held in row["indicators"].items():
        if held["denominator"]:
            named = indicators.INDICATORS[name]
            table.add_row(f"{named.zh} {named.en}", name, share(held))
    return table


def home_of(of: str) -> str:
    """The node by whose rules siblings are judged: a region, an organisation, or for a basic code the province."""
    if len(of) == 12 and of.isdigit():
        return f"{region_kind(of)}#{of}"
    return f"organisation#{of}"


def ranking_table(kind: str, title: str, places: Sequence[Place]) -> Table:
    """Places, the best first, with the interval that they were ordered by."""
    table = Table(title=title, title_justify="left")
    for heading in ("名次 rank", "升降 moved", "名称 name", "数值 value", "区间 interval"):
        table.add_column(heading, overflow="fold", justify="left" if heading.startswith("名称") else "right")
    for place in places:
        node = f"{region_kind(place.id)}#{place.id}" if kind == "region" else f"{'item' if kind == 'base' else kind}#{place.id}"
        name = name_of(node) if kind not in {"window", "staff"} else place.id
        value = share({"numerator": place.numerator, "denominator": place.denominator, "rate": place.rate})
        interval = "" if place.low is None or place.high is None else f"{place.low:.2%} – {place.high:.2%}"
        table.add_row(
            str(place.rank or "—"),
            f"{place.moved:+d}" if place.moved is not None else "",
            name if name == place.id else f"{name} {place.id}",
            value,
            interval,
        )
    return table


def cause_table(title: str, found: Iterable[Change]) -> Table:
    """Causes, the most frequent first, with what the facts say of them."""
    table = Table(title=f"差评原因 causes {title}", title_justify="left")
    for heading in (
        "原因 reason",
        "事项 item",
        "次数 number",
        "上期 before",
        "相符 confirmed",
        "不符 not confirmed",
        "无法核对 not checkable",
    ):
        table.add_column(heading, overflow="fold")
    for cause, before, _ in found:
        checks = (cause.number, before, cause.confirmed, cause.not_confirmed, cause.not_checkable)
        table.add_row(f"{cause.zh} {cause.tag}", cause.item, *(f"{n:,}" for n in checks))
    return table


def index_table(title: str, found: IndexScore) -> Table:
    """The index with its six aspects and their parts."""
    score = "—" if found.score is None else f"{found.score:.1f}"
    table = Table(title=f"评估指数 index {title}: {score} (权重覆盖 weight covered {found.covered:.0%})", title_justify="left")
    for heading in ("方面 aspect", "指标 indicator", "权重 weight", "数值 value", "得分 score"):
        table.add_column(heading, overflow="fold")
    for aspect in found.aspects:
        for n, part in enumerate(aspect.parts):
            value = share({"numerator": part.numerator, "denominator": part.denominator, "rate": part.rate})
            points = "—" if part.score is None else f"{part.score:.1f}"
            table.add_row(f"{aspect.zh} {aspect.en}" if n == 0 else "", f"{part.zh} {part.en}", f"{part.weight:g}", value, points)
    return table


def share(rate: dict[str, Any]) -> str:
    """A rate with its counts; no share below the minimum n."""
    counts = f"{rate['numerator']:,}/{rate['denominator']:,}"
    return f"{rate['rate']:.2%} ({counts})" if rate["rate"] is not None else f"— ({counts})"


def open_cases(organisation: str | None = None) -> list[Case]:
    """The cases of an organisation, or all: the one whose first deadline was or is soonest comes first."""
    found = cases.open_of(organisation) if organisation else cases.all_open()
    return sorted(found, key=lambda case: (min((clock.due_at for clock in case.clocks.values()), default=case.opened_at), case.case_id))


def case_row(case: Case) -> dict[str, Any]:
    """A case as the command line shows it: never who rated."""
    return {
        "case_id": case.case_id,
        "state": case.state.value,
        "organisation": case.unit,
        "organisation_name": unit_name(case),
        "level": case.rating.level.value,
        "tags": list(case.rating.tags),
        "opened_at": local(hour_of(case.opened_at)),
        "clocks": {
            clock.value: {"due_at": local(deadline.due_at), "provisional": deadline.provisional, "overdue": deadline.overdue}
            for clock, deadline in case.clocks.items()
        },
    }


def unit_name(case: Case) -> str:
    """The name of the unit in charge of a case."""
    return name_of(f"organisation#{case.unit}") if case.unit else "未关联 not linked to a unit"


def local(moment: Any) -> str:
    """An instant in Asia/Shanghai."""
    return str(moment.astimezone(SHANGHAI).isoformat(timespec="seconds"))


def minute(moment: datetime) -> str:
    """An instant in Asia/Shanghai, as people read it."""
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def case_table(found: Sequence[Case]) -> Table:
    """Cases with their deadlines."""
    table = Table(title=f"差评工单 cases: {len(found)}", title_justify="left")
    for heading in ("工单 case", "单位 organisation", "等级 level", "时限 clock", "到期前 due before"):
        table.add_column(heading, overflow="fold", no_wrap=heading.startswith("到期前"))
    for case in found:
        for n, (name, deadline) in enumerate(case.clocks.items()):
            head = (case.case_id, unit_name(case), case.rating.level.zh) if n == 0 else ("", "", "")
            due = minute(deadline.due_at)
            marks = [mark for mark, on in (("超期 overdue", deadline.overdue), ("暂定 provisional", deadline.provisional)) if on]
            table.add_row(*head, f"{name.zh} {name.en}", "\n".join([due, *marks]))
    return table
