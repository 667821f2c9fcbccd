"""Keyed names and sealed texts: rating ids, pseudonyms, fingerprints, receipts, and the originals of refused messages.

All keys are derived (HKDF-SHA256) from the one secret of the stack, so a name cannot be computed without it and means nothing in
another province.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import zlib
from functools import cache
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
# Base64 may begin with a hyphen, which a command takes for an option.
_RECEIPT = "rc_"


class NotAReceipt(ValueError):
    """The text is not a receipt of this stack."""


class LedgerKey(NamedTuple):
    """The key of an entry in the Ledger."""

    pk: str
    sk: str


class Keys:
    """The keys of one stack. Every result is the same for the same input, except `seal`."""

    def __init__(self, secret: str) -> None:
        self._rating = _derive(secret, "rating_id", 32)
        self._person = _derive(secret, "pseudonym", 32)
        self._fingerprint = _derive(secret, "fingerprint", 32)
        self._receipts = AESSIV(_derive(secret, "receipt", 64))
        self._originals = AESGCM(_derive(secret, "original", 32))

    def rating_id(self, project_no: str, service_number: int, round: int) -> str:
        """The name of a rating outside intake: it does not lead back to the case file."""
        return "r_" + _mac(self._rating, project_no, service_number, round)

    def event_ref(self, project_no: str, service_number: int) -> str:
        """The name of a service event outside intake."""
        return "e_" + _mac(self._rating, project_no, service_number)

    def pseudonym(self, kind: str, *identity: str) -> str:
        """The name of a person (`v1:` and a keyed hash); `kind` keeps raters and staff apart."""
        return "v1:" + _mac(self._person, kind, *identity)

    def fingerprint(self, *content: Any) -> str:
        """Equal for equal content. Keyed, so that a text cannot be found by trying."""
        return _mac(self._fingerprint, *content)

    def receipt(self, key: LedgerKey) -> str:
        """The sealed Ledger key: known before the write, the same for every copy."""
        sealed = self._receipts.encrypt("|".join(key).encode(), None)
        return _RECEIPT + base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open_receipt(self, receipt: str) -> LedgerKey:
        """The Ledger key of a receipt. Raises NotAReceipt."""
        text = receipt.removeprefix(_RECEIPT)
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if _RECEIPT + base64.urlsafe_b64encode(sealed).decode().rstrip("=") != receipt:
                raise NotAReceipt  # a receipt has one spelling
            pk, _, sk = self._receipts.decrypt(sealed, None).decode().partition("|")
        except (ValueError, InvalidTag):
            raise NotAReceipt from None
        return LedgerKey(pk, sk)

    def seal(self, original: str) -> bytes:
        """The text, compressed, then encrypted (AES-GCM)."""
        nonce = os.urandom(_NONCE)
        return nonce + self._originals.encrypt(nonce, zlib.compress(original.encode()), None)

    def open(self, sealed: bytes) -> str:
        """What was sealed."""
        return zlib.decompress(self._originals.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)).decode()


def digest(body: str) -> str:
    """A short hash of a message's bytes, which tells apart two messages that a party sent under one id."""
    return hashlib.sha256(body.encode()).hexdigest()[:12]


@cache
def _derive(secret: str, purpose: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"haochaping/{purpose}".encode()).derive(secret.encode())


def _mac(key: bytes, *parts: Any) -> str:
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    mac = hmac.new(key, text.encode(), hashlib.sha256).digest()[:16]
    return base64.b32encode(mac).decode().rstrip("=").lower()
