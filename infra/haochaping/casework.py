"""`haochaping case`: a case with its history, commands as a party sends them, and what was refused of them."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path  # noqa: TC003 - typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.table import Table

from cloud import clock
from cloud.clients import sqs
from cloud.settings import settings
from contract.codes import CaseFact
from contract.commands import COMMAND_TYPE
from contract.refusals import Refused
from haochaping import sending, views
from haochaping.sending import Letter
from haochaping.terminal import AsJson, connect, console, date_of, fail, not_blank, print_json
from rectify import cases, incoming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cloud.table import Item
    from rectify.cases import Outcome
    from rectify.facts import Fact

app = typer.Typer(help="工单 Cases.", no_args_is_help=True)

_POLL = 0.2
CaseId = Annotated[str, typer.Argument(help="工单编号 The case_id.")]


@app.command()
def show(case_id: CaseId, as_json: AsJson = False) -> None:
    """工单及其全过程 A case with its deadlines and its whole history; never who rated."""
    connect()
    case = cases.find(case_id)
    if case is None:
        raise fail(f"没有该工单 no such case: {case_id}")
    history = cases.history(case_id)
    if as_json:
        return print_json(views.case_row(case) | {"history": [plain(fact) for fact in history]})
    console.print(views.case_table([case]))
    console.print(history_table(history))
    return None


def plain(fact: Fact) -> dict[str, Any]:
    """A fact as JSON, in the time of Shanghai, with its labels."""
    label = CaseFact(fact.fact)
    said = fact.model_dump(mode="json", exclude_none=True, exclude={"starts", "stops", "rating"})
    due = {clock.value: views.local(deadline.due_at) for clock, deadline in fact.starts.items()}
    return said | {"at": views.local(fact.at), "zh": label.zh, "en": label.en} | ({"due": due} if due else {})


def history_table(history: list[Fact]) -> Table:
    """What happened, line by line, with the deadlines that each step set."""
    table = Table(title="过程 history", title_justify="left")
    for heading in ("时间 when", "事实 fact", "由 by", "内容 what", "期限 due before"):
        table.add_column(heading, overflow="fold")
    for fact in history:
        table.add_row(*history_row(fact))
    return table


def history_row(fact: Fact) -> tuple[str, ...]:
    """A fact as a line: when, what, by whom, what was said with it, which deadlines it set."""
    label = CaseFact(fact.fact)
    due = "\n".join(f"{clock.zh} {views.minute(deadline.due_at)}" for clock, deadline in fact.starts.items())
    by = f"{fact.by.role.zh} {fact.by.person}" if fact.by else "系统 system"
    return views.minute(fact.at), f"{label.zh} {label.en}", by, _what(fact), due


# What a line need not repeat: it stands in a column of its own, or is the same for every fact.
_APART = {
    "fact",
    "at",
    "by",
    "said_at",
    "starts",
    "stops",
    "rating",
    "text",
    "evidence",
    "case_id",
    "routing",
    "receipt_sha256",
    "calendar",
}


def _what(fact: Fact) -> str:
    said = [f"{name} {_shown(value)}" for name, value in fact if name not in _APART and value not in (None, (), {})]
    return "\n".join([*said, *([fact.text] if fact.text else []), *(f"· {one}" for one in fact.evidence)])


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return views.minute(value)
    return f"{value.zh} {value.value}" if hasattr(value, "zh") else str(getattr(value, "unit", value))


class Answer(NamedTuple):
    """What became of a command that was sent; None while nothing is known."""

    letter: Letter
    facts: tuple[str, ...] | None
    codes: tuple[str, ...] = ()


@app.command("send")
def send_commands(
    file: Annotated[Path, typer.Argument(help="NDJSON: 每行一条命令 one command per line.", exists=True, dir_okay=False)],
    party: Annotated[str, typer.Option(help="发送方 The registered party that sends.")],
    wait: Annotated[float, typer.Option(help="最长等待秒数 Seconds to wait for the outcomes.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """发送命令 Send commands as a party, and say what became of each. Exits 1 if one was refused, or stays unknown."""
    connect()
    letters = [as_letter(line, party) for line in file.read_text("utf-8-sig").splitlines() if line.strip()]
    answers = carry_out(letters, wait)
    for answer in answers:
        told = {"id": answer.letter.webhook_id, "facts": answer.facts, "refusals": list(answer.codes)}
        typer.echo(json.dumps(told, ensure_ascii=False) if as_json else _line(answer))
    if any(not answer.facts for answer in answers):
        raise typer.Exit(1)


def _line(answer: Answer) -> str:
    if answer.facts is None:
        return f"{answer.letter.webhook_id}: 未知 unknown"
    if answer.codes:
        return f"{answer.letter.webhook_id}: 拒绝 refused {', '.join(answer.codes)}"
    return f"{answer.letter.webhook_id}: " + ", ".join(f"{CaseFact(name).zh} {name}" for name in answer.facts)


def as_letter(text: str, party: str) -> Letter:
    """A command as it is sent: what has no envelope of its own gets one; named by its content."""
    named = sending.letter(party, text)
    try:
        held = json.loads(text)
    except ValueError:
        return named
    if not isinstance(held, dict) or "specversion" in held:
        return named
    return envelope(held, party, named.webhook_id)


def envelope(data: Mapping[str, Any], party: str, webhook_id: str) -> Letter:
    """The command in its envelope."""
    attributes = {"specversion": "1.0", "id": webhook_id, "source": party, "type": COMMAND_TYPE}
    return Letter(party, webhook_id, json.dumps({**attributes, "data": data}, ensure_ascii=False))


def carry_out(letters: list[Letter], within: float) -> list[Answer]:
    """Sends the commands to the CommandInbox one after the other, each when the one before is decided: they may build on each other."""
    return [_carried_out(letter, within) for letter in letters]


def _carried_out(letter: Letter, within: float) -> Answer:
    sending.send([letter], to=settings().command_inbox_url)
    deadline = time.monotonic() + within
    while (answer := _answer(letter)).facts is None and time.monotonic() < deadline:
        time.sleep(_POLL)
    return answer


def _answer(letter: Letter) -> Answer:
    if outcome := _outcome(letter):
        return Answer(letter, outcome.facts, tuple(refusal.code for refusal in outcome.refusals))
    if held := cases.find_refused(clock.now(), letter.message_id):
        return Answer(letter, (), tuple(refusal["code"] for refusal in held["refusals"]))
    return Answer(letter, None)


def _outcome(letter: Letter) -> Outcome | None:
    try:
        command = incoming.read(letter.body)
    except Refused:
        return None
    outcome = cases.load(command.case_id, f"{letter.party}/{command.command_id}").outcome
    return outcome if outcome and outcome.fingerprint == cases.fingerprint_of(command) else None


DayOption = Annotated[str, typer.Option("--day", help="YYYY-MM-DD (UTC); 默认今天 today")]


@app.command("refused")
def refused_commands(day: DayOption = "", as_json: AsJson = False) -> None:
    """被拒绝的命令 Commands that were refused on a day, each with the rule that refused it, and what came of sending it again."""
    connect()
    found = list(_refused(day))
    if as_json:
        return print_json([{name: value for name, value in one.items() if name != "command"} for one in found])
    console.print(f"拒绝 refused: {len(found)}")
    for one in found:
        console.print("\n".join(_refused_lines(one)), markup=False, highlight=False, soft_wrap=True)
    return None


def _refused(day: str) -> Iterator[dict[str, Any]]:
    on = date_of(day, "--day YYYY-MM-DD") if day else clock.now().date().isoformat()
    for held in cases.refused(on):
        yield {
            "id": f"{held['pk']} {held['sk']}",
            "at": held["at"],
            "party": held["party"],
            "refusals": held["refusals"],
            "command": held["command"],
            "sent_again": [{name: note[name] for name in ("by", "reason", "refusals", "noted_at")} for note in cases.notes(held)],
        }


def _refused_lines(one: dict[str, Any]) -> Iterator[str]:
    yield f"{one['at'][:19]}  {one['party']}"
    yield f"  {one['id']}"
    for reason in one["refusals"]:
        yield "  " + " ".join(part for part in (reason["code"], reason["field"], reason["zh"], reason["en"]) if part)
    for again in one["sent_again"]:
        codes = ", ".join(reason["code"] for reason in again["refusals"]) or "已执行 carried out"
        yield f"  已重新提交 sent again {again['noted_at'][:19]} {again['by']}: {codes} ({again['reason']})"


@app.command("resubmit")
def resubmit_command(
    place: Annotated[str, typer.Argument(help="编号，见 refused The id, as `refused` lists it.")],
    by: Annotated[str, typer.Option("--by", help="操作人 Who does it.", callback=not_blank)],
    reason: Annotated[str, typer.Option("--reason", help="原因 Why.", callback=not_blank)],
    file: Annotated[
        Path | None, typer.Option(help="更正后的命令；不填则原样 The corrected command; without it as it was.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """重新提交命令 Sends a refused command again. A correction may change codes and identifiers, never what was said or by whom."""
    connect()
    pk, _, sk = place.partition(" ")
    held: Item | None = cases.kept(pk, sk)
    if held is None:
        raise fail(f"没有该命令 no such refused command: {place}")
    body = file.read_text("utf-8") if file else held["command"]
    message = {"resubmit": {"pk": pk, "sk": sk, "body": body, "by": by, "reason": reason}}
    sqs().send_message(QueueUrl=settings().rectify_inbox_url, MessageBody=json.dumps(message, ensure_ascii=False))
    console.print("已重新提交；结果见 refused sent again; `haochaping case refused` says what came of it")
