"""Read models for people: scores, cases and refusals as rows, and rows as tables (Chinese first)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cloud import clock, registry
from cloud.settings import settings
from contract.codes import Level, RatingChannel
from contract.zone import SHANGHAI, day_of, hour_of
from policy.rules import Policy, in_force
from rectify import cases
from scoring import indicators, scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rectify.case import Case
    from scoring.indicators import Rate

_REGISTERED_AS = {"province": "region", "city": "region", "county": "region", "organisation": "organisation"}


def name_of(node: str) -> str:
    """The registered Chinese name of a node, its id where none is registered."""
    kind, _, id = node.partition("#")
    known = registry.find(_REGISTERED_AS[kind], id, day_of(clock.now())) if kind in _REGISTERED_AS else None
    if kind == "channel" and id in RatingChannel.__members__:
        return RatingChannel(id).zh
    return str(known["zh"]) if known else id


def score(node: str, period: str, policy: Policy) -> dict[str, Any]:
    """A node over a day or month: ratings per level and provenance, and the rates with numerator and denominator."""
    rows = indicators.rows(scores.counts(node, period))
    provenance: Counter[str] = Counter()
    for row in rows:
        provenance[row.provenance.value] += row.amount
    return {
        "node": node,
        "name": name_of(node),
        "period": period,
        "ratings": sum(row.amount for row in rows),
        "levels": {level.value: amount for level, amount in indicators.by_level(rows).items()},
        "provenance": dict(provenance),
        "good_rate": _rate(indicators.good_rate(rows, policy.good_levels), policy.min_n),
        "bad_rate": _rate(indicators.bad_rate(rows), policy.min_n),
    }


def _rate(rate: Rate, min_n: int) -> dict[str, Any]:
    return {"numerator": rate.numerator, "denominator": rate.denominator, "rate": rate.shown(min_n)}


def policy_of(node: str) -> Policy:
    """The policy in force today where a node lies: for one that lies nowhere in particular, that of the province."""
    kind, _, id = node.partition("#")
    on = day_of(clock.now())
    if kind == "organisation":
        id = (registry.find(kind, id, on) or {}).get("region_code", "")
    region_code = id if id and _REGISTERED_AS.get(kind) else f"{settings().province_code}0000000000"
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
        table.add_row(row["name"], *levels, f"{row['ratings']:,}", share(row["good_rate"]), share(row["bad_rate"]))
    return table


def share(rate: dict[str, Any]) -> str:
    """A rate with its counts; no share below the minimum n."""
    counts = f"{rate['numerator']:,}/{rate['denominator']:,}"
    return f"{rate['rate']:.2%} ({counts})" if rate["rate"] is not None else f"— ({counts})"


def open_cases(organisation: str | None = None) -> list[Case]:
    """The cases of an organisation, or all: the one whose first deadline was or is soonest comes first."""
    found = cases.of_organisation(organisation) if organisation else cases.all_open()
    return sorted(found, key=lambda case: (min((clock.due_at for clock in case.clocks.values()), default=case.opened_at), case.case_id))


def case_row(case: Case) -> dict[str, Any]:
    """A case as the command line shows it: never who rated."""
    return {
        "case_id": case.case_id,
        "state": case.state.value,
        "organisation": case.rating.organisation,
        "organisation_name": _unit(case),
        "level": case.rating.level.value,
        "tags": list(case.rating.tags),
        "opened_at": local(hour_of(case.opened_at)),
        "clocks": {
            clock.value: {"due_at": local(deadline.due_at), "provisional": deadline.provisional, "overdue": deadline.overdue}
            for clock, deadline in case.clocks.items()
        },
    }


def _unit(case: Case) -> str:
    organisation = case.rating.organisation
    return name_of(f"organisation#{organisation}") if organisation else "未关联 not linked to a unit"


def local(moment: Any) -> str:
    """An instant in Asia/Shanghai."""
    return str(moment.astimezone(SHANGHAI).isoformat(timespec="seconds"))


def case_table(found: Sequence[Case]) -> Table:
    """Cases with their deadlines."""
    table = Table(title=f"差评工单 cases: {len(found)}", title_justify="left")
    for heading in ("工单 case", "单位 organisation", "等级 level", "时限 clock", "到期前 due before"):
        table.add_column(heading, overflow="fold", no_wrap=heading.startswith("到期前"))
    for case in found:
        for n, (name, deadline) in enumerate(case.clocks.items()):
            head = (case.case_id, _unit(case), case.rating.level.zh) if n == 0 else ("", "", "")
            due = local(deadline.due_at)[:16].replace("T", " ")
            marks = [mark for mark, on in (("超期 overdue", deadline.overdue), ("暂定 provisional", deadline.provisional)) if on]
            table.add_row(*head, f"{name.zh} {name.en}", "\n".join([due, *marks]))
    return table
