"""`haochaping contract`: a partner tests messages before sending them. Needs no stack and sends nothing."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.table import Table

from contract import tags
from contract.codes import ALL
from contract.messages import MESSAGES, Person, Rating, ServiceEvent
from contract.refusals import CATALOGUE, Refusal, Refused
from contract.wire import check_size
from contract.zone import SHANGHAI
from haochaping.sending import messages_of
from haochaping.terminal import AsJson, console, errors, fail, print_json
from intake.interpret import interpret
from intake.profile import CANONICAL, available, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.messages import Said
    from intake.profile import Profile

_CODE = 3  # digits of a type of certificate

app = typer.Typer(help="报文约定 Test messages against the contract before sending them.", no_args_is_help=True)

# Refusals that rest on what is registered or stored: only a stack knows that.
AT_THE_DOOR = ("unknown_party", "bad_signature", "stale_signature", "wrong_sender")
ONLY_THE_STACK: dict[type[Any], tuple[str, ...]] = {
    ServiceEvent: ("unknown_region", "out_of_scope", "event_contradicted"),
    Rating: (
        "out_of_scope",
        "kind_not_accepted",
        "default_not_allowed",
        "text_too_long",
        "follow_up_before_reply",
        "follow_up_not_allowed",
        "event_not_found",
        "already_rated",
    ),
}
_FREESTANDING = ("unknown_region", "out_of_scope", "default_not_allowed", "text_too_long", "already_rated")

LABELS = {
    "project_no": "办件编号",
    "service_number": "服务次数",
    "round": "评价次数",
    "kind": "评价形式",
    "device": "评价终端",
    "materials": "所要材料",
    "visits": "到场次数",
    "level": "满意度",
    "tags": "评价详情",
    "comment": "文字评价",
    "provenance": "评价来源",
    "rating_channel": "评价渠道",
    "occurred_at": "评价时间",
    "rater": "评价人",
    "applicant": "申请人",
    "agent": "代办人",
    "entered_by": "录入人",
    "imported_from": "导入来源",
    "status": "办件状态",
    "item_code": "事项编码",
    "item_name": "事项名称",
    "guide_version": "办事指南版本",
    "organisation": "实施机构",
    "region_code": "行政区划",
    "window": "窗口",
    "platform": "平台",
    "staff_no": "工作人员编号",
    "service_channel": "办理渠道",
    "handling_type": "办件类型",
    "applicant_type": "申请人类型",
    "service_time": "服务时间",
    "accepted_at": "受理时间",
    "finished_at": "办结时间",
    "promised_limit": "承诺办结时限",
    "statutory_limit": "法定办结时限",
    "overrun_reason": "超期原因",
    "reference": "发送方编号",
    "object": "评价对象",
    "survey": "监督查评",
    "sample": "抽样服务",
}


class Checked(NamedTuple):
    """A message of the file: what it is understood as, or why it would be refused."""

    number: int
    said: Said | None
    reasons: tuple[Refusal, ...] = ()

    @property
    def type(self) -> str:
        """The type of the message in the contract, nothing if it is not known."""
        return next((name for name, model in MESSAGES.items() if self.said is not None and type(self.said) is model), "")

    @property
    def left_open(self) -> tuple[str, ...]:
        """Codes for which a stack may still refuse it."""
        return (*AT_THE_DOOR, *ONLY_THE_STACK.get(type(self.said), _FREESTANDING)) if self.said else ()


def check(text: str, profile: str, province: str, key: str = "") -> list[Checked]:
    """Every message of a text: one JSON document, or one a line."""
    bodies = map(_body, messages_of(text))
    return [_checked(number, body, profile, province, key or its_own) for number, (body, its_own) in enumerate(bodies, start=1)]


def _body(document: str) -> tuple[str, str]:
    """What is sent of a document, and the key that opens it: a sample of the conformance suite wraps its message."""
    try:
        held = json.loads(document)
    except (ValueError, RecursionError):
        return document, ""
    if isinstance(held, dict) and {"about", "message"} <= held.keys():
        return json.dumps(held["message"], ensure_ascii=False), str(held.get("key", ""))
    return document, ""


def _checked(number: int, body: str, profile: str, province: str, key: str) -> Checked:
    try:
        check_size(body)
        return Checked(number, interpret(body, profile, province, key))
    except Refused as refused:
        return Checked(number, None, refused.reasons)


@app.command("check")
def contract_check(
    file: Annotated[Path, typer.Argument(help="一条 JSON，或 NDJSON 每行一条 one message, or one a line.")],
    profile: Annotated[str, typer.Option(help="报文格式 The wire format: `haochaping contract profiles`.")],
    province: Annotated[str, typer.Option(help="省份代码前两位 First two digits of the province's region codes.")] = "33",
    key_file: Annotated[
        Path | None, typer.Option(help="密钥文件（十六进制）File with the key that opens the message, hexadecimal.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """发送前检查报文 What every message of a file is understood as, or why it would be refused. Exits 1 if one would be."""
    if profile not in available():
        raise fail(f"没有该格式 no such profile: {profile}; 可用 available: {', '.join(available())}")
    text = _read(file)
    results = check(text, profile, province, _read(key_file).strip() if key_file else "")
    if not results:
        raise fail(f"文件中没有报文 the file holds no message: {file}")
    if as_json:
        print_json([_plain(one) for one in results])
    else:
        typer.echo("\n\n".join("\n".join(_lines(one)) for one in results))
        typer.echo("\n" + "\n".join(_in_the_end(results)))
    _say_what_is_broken(results, text)
    if any(one.reasons for one in results):
        raise typer.Exit(1)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise fail(f"无法读取 cannot be read: {file} ({error.strerror})") from None
    except UnicodeDecodeError:
        raise fail(f"文件不是 UTF-8 编码 the file is not UTF-8: {file}") from None


def _say_what_is_broken(results: list[Checked], text: str) -> None:
    """Where the JSON ends to be JSON, which no refusal says since it would repeat the message."""
    for one, body in zip(results, messages_of(text), strict=True):
        if one.said is None and any(reason.code == "not_json" for reason in one.reasons):
            try:
                json.loads(body)
            except RecursionError:
                continue
            except ValueError as error:
                errors.print(f"第 {one.number} 条 message {one.number}: JSON {error}", markup=False, style="dim")


def _plain(one: Checked) -> dict[str, Any]:
    head = {"message": one.number, "accepted": one.said is not None}
    if one.said is None:
        return {**head, "refusals": [reason.plain() for reason in one.reasons]}
    return {**head, "type": one.type, "data": one.said.plain(), "only_the_stack": list(one.left_open)}


def _lines(one: Checked) -> Iterator[str]:
    if one.said is None:
        yield f"第 {one.number} 条 message {one.number}: 会被拒收 would be refused"
        for reason in one.reasons:
            yield f"  {reason.code}  {reason.field}".rstrip()
            yield f"    {reason.zh}"
            yield f"    {reason.en}"
            if reason.accepts:
                yield f"    可接受 accepted: {reason.accepts}"
        return
    yield f"第 {one.number} 条 message {one.number}: 理解为 understood as {one.type}"
    for name in type(one.said).model_fields:
        if (value := getattr(one.said, name)) not in (None, ()):
            yield f"  {LABELS[name]} {name}: {_shown(name, value)}"


def _in_the_end(results: list[Checked]) -> Iterator[str]:
    open_codes = dict.fromkeys(code for one in results for code in one.left_open)
    if open_codes:
        yield "只有系统才能判断 only the stack can decide:"
    for code in open_codes:
        yield f"  {code}  {CATALOGUE[code].zh} {CATALOGUE[code].en}"
    understood = sum(one.said is not None for one in results)
    yield f"可理解 understood {understood}, 会被拒收 refused {len(results) - understood}"


def _shown(name: str, value: Any) -> str:
    if isinstance(value, ALL):
        return f"{value.zh} {value.value}"
    if name in {"comment", "overrun_reason"}:
        return f"{len(value)} 字 characters"  # who knows what stands in it
    if name == "tags":
        return "; ".join(f"{code} {tags.dictionary()[code].zh}" for code in value)
    if isinstance(value, Person):
        return "; ".join(f"{part} {_masked(part, said)}" for part, said in value.plain().items())
    if hasattr(value, "plain"):
        return "; ".join(f"{part} {_shown(part, getattr(value, part))}" for part in value.plain())
    return value.astimezone(SHANGHAI).isoformat() if hasattr(value, "astimezone") else str(value)


def _masked(part: str, said: str) -> str:
    """A screen may be seen by others: of a person only the code of a certificate's type and a last character."""
    is_code = part == "certificate_type" and len(said) <= _CODE
    return said if is_code else f"***{said[-1]}"


@app.command("profiles")
def contract_profiles(as_json: AsJson = False) -> None:
    """可用的报文格式 The wire formats there are, and what of each a place must still confirm."""
    rows = [_row(None if name == CANONICAL else load(name)) for name in available()]
    if as_json:
        return print_json(rows)
    table = Table(title="报文格式 profiles", title_justify="left")
    headings = (
        "格式 profile",
        "版本 version",
        "生效 valid from",
        "报文 messages",
        "满意度方向 scale",
        "加密 ciphers",
        "待确认 unconfirmed",
    )
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(", ".join(cell) if isinstance(cell, list) else str(cell) for cell in row.values()))
    console.print(table)
    return None


def _row(profile: Profile | None) -> dict[str, Any]:
    messages = {"rating": "rating.v1", "event": "service-event.v1"}
    return {
        "profile": profile.id if profile else CANONICAL,
        "version": profile.version if profile else 1,
        "valid_from": profile.valid_from.isoformat() if profile else "",
        "messages": [messages[name] for name in profile.sections] if profile else list(MESSAGES),
        "scale": (profile.satisfaction_direction or "") if profile else "named",
        "ciphers": [suite.suite for suite in profile.ciphers] if profile else [],
        "unconfirmed": list(profile.unconfirmed) if profile else [],
    }
