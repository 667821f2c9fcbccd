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


class NotOurs(ValueError):
    """The text is no name of this kind that this stack has given."""


class Unreadable(ValueError):
    """A sealed text cannot be opened: it was altered, or sealed by another stack."""


class LedgerKey(NamedTuple):
    """The key of an entry in the Ledger."""

    pk: str
    sk: str


class Keys:
    """The keys of one stack. Every result is the same for the same input, except `seal`.

    A name is a sealed Ledger key (AES-SIV): known before the write, the same for every copy, meaningless without the stack's secret, and
    found again without an index. The prefix says of which kind a name is and is sealed with it, so that a receipt is no rating id; and
    it begins with a letter, since Base64 may begin with a hyphen, which a command takes for an option.
    """

    def __init__(self, secret: str) -> None:
        self._names = AESSIV(_derive(secret, "name", 64))
        self._person = _derive(secret, "pseudonym", 32)
        self._fingerprint = _derive(secret, "fingerprint", 32)
        self._door = _derive(secret, "door", 32)
        self._originals = AESGCM(_derive(secret, "original", 32))

    def rating_id(self, key: LedgerKey) -> str:
        """The name of a rating outside intake: it does not lead back to the case file."""
        return self._name("r_", key)

    def open_rating_id(self, rating_id: str) -> LedgerKey:
        """The Ledger key of a rating. Raises NotOurs."""
        return self._open("r_", rating_id)

    def event_ref(self, key: LedgerKey) -> str:
        """The name of a service event outside intake, the same at every status."""
        return self._name("e_", key)

    def open_event_ref(self, event_ref: str) -> LedgerKey:
        """The key that an `event_ref` seals. Raises NotOurs."""
        return self._open("e_", event_ref)

    def receipt(self, key: LedgerKey) -> str:
        """The receipt of the message that has this key."""
        return self._name("rc_", key)

    def open_receipt(self, receipt: str) -> LedgerKey:
        """The Ledger key of a receipt. Raises NotOurs."""
        return self._open("rc_", receipt)

    def token(self, key: LedgerKey) -> str:
        """The one-time token of an invitation, which is what its key says and nothing more: whoever has it may rate."""
        return self._name("t_", key)

    def open_token(self, token: str) -> LedgerKey:
        """What a token seals. Raises NotOurs."""
        return self._open("t_", token)

    def _name(self, prefix: str, key: LedgerKey) -> str:
        sealed = self._names.encrypt("|".join(key).encode(), [prefix.encode()])
        return prefix + base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _open(self, prefix: str, name: str) -> LedgerKey:
        text = name.removeprefix(prefix)
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if prefix + base64.urlsafe_b64encode(sealed).decode().rstrip("=") != name:
                raise NotOurs  # a name has one spelling
            pk, _, sk = self._names.decrypt(sealed, [prefix.encode()]).decode().partition("|")
        except (ValueError, InvalidTag):
            raise NotOurs from None
        return LedgerKey(pk, sk)

    def pseudonym(self, kind: str, *identity: str) -> str:
        """The name of a person (`v1:` and a keyed hash); `kind` keeps persons who rate and staff apart."""
        return "v1:" + _mac(self._person, kind, *identity)

    def fingerprint(self, *content: Any) -> str:
        """Equal for equal content. Keyed, so that a text cannot be found by trying."""
        return _mac(self._fingerprint, *content)

    def stamp(self, message_id: str) -> str:
        """What our own door puts on a message whose sender it has checked."""
        return _mac(self._door, message_id)

    def seal(self, original: str) -> bytes:
        """The text, compressed, then encrypted (AES-GCM)."""
        nonce = os.urandom(_NONCE)
        return nonce + self._originals.encrypt(nonce, zlib.compress(original.encode()), None)

    def open(self, sealed: bytes) -> str:
        """What was sealed. Raises Unreadable."""
        try:
            return zlib.decompress(self._originals.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)).decode()
        except (InvalidTag, ValueError, zlib.error):
            raise Unreadable from None


def _mac(key: bytes, *parts: Any) -> str:
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    mac = hmac.new(key, text.encode(), hashlib.sha256).digest()[:16]
    return base64.b32encode(mac).decode().rstrip("=").lower()


@cache
def _derive(secret: str, purpose: str, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=f"haochaping/{purpose}".encode()).derive(secret.encode())
