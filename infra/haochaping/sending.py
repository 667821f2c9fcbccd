"""Sends messages as a registered party and finds out what became of every one of them."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from standardwebhooks.webhooks import Webhook

from cloud import clock, queue, registry, secrets
from cloud.clients import sqs
from cloud.settings import settings
from cloud.table import get_many
from contract import arrival
from contract.arrival import Arrival
from contract.messages import Rating, ServiceEvent
from contract.refusals import Refusal, Refused, refusal
from contract.zone import day_of
from intake import door
from intake.admission import Outcome
from intake.entries import event_content, said_of
from intake.interpret import interpret
from intake.pending import PendingRating
from intake.places import key_of
from intake.sealing import LedgerKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime


# The queue takes 300,000 bytes with the proof (`template.yaml`).
_QUEUE_BYTES = 298_000
# Characters that SQS does not take; none of them may stand unescaped in JSON that partners exchange.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What a party that is not registered signs with: intake refuses the party before it looks at the signature.
_NOBODY = "whsec_bm9ib2R5"


class Letter(NamedTuple):
    """A message that is ready to go: who sends it, under which id, and its body."""

    party: str
    webhook_id: str
    body: str

    @property
    def message_id(self) -> str:
        """What intake calls it."""
        return arrival.message_id(arrival.told_party(self.party), self.webhook_id, self.body)


class Result(NamedTuple):
    """What became of a message; `outcome` is None while that is not known."""

    letter: Letter
    outcome: Outcome | None
    receipt: str
    reasons: tuple[Refusal, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the refusal."""
        return tuple(reason.code for reason in self.reasons)


def letter(party: str, body: str) -> Letter:
    """A message named by its own content, so that sending the same file twice sends the same messages."""
    return Letter(party, f"msg_{hashlib.sha256(body.encode()).hexdigest()[:24]}", body)


def send(letters: Iterable[Letter], progress: Callable[[int], None] = lambda _: None, to: str = "") -> int:
    """Signs and sends every message, to the Inbox or the queue that is named, and returns how many. Raises RuntimeError if it refuses one.

    A message that the queue itself cannot take is not sent; `settle` says why.
    """
    sent = 0
    for group in queue.calls((each for each in letters if not _beyond_the_queue(each)), lambda each: each.body):
        entries: list[Any] = [
            {"Id": str(n), "MessageBody": each.body, "MessageAttributes": proof(each, clock.wall())} for n, each in enumerate(group)
        ]
        if failed := sqs().send_message_batch(QueueUrl=to or settings().inbox_url, Entries=entries).get("Failed"):
            raise RuntimeError(f"{len(failed)} messages were not sent: {failed[0].get('Message')}")
        sent += len(group)
        progress(len(group))
    return sent


def _beyond_the_queue(each: Letter) -> str:
    """The code for which the queue itself cannot take a message, nothing if it can."""
    if len(each.body.encode()) > _QUEUE_BYTES:
        return "too_large"
    return "not_json" if _NO_TEXT.search(each.body) else ""


def proof(each: Letter, at: datetime, which: Literal["current", "previous"] = "current") -> dict[str, Any]:
    """The message attributes that prove where a message comes from, signed at that moment with one of the party's secrets."""
    held = secrets.signing_secrets(f"party/{each.party}") if registry.party(each.party, day_of(at)) else [_NOBODY, _NOBODY]
    signature = Webhook(held[0 if which == "current" else 1]).sign(each.webhook_id, at, each.body)
    return arrival.attributes(each.party, each.webhook_id, str(int(at.timestamp())), signature)


def settle(letters: Sequence[Letter], within: float, progress: Callable[[int], None] = lambda _: None) -> list[Result]:
    """What became of every message, once the Inbox is empty; those still unknown after `within` seconds have no outcome."""
    deadline = time.monotonic() + within
    open_questions = [_question(each) for each in dict.fromkeys(letters)]
    answered: dict[Letter, Result] = {}
    while True:
        idle = _inbox_is_empty()
        answered |= {result.letter: result for result in _answers(open_questions)}
        # What waits for its event may yet be admitted, and what was refused at an earlier sending may now be accepted: both are asked
        # for until nothing more comes in.
        final = {Outcome.ACCEPTED, Outcome.DUPLICATE}
        open_questions = [asked for asked in open_questions if answered[asked.letter].outcome not in final]
        unknown = sum(answered[asked.letter].outcome is None for asked in open_questions)
        progress(len(letters) - unknown)
        if (idle and not unknown) or time.monotonic() > deadline:
            return [answered[each] for each in letters]
        time.sleep(1)


def _inbox_is_empty() -> bool:
    names: list[Any] = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = sqs().get_queue_attributes(QueueUrl=settings().inbox_url, AttributeNames=names)
    return not any(int(value) for value in answer["Attributes"].values())


class _Question(NamedTuple):
    """A message of which we want to know what became; without a key it cannot be read, so it can only have been refused."""

    letter: Letter
    key: LedgerKey | None = None
    waiting_key: LedgerKey | None = None
    fingerprint: str = ""
    receipt: str = ""


def _question(each: Letter) -> _Question:
    party = registry.party(each.party, day_of(clock.now()))
    try:
        said = interpret(each.body, party.profile, settings().province_code, door.cipher_key(party)) if party else None
    except Refused:
        said = None
    if said is None:
        return _Question(each)
    now, keys, key = clock.now(), door.keys(), key_of(said, each.party)
    came = Arrival(each.body, each.party, each.webhook_id, "", "", now, now)
    if isinstance(said, ServiceEvent):
        return _Question(each, key, None, keys.fingerprint(event_content(said)), keys.receipt(key))
    waiting_key = PendingRating.of(said, came, keys).waiting_key if isinstance(said, Rating) else None
    return _Question(each, key, waiting_key, said_of(said, came, keys)["fingerprint"], keys.receipt(key))


def _answers(questions: Sequence[_Question]) -> list[Result]:
    """What became of every message so far, computed from what is stored (design, 6.2)."""
    ledger = _stored(settings().ledger_table, {asked.key for asked in questions if asked.key})
    waiting = _stored(settings().waiting_table, {asked.waiting_key for asked in questions if asked.waiting_key})
    refused = _refused(asked.letter for asked in questions)
    return [_answer(asked, ledger, waiting, refused) for asked in questions]


def _stored(table: str, keys: Iterable[LedgerKey]) -> dict[LedgerKey, dict[str, Any]]:
    found = get_many(table, [key._asdict() for key in keys])
    return {LedgerKey(item["pk"], item["sk"]): item for item in found}


def _refused(letters: Iterable[Letter]) -> dict[str, tuple[Refusal, ...]]:
    today = day_of(clock.now())
    days = [day.isoformat() for day in (today, today - timedelta(days=1))]
    found = _stored(settings().quarantine_table, [LedgerKey(day, each.message_id) for each in letters for day in days])
    return {key.sk: tuple(map(Refusal.model_validate, item["reasons"])) for key, item in found.items()}


def _answer(
    asked: _Question,
    ledger: dict[LedgerKey, dict[str, Any]],
    waiting: dict[LedgerKey, dict[str, Any]],
    refused: dict[str, tuple[Refusal, ...]],
) -> Result:
    if code := _beyond_the_queue(asked.letter):
        return Result(asked.letter, Outcome.REFUSED, asked.receipt, (refusal(code),))
    entry = ledger.get(asked.key) if asked.key else None
    if entry and entry["message_id"] == asked.letter.message_id:
        return Result(asked.letter, Outcome.ACCEPTED, asked.receipt)
    if asked.waiting_key in waiting:
        return Result(asked.letter, Outcome.PARKED, asked.receipt)
    if reasons := refused.get(asked.letter.message_id):
        return Result(asked.letter, Outcome.REFUSED, asked.receipt, reasons)
    # Beside another message that took the key: one that says the same is a duplicate, another one is yet to be refused.
    is_copy = entry is not None and entry["fingerprint"] == asked.fingerprint
    return Result(asked.letter, Outcome.DUPLICATE if is_copy else None, asked.receipt)


def tally(results: Iterable[Result]) -> Counter[str]:
    """How many messages ended how; `unknown` for those of which nothing is known."""
    return Counter(result.outcome.value if result.outcome else "unknown" for result in results)


def read_letters(text: str, party: str) -> list[Letter]:
    """The messages of a text, ready to go. One that is no JSON is sent as it is: intake says what is wrong with it."""
    return [letter(party, body) for body in messages_of(text)]


def messages_of(text: str) -> list[str]:
    """The messages of a text: one to a line, or the whole of it if it is one JSON document over several lines."""
    # Only a line feed ends a line: other separators of Unicode may stand in a text.
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return lines if len(lines) == 1 or any(map(_is_object, lines)) else [text.strip()] if lines else []


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def as_json(result: Result) -> dict[str, Any]:
    """A result as the command line prints it."""
    outcome = result.outcome.value if result.outcome else "unknown"
    return {
        "message": result.letter.message_id,
        "outcome": outcome,
        "receipt": result.receipt,
        "refusals": [reason.plain() for reason in result.reasons],
    }


def as_line(result: Result) -> str:
    """The same as one line of NDJSON."""
    return json.dumps(as_json(result), ensure_ascii=False)


def as_text(number: int, result: Result) -> str:
    """A result for people: the number of the message, its outcome, the receipt, and each reason in both languages."""
    outcome = result.outcome.value if result.outcome else "unknown"
    reasons = [" ".join(part for part in (one.code, one.field, one.zh, one.en) if part) for one in result.reasons]
    reasons = [f"{said} 可接受 accepted: {one.accepts}" if one.accepts else said for said, one in zip(reasons, result.reasons, strict=True)]
    named = [result.letter.message_id] if reasons else []
    return "\n    ".join([f"{number:>5} {outcome:9} {result.receipt}".rstrip(), *named, *reasons])
