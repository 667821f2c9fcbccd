"""`haochaping`: the operator's command line."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import Progress
from rich.table import Table

from cloud import clock
from cloud.settings import settings
from contract.identifiers import check_uscc
from contract.zone import SHANGHAI
from haochaping import (
    audit,
    casework,
    checking,
    checks,
    feeds,
    figures,
    local,
    persons,
    policies,
    provinces,
    refused,
    stack,
    subscribers,
    upstreams,
)
from haochaping.registries import commands as registries
from haochaping.terminal import AsJson, connect, console, errors, fail, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(help="好差评 Rate government services, count every rating once, put every bad one right.", no_args_is_help=True)
local_app = typer.Typer(help="本地栈 The local stack.", no_args_is_help=True)
province_app = typer.Typer(help="省份 Rules and registries of a province.", no_args_is_help=True)
app.add_typer(local_app, name="local")
app.add_typer(province_app, name="province")
app.add_typer(registries.app, name="registry")
app.add_typer(refused.app, name="quarantine")
app.command()(refused.redrive)
app.add_typer(casework.app, name="case")
app.add_typer(persons.app, name="identity")
app.add_typer(policies.app, name="policy")
app.add_typer(feeds.app, name="feed")
app.add_typer(subscribers.app, name="subscription")
app.add_typer(audit.app, name="audit")
app.add_typer(upstreams.app, name="upstream")
app.add_typer(checks.sample_app, name="sample")
app.command()(checks.reconcile)
for command in figures.COMMANDS:
    app.command()(command)
app.add_typer(checking.app, name="contract")


@contextmanager
def _starting(already_up: str) -> Iterator[None]:
    """Says in a line why a local stack did not come up; a polite end by another process is taken like Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except local.AlreadyUp:
        raise fail(already_up) from None
    except local.StartFailed as error:
        raise fail(str(error)) from None
    except KeyboardInterrupt:
        raise fail("已中断 interrupted") from None


@local_app.command("up")
def local_up(
    province: Annotated[str, typer.Option(help="省份文件名 Name of a file in infra/provinces.")] = "zhejiang", as_json: AsJson = False
) -> None:
    """启动本地栈 Start the emulator, build and deploy, load the province; then return."""
    _known_province(province)
    with _starting("本地栈已在运行；先 `haochaping local down`\nA local stack is running: `haochaping local down` first"):
        running = local.up(province, lambda step: errors.print(f"… {step}"))
        try:
            stack.connect_to(running)
            provinces.load(provinces.read(province))
        except BaseException:
            local.down()
            raise
    _show(running, as_json)


@local_app.command("down")
def local_down() -> None:
    """停止本地栈 Stop the local stack; nothing of it stays."""
    console.print("已停止 stopped" if local.down() else "没有运行中的本地栈 nothing was running")


@local_app.command("status")
def local_status(as_json: AsJson = False) -> None:
    """本地栈状态 Whether a local stack runs, and where."""
    running = local.running()
    if running is None:
        if as_json:
            print_json({"running": False})
        else:
            console.print("没有运行中的本地栈 nothing is running")
        raise typer.Exit(1)
    _show(running, as_json)


@local_app.command("advance", context_settings={"ignore_unknown_options": True})
def local_advance(length: Annotated[str, typer.Argument(help="时长 How far: 3d, 36h, 2w, 90m, 1d12h.")], as_json: AsJson = False) -> None:
    """拨快时钟 Move the local stack's clock forward and let happen what has come due. Exits 1 if something of it failed."""
    from haochaping import advancing

    try:
        by = advancing.length_of(length)
        connect()
        with errors.status("") as status:
            advanced = advancing.advance(by, lambda step: status.update(step))
    except advancing.REFUSED as error:
        raise fail(str(error)) from None
    if as_json:
        print_json(advanced.plain())
    else:
        console.print(advanced.table())
    if not advanced.went_well:
        raise typer.Exit(1)


def _show(running: local.LocalStack, as_json: bool) -> None:
    read = stack.connect_to(running)
    endpoints = {
        "running": True,
        "province": running.province,
        "stack": running.stack,
        "endpoint": running.endpoint,
        "api": running.api_url(stack.output("ApiId")),
        "inbox": read.inbox_url,
        "clock": clock.now().astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "log": running.log,
    }
    if as_json:
        return print_json(endpoints)
    table = Table(show_header=False)
    for name, value in endpoints.items():
        table.add_row(name, str(value))
    console.print(table)
    path = f"export PATH={local.ROOT / '.venv' / 'bin'}:$PATH"
    exports = [path, *(f"export {name}={value}" for name, value in running.environment().items())]
    console.print("\n".join(exports), style="dim", soft_wrap=True, highlight=False)
    return None


def _known_province(name: str) -> None:
    if name not in provinces.available():
        raise fail(f"没有该省份 no such province: {name}; 可用 available: {', '.join(provinces.available())}")


@province_app.command("load")
def province_load(province: str) -> None:
    """载入规则与登记信息 Put a province's rules and registries into its stack; run it again after a change."""
    _known_province(province)
    try:
        read = provinces.read(province)
    except ValueError as error:
        raise fail(str(error)) from None
    connect()
    if read.ProvinceCode != settings().province_code:
        raise fail(
            f"该栈属于省份 {settings().province_code}，不能载入 {province}\nThis is the stack of province {settings().province_code}"
        )
    loaded = provinces.load(read)
    console.print(f"新增 new {loaded.new}, 已有 known {loaded.known}")
    for name in loaded.differing:
        errors.print(f"与已登记的不同，未载入 registered otherwise, not loaded: {name}")
    if loaded.differing:
        raise fail("变更须写更晚的 valid_from\nA change is a record of a later valid_from")


@app.command()
def send(
    file: Annotated[Path, typer.Argument(help="NDJSON: 每行一条消息 one message per line.", exists=True, dir_okay=False)],
    party: Annotated[str, typer.Option(help="发送方 The registered party that sends.")],
    wait: Annotated[float, typer.Option(help="最长等待秒数 Seconds to wait for the outcomes.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """发送消息 Send messages as a party; then say what became of each. Exits 1 if an outcome stays unknown."""
    from haochaping import sending

    connect()
    letters = sending.read_letters(file.read_text("utf-8-sig", "replace"), party)
    with Progress(console=errors, transient=True) as progress:
        sent = progress.add_task("发送 sent", total=len(letters))
        known = progress.add_task("已有结果 accounted for", total=len(letters))
        sending.send(letters, lambda n: progress.advance(sent, n))
        results = sending.settle(letters, wait, lambda n: progress.update(known, completed=n))
    for number, result in enumerate(results, start=1):
        typer.echo(sending.as_line(result) if as_json else sending.as_text(number, result))
    errors.print(", ".join(f"{name} {count}" for name, count in sorted(sending.tally(results).items())))
    if any(result.outcome is None for result in results):
        raise typer.Exit(1)


@app.command()
def receipt(receipt: str, as_json: AsJson = False) -> None:
    """查询回执 What became of the message behind a receipt. Exits 1 if nothing is known."""
    from intake import door, receipts
    from intake.sealing import NotOurs

    connect()
    try:
        standing = receipts.standing(receipt, door.keys())
    except NotOurs:
        raise fail("不是本系统的回执 not a receipt of this stack") from None
    if standing is None:
        raise fail("没有记录 nothing is stored under this receipt")
    if as_json:
        return print_json(standing.plain())
    console.print("\n".join(f"{name}: {value}" for name, value in standing.plain().items()), soft_wrap=True)
    return None


@app.command()
def cases(
    org: Annotated[str, typer.Option("--org", help="单位统一社会信用代码 Credit code of an organisation.")] = "", as_json: AsJson = False
) -> None:
    """差评工单 Cases with their deadlines, soonest first: of one organisation, or all."""
    from haochaping import views

    if org:
        try:
            check_uscc(org)
        except ValueError:
            raise typer.BadParameter("统一社会信用代码无效 not a unified social credit code") from None
    connect()
    found = views.open_cases(org or None)
    if as_json:
        return print_json([views.case_row(case) for case in found])
    console.print(views.case_table(found))
    return None


@app.command()
def demo(
    province: Annotated[str, typer.Option(help="省份 zhejiang, shandong")] = "zhejiang",
    ratings: Annotated[int, typer.Option(help="评价数 Number of ratings.", min=200)] = 1200,
    seed: Annotated[int, typer.Option(help="随机种子 Seed of the draw.")] = 2019,
) -> None:
    """演示 One morning of a province through the local stack. Exits 1 unless every message is accounted for."""
    from haochaping.demo import play as playing

    _known_province(province)
    with _starting("另一个演示正在运行 another demo is running"):
        played, _ = playing.play(province, ratings=ratings, seed=seed, console=console)
    raise typer.Exit(0 if played.exact else 1)


@app.command()
def bench(
    ratings: Annotated[int, typer.Option(help="评价数 Number of ratings.", min=10)] = 1000,
    per_day: Annotated[list[int] | None, typer.Option(help="每日评价数 Ratings a day; may be given again.", min=1000)] = None,
    lanes: Annotated[int, typer.Option(help="台账流分片数 Shards of the Ledger's stream.", min=1, max=256)] = 4,
    other_lanes: Annotated[list[int] | None, typer.Option(help="另估算的分片数 Numbers of shards to work out beside.", min=1)] = None,
    office_windows: Annotated[int, typer.Option(help="工作时段窗口数 Windows taken in office hours.", min=1)] = 2,
) -> None:
    """成本 Calls and units per rating, at some and at millions a day, beside other ways of doing it; growth; import times."""
    from haochaping.measure import bench as measuring

    measuring.run(ratings, console, per_day or (1_000_000, 5_000_000), lanes, other_lanes or (1, 16), office_windows)


@app.command()
def schemas() -> None:
    """生成 JSON Schema Write infra/schemas from the contract."""
    from haochaping import schemas as generating

    for path in generating.write():
        console.print(str(path.relative_to(local.ROOT)))


def main() -> None:
    """Runs a command; what AWS refuses is one clear line."""
    try:
        app()
    except (BotoCoreError, ClientError) as error:
        fail(f"AWS: {error}")
        if os.environ.get("HAOCHAPING_STACK"):
            errors.print(
                "按环境变量连接 as HAOCHAPING_STACK and AWS_ENDPOINT_URL say; 当前本地栈 the local stack now: `haochaping local status`"
            )
        raise SystemExit(1) from None
