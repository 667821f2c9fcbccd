"""`haochaping quarantine` and `haochaping redrive`: what was refused, seen, corrected and sent again; what failed, sent again."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloud import clock
from cloud.clients import sqs
from contract import arrival
from contract.zone import day_of
from haochaping import stack, views
from haochaping.terminal import AsJson, connect, console, date_of, fail, not_blank, print_json
from intake import door, quarantine, resubmission

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from intake.quarantine import Kept, Refusals

app = typer.Typer(help="隔离区 Refused messages.", no_args_is_help=True)

# Long enough that an empty answer means an empty queue.
_POLL = 2

DayOption = Annotated[str, typer.Option("--day", help="YYYY-MM-DD (Asia/Shanghai); 默认今天 today")]
MessageId = Annotated[str, typer.Argument(help="消息编号，见 list The message's id, as listed.")]
By = Annotated[str, typer.Option("--by", help="操作人 Who does it.", callback=not_blank)]
Reason = Annotated[str, typer.Option("--reason", help="原因 Why.", callback=not_blank)]


@app.command("list")
def list_refused(
    day: DayOption = "",
    party: Annotated[str, typer.Option(help="只列该发送方 Of this party only: the list that is handed to it.")] = "",
    as_json: AsJson = False,
) -> None:
    """隔离的消息 Refused messages of a day with their reasons; the originals stay sealed."""
    connect()
    day = _day(day)
    found = [entry for entry in quarantine.of_day(day) if party in {"", entry.party}]
    if as_json:
        return print_json([entry.plain() for entry in found])
    _print_all(found)
    return None


def _day(day: str) -> str:
    return date_of(day, "--day YYYY-MM-DD") if day else day_of(clock.now()).isoformat()


def _print_all(found: Sequence[Refusals]) -> None:
    """A block for each message, its id on a line of its own, whole: other commands ask for it."""
    console.print(f"隔离 quarantine: {len(found)}")
    for entry in sorted(found, key=lambda one: one.received_at):
        # Ids and fields come from outside; square brackets in them are no markup.
        lines = [f"{views.local(entry.received_at)}  {entry.size:,} B", f"  {entry.message_id}"]
        for reason in entry.reasons:
            lines.append("  " + " ".join(part for part in (reason.code, reason.field, reason.zh, reason.en) if part))
            lines += [f"    可接受 accepted: {reason.accepts}"] if reason.accepts else []
        for again in entry.resubmitted:
            when = views.local(datetime.fromisoformat(again.noted_at))
            lines.append(f"  已重新提交 sent again {when} {again.by}: {again.outcome} ({again.reason})")
        console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


@app.command()
def show(
    message_id: MessageId,
    day: DayOption = "",
    out: Annotated[Path | None, typer.Option(help="将原文写入文件（含个人信息） Writes the original into a file, persons and all.")] = None,
    as_json: AsJson = False,
) -> None:
    """查看一条 One refused message with every reason; its original only into a file that nobody else may read."""
    connect()
    day = _day(day)
    kept = _find(day, message_id)
    refusals = quarantine.noted(kept)
    if out:
        _write_private(out, kept.original)
    if as_json:
        return print_json(refusals.plain())
    _print_all([refusals])
    return None


def _write_private(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise fail(f"无法写入 cannot be written: {path} ({error.strerror})") from None


def _find(day: str, message_id: str) -> Kept:
    kept = quarantine.find(day, message_id, door.keys())
    if kept is None:
        raise fail(f"{day} 没有该消息 no such message that day: {message_id}")
    return kept


@app.command()
def resubmit(
    message_id: MessageId,
    by: By,
    reason: Reason,
    day: DayOption = "",
    file: Annotated[
        Path | None, typer.Option(help="更正后的消息；不填则原样 The corrected message; without it as it was.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """更正并重新提交 Sends a refused message again. A correction may change codes and identifiers, never level, tags or text."""
    connect()
    day = _day(day)
    kept = _find(day, message_id)
    body = file.read_text("utf-8") if file else kept.original
    named = {resubmission.DAY: day, resubmission.KEPT_AS: message_id, resubmission.BY: by, resubmission.REASON: reason}
    _send(body, named)
    console.print("已重新提交；结果见 list sent again; `haochaping quarantine list` says what came of it")


def _send(body: str, attributes: dict[str, str]) -> None:
    held: Any = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value}
    sqs().send_message(QueueUrl=stack.output("ResubmitUrl"), MessageBody=body, MessageAttributes=held)


def redrive(as_json: AsJson = False) -> None:
    """重投死信 Sends what failed in the Inbox once more, with its original party, id, time of sending and proof."""
    connect()
    moved = sum(_redrive(message) for message in _dead_letters())
    if as_json:
        return typer.echo(json.dumps({"moved": moved}))
    console.print(f"已重投 sent again: {moved}")
    return None


def _dead_letters() -> Iterator[Any]:
    wanted: Any = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    url = stack.output("InboxDeadLettersUrl")
    while (
        messages := sqs()
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60, WaitTimeSeconds=_POLL, **wanted)
        .get("Messages")
    ):
        yield from messages


def _redrive(message: Any) -> int:
    # Sent first, then deleted: a message that is there twice has no second effect, one that is lost would be.
    # Of what the sender wrote only the proof goes on: whatever else it put there would be taken for the operator's word.
    held = message.get("MessageAttributes", {})
    sent = {name: held[name]["StringValue"] for name in (*arrival.PROOF, "door") if "StringValue" in held.get(name, {})}
    transport = {resubmission.SENT_AT: message["Attributes"]["SentTimestamp"], "sender": message["Attributes"].get("SenderId", "")}
    _send(message["Body"], sent | transport)
    sqs().delete_message(QueueUrl=stack.output("InboxDeadLettersUrl"), ReceiptHandle=message["ReceiptHandle"])
    return 1
