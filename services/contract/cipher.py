"""The ciphers of the trade, SM2 and SM4, as a profile declares them. Pure; the key is an argument.

SM4 is `cryptography`'s. SM2 needs the optional library `gmssl` (extra `sm2`), of which only the arithmetic of the curve is used: it
checks neither the point nor the digest, and its random numbers are no secret, so that is done here (docs/decisions.md). Without it no
SM2 message can be opened or sealed.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from importlib import import_module
from typing import TYPE_CHECKING, Literal, Self

from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hashes import SM3, Hash
from cryptography.hazmat.primitives.padding import PKCS7
from pydantic import model_validator

from contract.model import Model
from contract.refusals import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

MAX_SEALED = 32_768

_KEY_DIGITS = {"SM2": 64, "SM4-CBC": 32, "SM4-ECB": 32}
_BLOCK, _COORDINATE, _DIGEST = 16, 32, 32


class Suite(Model):
    """A declared cipher. SM2 says in which order point, digest and text stand.

    SM4 is padded by PKCS 7; of CBC the first 16 bytes are the IV. What is read may have digits of either case, and 04 before the point
    or not; what is written has them as `text` and `point_mark` say.
    """

    suite: Literal["SM2", "SM4-CBC", "SM4-ECB"]
    text: Literal["hex", "HEX", "base64"]
    order: Literal["C1C3C2", "C1C2C3"] | None = None
    point_mark: Literal["", "04"] = ""

    @model_validator(mode="after")
    def _order_is_declared(self) -> Self:
        if self.suite == "SM2" and self.order is None:
            raise ValueError("SM2 does not declare its order")
        return self

    @property
    def key_digits(self) -> int:
        """How many hexadecimal digits the key has: by this the suites of a profile are told apart."""
        return _KEY_DIGITS[self.suite]


def decrypt(suites: Sequence[Suite], key: str, sealed: str) -> str:
    """The text behind a ciphertext, by the suite that takes a key of this length.

    Raises Refused: `too_large` before any work, otherwise `cannot_decrypt`, whatever the cause, so that the answer teaches nobody anything.
    """
    if len(sealed) > MAX_SEALED:
        raise refuse("too_large", accepts=f"at most {MAX_SEALED:,} characters of ciphertext")
    try:
        suite = next(one for one in suites if one.key_digits == len(key))
        return _OPEN[suite.suite](suite, bytes.fromhex(key), _raw(suite, sealed)).decode()
    except (StopIteration, ValueError, ModuleNotFoundError):
        raise refuse("cannot_decrypt") from None


def encrypt(suite: Suite, key: str, text: str) -> str:
    """The ciphertext of a text that is not empty, another one each time (but for SM4-ECB).

    `key` is hexadecimal: of SM2 the public key of the receiver (128 digits, or 130 with 04 before them), of SM4 the common one. Raises
    ValueError for a key that is none, ModuleNotFoundError for SM2 without its library.
    """
    sealed = _SEAL[suite.suite](suite, bytes.fromhex(key), text.encode())
    if suite.text == "base64":
        return base64.b64encode(sealed).decode()
    return sealed.hex().upper() if suite.text == "HEX" else sealed.hex()


def _raw(suite: Suite, sealed: str) -> bytes:
    return base64.b64decode(sealed, validate=True) if suite.text == "base64" else bytes.fromhex(sealed)


def _sm4_cbc(_: Suite, key: bytes, sealed: bytes) -> bytes:
    return _sm4(key, modes.CBC(sealed[:_BLOCK]), sealed[_BLOCK:])


def _sm4_ecb(_: Suite, key: bytes, sealed: bytes) -> bytes:
    return _sm4(key, modes.ECB(), sealed)  # noqa: S305 - what the upstream prescribes; confidentiality rests on the transport


def _sm4(key: bytes, mode: modes.CBC | modes.ECB, sealed: bytes) -> bytes:
    opening, padding = BlockCipher(SM4(key), mode).decryptor(), PKCS7(8 * _BLOCK).unpadder()
    return padding.update(opening.update(sealed) + opening.finalize()) + padding.finalize()


def _to_sm4_cbc(_: Suite, key: bytes, text: bytes) -> bytes:
    iv = secrets.token_bytes(_BLOCK)
    return iv + _to_sm4(key, modes.CBC(iv), text)


def _to_sm4_ecb(_: Suite, key: bytes, text: bytes) -> bytes:
    return _to_sm4(key, modes.ECB(), text)  # noqa: S305 - as above


def _to_sm4(key: bytes, mode: modes.CBC | modes.ECB, text: bytes) -> bytes:
    sealing, padding = BlockCipher(SM4(key), mode).encryptor(), PKCS7(8 * _BLOCK).padder()
    return sealing.update(padding.update(text) + padding.finalize()) + sealing.finalize()


def _to_sm2(suite: Suite, key: bytes, text: bytes) -> bytes:
    """GB/T 32918.4-2016, 6.1. Raises ValueError for an empty text, and for a key that is no point of the curve."""
    library = import_module("gmssl.sm2")
    curve = _curve(library)
    public, rest = _point(curve, key)
    if rest or not text:
        raise ValueError("no public key, or nothing to seal")
    once = 1 + secrets.randbelow(curve["n"] - 1)
    multiply = library.CryptSM2("", "")._kg
    point, shared = bytes.fromhex(multiply(once, library.default_ecc_table["g"])), bytes.fromhex(multiply(once, public.hex()))
    stream = _stream(shared, len(text))
    if not any(stream):
        return _to_sm2(suite, key, text)  # such a stream would hide nothing
    hidden = bytes(one ^ other for one, other in zip(text, stream, strict=True))
    digest = _sm3(shared[:_COORDINATE] + text + shared[_COORDINATE:])
    return bytes.fromhex(suite.point_mark) + point + (digest + hidden if suite.order == "C1C3C2" else hidden + digest)


def _curve(library: ModuleType) -> dict[str, int]:
    return {name: int(value, 16) for name, value in library.default_ecc_table.items()}


def _sm2(suite: Suite, key: bytes, sealed: bytes) -> bytes:
    """GB/T 32918.4-2016, 7.1. Raises ValueError for a point that is not on the curve and for a digest that does not fit."""
    library = import_module("gmssl.sm2")
    curve = _curve(library)
    point, rest = _point(curve, sealed)
    digest, text = (rest[:_DIGEST], rest[_DIGEST:]) if suite.order == "C1C3C2" else (rest[-_DIGEST:], rest[:-_DIGEST])
    if len(digest) != _DIGEST or not text or not 0 < int.from_bytes(key) < curve["n"]:
        raise ValueError("no key, or not long enough for a ciphertext")
    shared = bytes.fromhex(library.CryptSM2(key.hex(), "")._kg(int.from_bytes(key), point.hex()) or "")
    opened = bytes(one ^ other for one, other in zip(text, _stream(shared, len(text)), strict=True))
    if not hmac.compare_digest(_sm3(shared[:_COORDINATE] + opened + shared[_COORDINATE:]), digest):
        raise ValueError("the digest does not fit")
    return opened


def _point(curve: dict[str, int], sealed: bytes) -> tuple[bytes, bytes]:
    """The point C1 and what follows; some libraries write 04 before a point."""
    for skipped in (1, 0) if sealed[:1] == b"\x04" else (0,):
        point = sealed[skipped : skipped + 2 * _COORDINATE]
        x, y = int.from_bytes(point[:_COORDINATE]), int.from_bytes(point[_COORDINATE:])
        # A point of another curve would give the key away piece by piece.
        if max(x, y) < curve["p"] and (y * y - x * x * x - curve["a"] * x - curve["b"]) % curve["p"] == 0:
            return point, sealed[skipped + 2 * _COORDINATE :]
    raise ValueError("not a point of the curve")


def _stream(shared: bytes, length: int) -> bytes:
    blocks = -(-length // _DIGEST)
    return b"".join(_sm3(shared + count.to_bytes(4)) for count in range(1, blocks + 1))[:length]


def _sm3(data: bytes) -> bytes:
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


_OPEN: dict[str, Callable[[Suite, bytes, bytes], bytes]] = {"SM2": _sm2, "SM4-CBC": _sm4_cbc, "SM4-ECB": _sm4_ecb}
_SEAL: dict[str, Callable[[Suite, bytes, bytes], bytes]] = {"SM2": _to_sm2, "SM4-CBC": _to_sm4_cbc, "SM4-ECB": _to_sm4_ecb}
