"""What became of the message behind a receipt, computed from what is stored. It is what a rater is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud.settings import settings
from cloud.table import get_many, query
from contract.codes import RevealPurpose
from contract.model import Model
from contract.zone import day_of
from intake import vault
from intake.admission import Outcome
from intake.places import answered_key, exclusion_key, waiting_prefix
from intake.revealing import person_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intake.sealing import Keys, LedgerKey

# An exclusion and its review, and whatever may follow: a case has a handful of turns, not more (domain handbook, 17.5).
_TURNS = range(1, 7)


class Exclusion(Model):
    """That the rating was excluded, or counts again, and since which day (Asia/Shanghai)."""

    excluded: bool
    reason: str | None = None
    decided_day: str


class Look(Model):
    """That somebody read the identity: on which day (Asia/Shanghai), who, for what."""

    day: str
    by: str
    purpose: RevealPurpose


class Standing(Model):
    """Where a rating or service event stands.

    `day` (Asia/Shanghai) is what it counts for, once accepted; `answered_day` when the rater was answered; `exclusions` what was decided
    about the rating; `identity_read` who looked at the identity behind it.
    """

    receipt: str
    outcome: Outcome
    received_at: str
    day: str | None = None
    answered_day: str | None = None
    exclusions: tuple[Exclusion, ...] = ()
    identity_read: tuple[Look, ...] = ()


def standing(receipt: str, keys: Keys) -> Standing | None:
    """Accepted or parked; None while nothing is stored under the receipt's key. Raises NotOurs."""
    key = keys.open_receipt(receipt)
    beside = [key, answered_key(key), *(exclusion_key(key, turn) for turn in _TURNS)] if key.sk.startswith("R#") else [key]
    found = {item["sk"]: item for item in get_many(settings().ledger_table, (one._asdict() for one in beside))}
    if key.sk in found:
        return _accepted(receipt, key, found)
    if not (key.pk.startswith("P#") and key.sk.startswith("R#")):
        return None
    prefix = waiting_prefix(key)
    parked = [item["received_at"] for item in query(settings().waiting_table, prefix.pk, sk_prefix=prefix.sk, consistent=True)]
    return Standing(receipt=receipt, outcome=Outcome.PARKED, received_at=min(parked)) if parked else None


def _accepted(receipt: str, key: LedgerKey, found: dict[str, dict[str, Any]]) -> Standing:
    entry, answered = found[key.sk], found.get(answered_key(key).sk)
    turns = [found[place] for turn in _TURNS if (place := exclusion_key(key, turn).sk) in found]
    return Standing(
        receipt=receipt,
        outcome=Outcome.ACCEPTED,
        received_at=entry["received_at"],
        day=entry["day"],
        answered_day=answered["day"] if answered else None,
        exclusions=tuple(
            Exclusion(excluded=bool(turn["turn"] % 2), reason=turn.get("reason"), decided_day=turn["decided_day"]) for turn in turns
        ),
        identity_read=tuple(_looks(person_of(entry))),
    )


def _looks(pseudonym: str | None) -> Iterator[Look]:
    for reading in vault.readings(pseudonym) if pseudonym else ():
        yield Look(day=day_of(reading.at).isoformat(), by=reading.by, purpose=reading.purpose)
