"""`haochaping audit`: the sealed Ledger: its closed days, a sealing now, and whether nothing of it was altered."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from haochaping import proofs
from haochaping.auditing import Comparison
from haochaping.terminal import AsJson, connect, console, date_of, errors, fail, print_json
from intake import door
from intake.sealing import NotOurs
from notify.sealed import days as sealed
from notify.sealed import sealing, verifying

if TYPE_CHECKING:
    from collections.abc import Iterator

    from haochaping.proofs import Proof
    from notify.sealed.days import Day
    from notify.sealed.verifying import Finding

app = typer.Typer(help="封存的台账 The sealed Ledger.", no_args_is_help=True)

_NAMED = 50
FromOption = Annotated[str, typer.Option("--from", help="YYYY-MM-DD (Asia/Shanghai)")]


@app.command("days")
def list_days(as_json: AsJson = False) -> None:
    """已结之日 The closed days of the Ledger with the SHA-256 that proves each, and what lies with days that are open."""
    connect()
    head, chain = sealed.head(), list(_chain())
    if as_json:
        still_open = {str(day): list(numbers) for day, numbers in sorted(head.open.items())}
        return print_json({"days": [day.plain() for day in chain], "open": still_open})
    table = Table(title="已结之日 closed days", title_justify="left")
    for heading in ("日 day", "分段 segments", "条目 entries", "评价 ratings", "SHA-256"):
        table.add_column(heading, overflow="fold")
    for day in chain:
        table.add_row(str(day.ledger_day), f"{day.segments:,}", f"{day.entries:,}", f"{day.ratings:,}", day.sha256)
    console.print(table)
    for of_day, numbers in sorted(head.open.items()):
        console.print(f"未结 open {of_day}: 分段 segments {', '.join(map(str, numbers))}", soft_wrap=True)
    return None


@app.command()
def seal(since: FromOption = "", as_json: AsJson = False) -> None:
    """立即封存 Seals what is new and closes the days that are over, as happens every hour; of counting days since --from (60 days)."""
    first = _day(since, "--from")
    connect()
    done = sealing.seal(since=first)
    if as_json:
        return print_json(done)
    console.print(f"分段 segments {done['segments']:,}, 条目 entries {done['entries']:,}, 结日 days closed {done['closed']:,}")
    return None


@app.command()
def verify(
    first: FromOption = "",
    last: Annotated[str, typer.Option("--to", help="YYYY-MM-DD (Asia/Shanghai)")] = "",
    receipt: Annotated[str, typer.Option(help="回执：证明其条目在封存之中 A receipt: proves that what it stands for is sealed.")] = "",
    ledger: Annotated[bool, typer.Option("--ledger", help="逐条核对台账 Compares every entry of the Ledger.")] = False,
    expect: Annotated[list[str] | None, typer.Option(help="DAY=SHA256: 您留存的值 as you kept it; may be given again.")] = None,
    as_json: AsJson = False,
) -> None:
    """核验 That no day, segment or rating was altered: the chain, its files, and what is asked for. Exits 1 for what is found."""
    span = _day(first, "--from") or date.min, _day(last, "--to") or date.max
    expected = dict(map(_expectation, expect or ()))
    if ledger and (first or last):
        raise typer.BadParameter("--ledger 核对全部，不能与 --from、--to 同用 compares everything: not with --from or --to")
    connect()
    report: dict[str, Any] = {}
    findings = list(checked(span, expected, ledger, report))
    proof = _proven(receipt) if receipt else None
    went_well = not findings and (proof is None or proof.holds())
    if as_json:
        shown = {"proof": proof.plain() | {"holds": proof.holds()}} if proof else {}
        print_json(report | {"findings": [finding.plain() for finding in findings]} | shown)
    else:
        _show(report, findings, proof)
    if not went_well:
        raise typer.Exit(1)


def checked(span: tuple[date, date], expected: dict[date, str], ledger: bool, report: dict[str, Any]) -> Iterator[Finding]:
    """Everything that is found; what was looked at goes into the report."""
    # The head first: what is sealed from now on is behind it.
    head, chain = sealed.head(), list(_chain())
    chain = [day for day in chain if head.open_day and day.ledger_day < head.open_day]
    segments = [segment for segment in sealed.segments_after(0) if segment.number <= head.number]
    yield from verifying.check_chain(chain, head, expected)
    yield from verifying.check_days(chain, segments, head)
    asked = [day for day in chain if span[0] <= day.ledger_day <= span[1]]
    yield from verifying.check_documents(asked, head)
    looked_at = [segment for segment in segments if span[0] <= segment.ledger_day <= span[1]]
    lines = sum(segment.entries for segment in looked_at)
    report |= {"days": len(asked), "segments": len(looked_at), "entries": lines}
    comparison = Comparison(head)
    with _progress() as progress:
        bar = progress.add_task("分段 segments", total=lines)
        for segment in looked_at:
            yield from verifying.check_file(segment, comparison.visit if ledger else lambda text, hash: None)
            progress.advance(bar, segment.entries)
        if ledger:
            scanned = progress.add_task("台账 Ledger", total=lines)
            yield from comparison.compare(door.keys(), looked_at, lambda n: progress.advance(scanned, n))
            report |= {"ledger": comparison.entries, "not_yet_sealed": comparison.young}


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=errors, transient=True)


def _proven(receipt: str) -> Proof:
    try:
        return proofs.prove(receipt, door.keys())
    except NotOurs:
        raise fail("不是本系统的回执 not a receipt of this stack") from None
    except proofs.NoProof as reason:
        raise fail(str(reason)) from None


def _show(report: dict[str, Any], findings: list[Finding], proof: Proof | None) -> None:
    console.print(f"已结之日 days {report['days']:,}, 分段 segments {report['segments']:,}, 条目 entries {report['entries']:,}")
    if "ledger" in report:
        console.print(f"台账 Ledger {report['ledger']:,}, 其中尚待封存 of these still to be sealed {report['not_yet_sealed']:,}")
    for finding in findings[:_NAMED]:
        errors.print(f"{finding.of}: {finding.fault.value}", style="red", markup=False, soft_wrap=True)
    if len(findings) > _NAMED:
        errors.print(f"其余见 --json the rest: --json ({len(findings):,})", markup=False)
    if not findings:
        console.print("没有问题 nothing was altered")
    if proof:
        console.print("\n".join(_proof_lines(proof)), markup=False, highlight=False, soft_wrap=True)


def _proof_lines(proof: Proof) -> Iterator[str]:
    yield f"条目 entry: {proof.text}"
    yield f"分段 segment {proof.segment.number} {proof.segment.key}: 第 {proof.in_segment.index} 条，共 of {proof.in_segment.size}"
    yield from (f"  {step}" for step in proof.in_segment.path)
    yield f"  根 root {proof.segment.root}"
    if proof.day is None or proof.in_day is None:
        yield f"{proof.segment.ledger_day}: 该日未结 the day is not closed yet"
    else:
        yield f"日 day {proof.day.ledger_day}: 第 {proof.in_day.index} 段，共 of {proof.in_day.size}"
        yield from (f"  {step}" for step in proof.in_day.path)
        yield f"  根 root {proof.day.root}"
        yield f"  SHA-256 {proof.day.sha256}"
    yield "证明成立 the proof holds" if proof.holds() else "证明不成立 the proof does not hold"


def _chain() -> Iterator[Day]:
    after: date | None = None
    while found := sealed.days(after):
        yield from found
        after = found[-1].ledger_day


def _day(text: str, option: str) -> date | None:
    return date.fromisoformat(date_of(text, f"{option} YYYY-MM-DD")) if text else None


def _expectation(text: str) -> tuple[date, str]:
    day, _, sha256 = text.partition("=")
    if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise typer.BadParameter("--expect 2026-11-24=<SHA-256, 64 hex>")
    return date.fromisoformat(date_of(day, "--expect YYYY-MM-DD=SHA256")), sha256.lower()
