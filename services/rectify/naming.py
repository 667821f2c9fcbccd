"""How a case is named."""

from __future__ import annotations

import hashlib


def case_id_of(rating_id: str) -> str:
    """The case of a rating."""
    return "c_" + hashlib.sha256(rating_id.encode()).hexdigest()[:24]


def receipt_hash(receipt: str) -> str:
    """What a case knows of the receipt of its rating: enough to know it again, and nothing that could be shown instead of it."""
    return hashlib.sha256(receipt.encode()).hexdigest()
