"""`haochaping policy`: a file of rules checked, the rules in force, presets, and what other rules would do to open cases."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from pydantic_core import PydanticCustomError
from rich.markup import escape
from rich.table import Table

from cloud import clock, registry
from contract.identifiers import NATION, check_region_code
from contract.zone import day_of
from haochaping import views, what_if
from haochaping.rule_files import Fault, Read, read
from haochaping.terminal import AsJson, connect, console, date_of, errors, fail, print_json
from haochaping.what_if import Change, Move
from haochaping.wording import NAMES, said
from policy import presets as shipped
from policy.rules import DatedRules, Policy, Rules, in_force, layers
from rectify import cases
from scoring.nodes import region_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

app = typer.Typer(help="规则 Rules: check a file, see what is in force, try out a change.", no_args_is_help=True)

_SHOWN_MOVES = 50
RulesFile = Annotated[
    Path, typer.Argument(help="省份文件，或含 [[policy]] 的 TOML a province file, or TOML with [[policy]]", exists=True, dir_okay=False)
]


@app.command()
def check(file: RulesFile, as_json: AsJson = False) -> None:
    """检查规则文件 Every fault of the rules in a file, with what would be accepted. Needs no stack; exits 1 if there is one."""
    found = _of_file(file)
    if as_json:
        print_json({"entries": len(found.entries), "faults": [fault._asdict() for fault in found.faults]})
    elif not found.faults:
        console.print(f"{len(found.entries)} 条规则，没有问题 entries, no fault", highlight=False)
    if found.faults:
        raise _refused(found.faults) if not as_json else typer.Exit(1)


def _of_file(file: Path) -> Read:
    try:
        return read(file.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        raise fail(f"文件不是 UTF-8 编码 the file is not UTF-8: {file}") from None


def _refused(faults: Sequence[Fault]) -> typer.Exit:
    table = Table(title=f"规则有误 faults: {len(faults)}", title_justify="left")
    for heading in ("条目 entry", "字段 field", "值 value", "可接受 accepted"):
        table.add_column(heading, overflow="fold")
    for fault in faults:
        table.add_row(*map(escape, fault))
    console.print(table)
    return typer.Exit(1)


# ---------------------------------------------------------------- what is in force


class Held(NamedTuple):
    """A rule in force: its value, and the record that it comes from (None: our default)."""

    field: str
    value: Any
    of: DatedRules | None


def held_by(policy: Policy, chain: Iterable[DatedRules]) -> list[Held]:
    """Every rule of a policy with the level that sets it: the lowest one that does."""
    setters = {name: layer for layer in chain for name in layer.rules.fields_set()}
    return [Held(name, getattr(policy, name), setters.get(name)) for name in Rules.model_fields]


@app.command()
def show(
    region: Annotated[str, typer.Argument(metavar="REGION", help="行政区划代码 6 or 12 digits")],
    on: Annotated[str, typer.Option(help="YYYY-MM-DD (Asia/Shanghai); 默认今天 today")] = "",
    as_json: AsJson = False,
) -> None:
    """现行规则 The rules in force in a region on a day, each with the record it comes from. Exits 1 if the region is not registered."""
    code, day = _region(region), date.fromisoformat(date_of(on, "--on YYYY-MM-DD")) if on else None
    connect()
    day = day or day_of(clock.now())
    if code != NATION and not registry.knows_region(code, day):
        raise fail(f"{day}: 区划未登记 region not registered: {code}")
    registered = registry.rules(code)
    policy, chain = in_force(registered, code, day), layers(registered, code, day)
    found = held_by(policy, chain)
    if as_json:
        return print_json(
            {"region": code, "on": day.isoformat(), "version": policy.version, "rules": [_plain(policy, one) for one in found]}
        )
    console.print(_policy_table(f"{_place(code)} {code} {day}", found))
    return None


def _region(code: str) -> str:
    try:
        return check_region_code(code)
    except PydanticCustomError:
        raise typer.BadParameter("行政区划代码无效 not a region code: 6 or 12 digits") from None


def _place(region: str) -> str:
    return "全国 the nation" if region == NATION else views.name_of(f"{region_kind(region)}#{region}")


def _plain(policy: Policy, held: Held) -> dict[str, Any]:
    value = policy.model_dump(mode="json", exclude_none=True, include={held.field}).get(held.field)
    of = {"region": held.of.region, "valid_from": held.of.valid_from.isoformat()} if held.of else None
    return {"field": held.field, "name": NAMES[held.field], "value": value, "from": of}


def _policy_table(title: str, found: Iterable[Held]) -> Table:
    table = Table(title=f"现行规则 rules in force: {title}", title_justify="left")
    for heading in ("规则 rule", "字段 field", "值 value", "来源 from"):
        table.add_column(heading, overflow="fold")
    for held in found:
        of = f"{_place(held.of.region)} {held.of.version}" if held.of else "系统默认 our default"
        table.add_row(NAMES[held.field], held.field, escape(said(held.value)), of)
    return table


# ---------------------------------------------------------------- presets


@app.command("presets")
def list_presets(as_json: AsJson = False) -> None:
    """预设规则 The presets that an entry of a file may start from: each rule with its source, and whether that is confirmed."""
    if as_json:
        return print_json([{"id": id, **preset.plain()} for id, preset in shipped.presets().items()])
    for id, preset in shipped.presets().items():
        rules = shipped.rules_of(id).fields_set()
        table = Table(title=f"{id}: {preset.zh} {preset.en}", title_justify="left")
        for heading in ("字段 field", "值 value", "确认 confirmed", "依据 source"):
            table.add_column(heading, overflow="fold")
        for name, stated in preset.rules.items():
            table.add_row(name, escape(said(rules[name])), "已确认 yes" if stated.confirmed else "未确认 no", stated.source)
        console.print(table)
    return None


# ---------------------------------------------------------------- what if


@app.command("what-if")
def try_out(file: RulesFile, as_json: AsJson = False) -> None:
    """试算 What the rules of a file would do to the deadlines of open cases, if they were in force. Changes nothing."""
    found = _of_file(file)
    if found.faults:
        raise _refused(found.faults)
    connect()
    newest = {entry.region: entry for entry in sorted(found.entries, key=lambda entry: entry.valid_from)}
    policy_then = _policies({region: entry.rules() for region, entry in newest.items()})
    moves = [move for case in cases.all_open() for move in what_if.moves(case, policy_then(case.region, day_of(case.rating.received_hour)))]
    counted = what_if.totals(moves, clock.now())
    if as_json:
        return print_json(
            {
                "rules": [entry.dated().version for entry in newest.values()],
                "totals": counted,
                "clocks": [_plain_move(move) for move in moves],
            }
        )
    _show_moves([entry.dated().version for entry in newest.values()], counted, moves)
    return None


def _policies(rules: Mapping[str, Rules]) -> Callable[[str, date], Policy]:
    """The policy that would be in force, worked out once for a region and a day."""
    known: dict[tuple[str, date], Policy] = {}

    def policy(region: str, on: date) -> Policy:
        if (region, on) not in known:
            known[region, on] = what_if.planned(registry.rules(region), rules, region, on)
        return known[region, on]

    return policy


def _plain_move(move: Move) -> dict[str, Any]:
    return {
        "case_id": move.case.case_id,
        "unit": move.case.unit,
        "region": move.case.region,
        "clock": move.clock.value,
        "now": views.local(move.now) if move.now else None,
        "then": views.local(move.then) if move.then else None,
        "provisional": move.provisional,
        "change": move.change.value,
    }


_TOTALS = {
    "cases": "工单 cases",
    "clocks": "时限 deadlines",
    **{change.lower(): change.text for change in Change},
    "past_now": "现已超期 past now",
    "past_then": "届时已超期 past then",
}


def _show_moves(rules: Sequence[str], counted: Mapping[str, int], moves: Sequence[Move]) -> None:
    totals = Table(title=f"试算 what if: {', '.join(rules)}", title_justify="left", show_header=False)
    for name, number in counted.items():
        totals.add_row(_TOTALS[name], f"{number:,}")
    console.print(totals)
    moved = [move for move in moves if move.change is not Change.UNCHANGED]
    if moved:
        console.print(_moves_table(moved[:_SHOWN_MOVES]))
    if len(moved) > _SHOWN_MOVES:
        console.print(f"其余见 --json the rest: --json ({len(moved):,})", highlight=False)
    errors.print(
        "已受理的工单仍按收到之日的规则，试算不作改动 open cases stay under the rules of the day of receipt; nothing was changed",
        style="dim",
    )


def _moves_table(moves: Iterable[Move]) -> Table:
    table = Table(title="变动 moved", title_justify="left")
    for heading in ("工单 case", "单位 unit", "时限 clock", "现到期 due now", "届时到期 due then", "变动 change"):
        table.add_column(heading, overflow="fold")
    for move in moves:
        clock_name = f"{move.clock.zh} {move.clock.en}"
        table.add_row(
            move.case.case_id, escape(views.unit_name(move.case)), clock_name, _minute(move.now), _minute(move.then), move.change.text
        )
    return table


def _minute(moment: datetime | None) -> str:
    return views.minute(moment) if moment else "—"
