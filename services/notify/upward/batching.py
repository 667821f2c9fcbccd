"""A batch of records on its way: asked of intake, put into the words of the level above, sent, and a receipt kept for each."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from cloud import clock
from cloud.settings import settings
from cloud.table import WRITES_TOGETHER
from contract.codes import ReportOutcome
from contract.identifiers import task_code
from contract.zone import day_of
from notify import retrying
from notify.upward import envelopes, receipts, revealing
from notify.upward.answers import Down, Verdict
from notify.upward.encoding import Incomplete, encode
from notify.upward.receipts import Receipt
from notify.upward.selecting import is_self_built

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contract.upward import Revealed
    from notify.upward.answers import Said
    from notify.upward.envelopes import Sealed
    from notify.upward.profile import Section
    from notify.upward.selecting import Record
    from notify.upward.sending import Sender
    from notify.upward.targets import Target

GIVEN_UP_AFTER = timedelta(hours=72)
"""How long a record is tried again whose service event is not known above, once everything else has been reported."""

_OUTCOMES = {
    Verdict.ACCEPTED: ReportOutcome.ACCEPTED,
    Verdict.DUPLICATE: ReportOutcome.DUPLICATE,
    Verdict.REFUSED: ReportOutcome.REFUSED,
    Verdict.NO_EVENT: ReportOutcome.WAITING,
    Verdict.FAILED: ReportOutcome.WAITING,
}


def send(target: Target, sender: Sender, records: Iterable[Record], *, gives_up: bool = False) -> Counter[str]:
    """Reports these records, service events first, and keeps a receipt for each; how many had which outcome.

    With `gives_up` what has waited for too long is refused. Raises Down; what was said by then is kept. Raises NotRevealed, NotWritten and
    the faults of AWS: whatever has no receipt is sent again.
    """
    listed, done = list(records), Counter[str]()
    for name, section in target.profile.sections.items():
        of_kind = [record for record in listed if record.section == name]
        if of_kind:
            done += _send(target, sender, section, of_kind, gives_up=gives_up)
    return done


def _send(target: Target, sender: Sender, section: Section, records: Sequence[Record], *, gives_up: bool) -> Counter[str]:
    revealed = revealing.reveal(target.upstream.id, section, [record.asked for record in records])
    done: list[Receipt] = []
    sealed: list[Sealed] = []
    for record in records:
        held = revealed.get(record.asked)
        if record.case and held and _is_of_own_item(held):
            continue
        try:
            sealed.append(_sealed(target, section, record, held))
        except Incomplete as incomplete:
            done.append(_kept(record, ReportOutcome.INCOMPLETE, str(incomplete)))
    by_ref = {record.ref: record for record in records}
    told = (_receipt(by_ref[one.ref], said, gives_up=gives_up) for one, said in sender.send(section, sealed))
    return _keep_all(target.upstream.id, chain(done, told))


def _keep_all(upstream: str, told: Iterable[Receipt]) -> Counter[str]:
    """Keeps receipts as soon as a call is full of them, so that a run that ends in between has got somewhere; the rest at the end."""
    done, waiting = Counter[str](), list[Receipt]()
    try:
        for receipt in told:
            waiting.append(receipt)
            done[receipt.outcome.value] += 1
            if len(waiting) == WRITES_TOGETHER:
                receipts.write(upstream, waiting)
                waiting = []
    finally:
        if waiting:
            receipts.write(upstream, waiting)
    return done


def _is_of_own_item(held: Revealed) -> bool:
    code = held.event.item_code if held.event else ""
    return is_self_built({"handle_item_code": code, "task_code": task_code(code)}, day_of(clock.now()).isoformat())


def _sealed(target: Target, section: Section, record: Record, held: Revealed | None) -> Sealed:
    """The record as it travels. Raises Incomplete, and Down for a key with which nothing can be sealed."""
    if held is None:
        raise Incomplete("not_found")
    fields = encode(target.profile, section, held, settings().province_code, record.case)
    try:
        return envelopes.seal(target.profile, record.ref, fields, target.secret)
    except (ValueError, ModuleNotFoundError):
        raise Down("cipher") from None


def _receipt(record: Record, said: Said, *, gives_up: bool) -> Receipt:
    """The receipt of what was said. What has no service event there, or meets an error there, is tried again, and given up at last."""
    outcome = _OUTCOMES[said.verdict]
    first_at = record.first_at or clock.now()
    if outcome is ReportOutcome.WAITING and gives_up and clock.now() - first_at >= GIVEN_UP_AFTER:
        outcome = ReportOutcome.REFUSED
    return _kept(record, outcome, said.code)


def _kept(record: Record, outcome: ReportOutcome, code: str) -> Receipt:
    now, tries = clock.now(), record.tries + 1
    waits = outcome is ReportOutcome.WAITING
    return Receipt(
        day=record.day,
        ref=record.ref,
        outcome=outcome,
        code=code,
        at=now,
        level=record.level,
        tries=tries,
        first_at=record.first_at or now,
        due_at=retrying.next_try(record.ref, tries, now) if waits else None,
    )
