"""`haochaping identity`: who rated, for a purpose; who looked; and how a person is erased."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from cloud.clients import lambda_
from cloud.settings import settings
from cloud.table import get
from contract.codes import RevealPurpose
from haochaping import stack
from haochaping.terminal import AsJson, connect, console, fail, not_blank, print_json
from intake import door, vault
from intake.revealing import person_of
from intake.sealing import NotOurs

app = typer.Typer(help="身份信息 Identities: read for a purpose, erased for good.", no_args_is_help=True)

Receipt = Annotated[str, typer.Argument(help="回执 The receipt of a rating or service event.")]
By = Annotated[str, typer.Option("--by", help="操作人代号，不含空格 Who asks: a code without blanks.", callback=not_blank)]


@app.command()
def reveal(
    receipt: Annotated[str, typer.Argument(help="回执，或邀请的令牌 A receipt, or for INVITATION the invitation's token.")],
    purpose: Annotated[RevealPurpose, typer.Option(help="用途 What for.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """查询身份 Reads the part of an identity that the purpose needs. The reading is recorded, and the rater may see it."""
    connect()
    asked = "token" if purpose is RevealPurpose.INVITATION else "receipt"
    status, body = _ask({asked: receipt, "purpose": purpose.value, "by": by})
    if status != 200:
        raise fail("\n".join(f"{one['code']} {one['field']} {one['zh']} {one['en']}" for one in body["refusals"]))
    if as_json:
        return print_json(body)
    console.print("\n".join(f"{name}: {value}" for name, value in body.items()), markup=False)
    return None


def _ask(question: dict[str, str]) -> tuple[int, Any]:
    """The answer of the one function that may decrypt: the command line cannot, whatever role it has."""
    request = {
        "httpMethod": "POST",
        "path": "/identities",
        "resource": "/identities",
        "headers": {"content-type": "application/json"},
        "body": json.dumps(question),
        "requestContext": {"httpMethod": "POST", "path": "/identities", "requestId": "command-line", "identity": {}},
    }
    answer = lambda_().invoke(FunctionName=stack.output("RevealFunction"), Payload=json.dumps(request).encode())
    told = json.loads(answer["Payload"].read())
    if "statusCode" not in told:
        raise fail("查询失败，见函数日志 the function failed; see its log")
    return told["statusCode"], json.loads(told["body"])


@app.command()
def readers(receipt: Receipt, as_json: AsJson = False) -> None:
    """谁查询过 Who read the identity behind a receipt: what its rater is told."""
    connect()
    looks = list(vault.readings(_pseudonym(receipt)))
    if as_json:
        return print_json([look.plain() for look in looks])
    table = Table(title=f"查询记录 readings: {len(looks)}", title_justify="left")
    for heading in ("时间 when", "谁 who", "用途 purpose"):
        table.add_column(heading, overflow="fold")
    for look in looks:
        table.add_row(look.at.isoformat(timespec="seconds"), look.by, f"{look.purpose.zh} {look.purpose.en}")
    console.print(table)
    return None


@app.command()
def erase(
    receipt: Receipt,
    by: By,
    reason: Annotated[str, typer.Option(help="依据 On what ground.", callback=not_blank)],
    yes: Annotated[bool, typer.Option("--yes", help="不再确认 Without asking.")] = False,
) -> None:
    """删除身份信息 Erases the person behind a receipt, for good. Ratings and counts stay as they are."""
    connect()
    pseudonym = _pseudonym(receipt)
    if not yes:
        typer.confirm("删除后不可恢复，继续？ This cannot be undone. Go on?", abort=True)
    vault.erase(pseudonym, by, reason)
    console.print("已删除 erased")


@app.command()
def bury() -> None:
    """恢复备份之后 After a restore of the Vault: takes out again whoever was erased since that backup."""
    connect()
    console.print(f"已重新删除 erased again: {vault.bury_again()}")


def _pseudonym(receipt: str) -> str:
    try:
        entry = get(settings().ledger_table, door.keys().open_receipt(receipt)._asdict())
    except NotOurs:
        raise fail("不是本系统的回执 not a receipt of this stack") from None
    pseudonym = person_of(entry or {})
    if pseudonym is None:
        raise fail("匿名或没有记录 anonymous, or nothing is stored under this receipt")
    return pseudonym
