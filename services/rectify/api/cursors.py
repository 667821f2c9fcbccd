"""Where a list goes on, sealed (AES-SIV): the place may be that of a case which the party does not see.

A cursor opens only for the list that it was made for, so that an altered one, or that of another list, is none.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from cloud import secrets
from contract.refusals import refuse


class Place(NamedTuple):
    """A place in a list: in which of its stretches, and after which key of the index (None: at its beginning)."""

    stretch: int = 0
    after: list[str] | None = None


def seal(place: Place, of: str) -> str:
    """The cursor for this place of the list that is named so."""
    return base64.urlsafe_b64encode(_cipher().encrypt(json.dumps(place).encode(), [of.encode()])).decode().rstrip("=")


def opened(cursor: str, of: str) -> Place:
    """The place. Raises Refused (`bad_cursor`) for a text that is no cursor of this list."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return Place(*json.loads(_cipher().decrypt(sealed, [of.encode()])))
    except (ValueError, InvalidTag):
        raise refuse("bad_cursor", "cursor") from None


def _cipher() -> AESSIV:
    return AESSIV(hashlib.sha512(b"rectify.api.cursors/" + secrets.stack_secret().encode()).digest())
