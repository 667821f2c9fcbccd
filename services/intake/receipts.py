"""What became of the message behind a receipt, computed from what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.settings import settings
from cloud.table import get, query
from contract.model import Model
from intake.admission import Outcome
from intake.entries import waiting_prefix

if TYPE_CHECKING:
    from intake.sealing import Keys


class Standing(Model):
    """Where a rating or service event stands. `day` (Asia/Shanghai) is what it counts for, once accepted."""

    receipt: str
    outcome: Outcome
    received_at: str
    day: str | None = None


def standing(receipt: str, keys: Keys) -> Standing | None:
    """Accepted or parked; None while nothing is stored under the receipt's key. Raises NotAReceipt."""
    key = keys.open_receipt(receipt)
    if entry := get(settings().ledger_table, key._asdict()):
        return Standing(receipt=receipt, outcome=Outcome.ACCEPTED, received_at=entry["received_at"], day=entry["day"])
    prefix = waiting_prefix(key)
    parked = [item["received_at"] for item in query(settings().waiting_table, prefix.pk, sk_prefix=prefix.sk, consistent=True)]
    return Standing(receipt=receipt, outcome=Outcome.PARKED, received_at=min(parked)) if parked else None
