"""`haochaping subscription`: who is told what and where, by the operator's hand; the same as parties do by the door."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table

from contract.codes import DeliveryState, Severity, SubscriptionKind
from contract.refusals import Refused, from_validation
from haochaping.feeds import delivery_table
from haochaping.terminal import AsJson, connect, console, fail, print_json
from notify import deliveries, owning, subscriptions
from notify.cursor import Cursor
from notify.subscription import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notify.subscription import Subscription

app = typer.Typer(help="订阅 Subscriptions.", no_args_is_help=True)

_SHOWN = 100
Id = Annotated[str, typer.Argument(help="订阅编号 The id of a subscription.")]
Kind = Annotated[SubscriptionKind | None, typer.Option(help="方式 How it is told.")]
Target = Annotated[str, typer.Option(help="地址 An https URL, or the ARN of a queue or an event bus.")]
Types = Annotated[str | None, typer.Option(help="事件名，逗号分隔；空为全部 Names of events, by commas; empty for all.")]
Regions = Annotated[str | None, typer.Option(help="区划代码，逗号分隔；空为全部 Region codes, by commas; empty for the party's scope.")]
Organisations = Annotated[
    str | None, typer.Option(help="信用代码，逗号分隔；空为全部 Credit codes, by commas; empty for the party's scope.")
]
Least = Annotated[Severity | None, typer.Option(help="最低重要程度 The least severity that is told.")]
InOrder = Annotated[bool | None, typer.Option("--in-order/--any-order", help="同一工单按序推送 The events of a case one after the other.")]
Paused = Annotated[bool | None, typer.Option("--paused/--running", help="暂停 Told nothing for the time being.")]


@contextmanager
def _refusing() -> Iterator[None]:
    """Says every reason of a refusal in a line of its own."""
    try:
        yield
    except ValidationError as error:
        raise _failed(from_validation(error)) from None
    except Refused as refused:
        raise _failed(refused) from None


def _failed(refused: Refused) -> typer.Exit:
    said = [(one.code, one.field, one.zh, one.en, f"({one.accepts})" if one.accepts else "") for one in refused.reasons]
    return fail("\n".join(" ".join(filter(None, parts)) for parts in said))


@app.command()
def add(
    id: Id,
    party: Annotated[str, typer.Option(help="所属发送方 The registered party whose it is.")],
    target: Target,
    kind: Kind = None,
    types: Types = None,
    regions: Regions = None,
    organisations: Organisations = None,
    severity: Least = None,
    in_order: InOrder = None,
    as_json: AsJson = False,
) -> None:
    """新增订阅 Adds a subscription of a party, within its scope, and prints its secret: once, so hand it over by a channel of trust."""
    connect()
    said = {"target": target, "types": types, "regions": regions, "organisations": organisations}
    with _refusing():
        scope = owning.scope_of(party)
        added = owning.add(_asked({"id": id}, kind=kind, severity=severity, in_order=in_order, **said), scope)
    if as_json:
        return print_json({"subscription": added.subscription.plain(), "secret": added.secret})
    console.print(_table([added.subscription]))
    return _tell_secret(added.secret)


@app.command()
def change(
    id: Id,
    target: Annotated[str | None, typer.Option(help="地址 The new address.")] = None,
    kind: Kind = None,
    types: Types = None,
    regions: Regions = None,
    organisations: Organisations = None,
    severity: Least = None,
    in_order: InOrder = None,
    paused: Paused = None,
    as_json: AsJson = False,
) -> None:
    """更改订阅 Changes what is named and leaves the rest; running functions follow within a minute."""
    connect()
    said = {"target": target, "types": types, "regions": regions, "organisations": organisations}
    with _refusing():
        held = owning.owned(id)
        asked = _asked(held.asked.plain(), kind=kind, severity=severity, in_order=in_order, paused=paused, **said)
        changed = owning.change(asked, owning.scope_of(held.party))
    return _show(changed, as_json)


def _asked(held: dict[str, Any], **said: Any) -> Asked:
    """What is asked for: what is held, and in place of it what is said."""
    listed = {name: _listed(said.pop(name)) for name in ("types", "regions", "organisations") if said.get(name) is not None}
    given = {name: value for name, value in said.items() if value is not None}
    return Asked.model_validate(held | given | listed, context=subscriptions.here())


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@app.command("list")
def list_all(
    party: Annotated[str, typer.Option(help="只列该发送方 Of this party only.")] = "",
    as_json: AsJson = False,
) -> None:
    """全部订阅 Every subscription, with how it does."""
    connect()
    found = [one for one in subscriptions.every() if party in {"", one.party}]
    if as_json:
        return print_json([one.plain() for one in found])
    console.print(_table(found))
    return None


@app.command()
def show(id: Id, as_json: AsJson = False) -> None:
    """订阅 What a subscription asks for, how it does, and what is being replayed to it."""
    connect()
    with _refusing():
        held = owning.owned(id)
    return _show(held, as_json)


@app.command()
def remove(id: Id, yes: Annotated[bool, typer.Option("--yes", help="不再询问 Without asking.")] = False) -> None:
    """取消订阅 Ends a subscription for good, with its secret; its id is not used again."""
    connect()
    with _refusing():
        held = owning.owned(id)
    if not yes:
        typer.confirm(f"取消订阅 end {id} ({held.party}, {held.target})?", abort=True)
    owning.remove(held)
    console.print(f"已取消 ended: {id}")


@app.command("test")
def send_test(id: Id, as_json: AsJson = False) -> None:
    """试推送 Sends a test at once, and says what was answered. Exits 1 if it was not taken."""
    connect()
    with _refusing():
        tested = owning.test(owning.owned(id))
    answer = tested.answer
    if as_json:
        print_json({"event_id": tested.event_id, "taken": answer.taken, "answer": answer.text, "milliseconds": answer.milliseconds})
    else:
        console.print(f"{'已接收 taken' if answer.taken else '未接收 not taken'}: {answer.text}, {answer.milliseconds} ms")
    if not answer.taken:
        raise typer.Exit(1)


@app.command()
def rotate(
    id: Id,
    finish: Annotated[bool, typer.Option("--finish", help="结束轮换 From now on the new secret alone signs.")] = False,
    as_json: AsJson = False,
) -> None:
    """轮换密钥 Makes a new secret and prints it once; both sign until `--finish` or the next rotation."""
    connect()
    with _refusing():
        held = owning.owned(id)
    if finish:
        owning.finish(held)
        console.print(f"轮换结束，仅新密钥签名 the new secret alone signs: {id}")
        return None
    secret = owning.rotate(held)
    return print_json({"secret": secret}) if as_json else _tell_secret(secret)


@app.command()
def replay(
    id: Id,
    cursor: Annotated[
        str | None, typer.Option(help="从该游标起重发；空为从头 Everything from this cursor on; empty for the beginning.")
    ] = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="重试已搁置的 What was set aside.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="停止重发 Ends the replay where it is.")] = False,
) -> None:
    """重发 Sends to this subscriber once more, beside what is new, a portion a minute; nobody else notices."""
    if [cursor is not None, set_aside, stop].count(True) != 1:
        raise typer.BadParameter("请选其一 one of --cursor, --set-aside and --stop")
    connect()
    with _refusing():
        if cursor is not None:
            begun = owning.replay(id, Cursor.of(cursor))
            console.print(f"重发 replaying {begun.cursor} → {begun.until}", highlight=False)
        elif set_aside:
            console.print(f"重新推送 on their way again: {_revive_all(owning.owned(id))}")
        else:
            owning.stop(id)
            console.print(f"已停止 stopped: {id}")


def _revive_all(held: Subscription) -> int:
    total = revived = owning.revive(held)
    while revived == owning.REVIVED:
        revived = owning.revive(held)
        total += revived
    return total


@app.command("deliveries")
def list_deliveries(
    id: Id,
    state: Annotated[DeliveryState | None, typer.Option(help="状态；默认全部 Only in this state.")] = None,
    event: Annotated[str, typer.Option(help="只查该事件 Of this event only.")] = "",
    limit: Annotated[int, typer.Option(help="最多行数 Rows at most.", min=1)] = _SHOWN,
    as_json: AsJson = False,
) -> None:
    """推送记录 What was delivered when, with which answer, and what is tried again when."""
    connect()
    with _refusing():
        held = owning.owned(id)
    if event:
        rows = [row for row in [deliveries.find(held.id, event)] if row]
    else:
        found = deliveries.listed(held.id, state) if state in _BY_TIME else deliveries.all_of(held.id)
        rows = list(islice((row for row in found if state in {None, row.state}), limit))
    if as_json:
        return print_json([row.plain() for row in rows])
    console.print(delivery_table(rows))
    return None


_BY_TIME = (DeliveryState.WAITING, DeliveryState.SET_ASIDE)


def _show(held: Subscription, as_json: bool) -> None:
    if as_json:
        return print_json(held.plain())
    console.print(_table([held]))
    return None


def _tell_secret(secret: str) -> None:
    console.print(f"密钥，仅显示一次 the secret, shown this once:\n{secret}", soft_wrap=True, highlight=False)


def _table(found: list[Subscription]) -> Table:
    table = Table(title=f"订阅 subscriptions: {len(found)}", title_justify="left")
    for heading in ("编号 id", "所属 party", "方式 kind", "地址 target", "内容 what", "状态 how it does", "重发 replay"):
        table.add_column(heading, overflow="fold")
    for one in found:
        replay = f"{one.replay.cursor} → {one.replay.until}" if one.replay else ""
        table.add_row(one.id, one.party, f"{one.kind.zh} {one.kind.value}", one.target, _what(one), _health(one), replay)
    return table


def _what(one: Subscription) -> str:
    named = [*(one.types or ["全部事件 all events"]), *one.regions, *one.organisations]
    least = [f"≥ {one.severity.value}"] if one.severity is not Severity.INFO else []
    return "\n".join([*named, *least, *(["按序 in order"] if one.in_order else [])])


def _health(one: Subscription) -> str:
    if one.paused:
        return "暂停 paused"
    if one.circuit.opened_at:
        return f"停机 down since {one.circuit.failing_since:%Y-%m-%d %H:%M} UTC"
    return f"失败 failing: {one.circuit.failures}" if one.circuit.failures else "正常 well"
