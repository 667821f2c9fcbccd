"""From encoded records to the body of a call, by the style of a profile's envelope. Pure: time and secrets are arguments."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as Xml
from zoneinfo import ZoneInfo

from contract.cipher import encrypt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from notify.upward.profile import UpstreamProfile

Secret = dict[str, str]

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


class Call(NamedTuple):
    """What is posted: headers and body."""

    headers: dict[str, str]
    body: bytes


class Sealed(NamedTuple):
    """A record as it travels: sealing it takes milliseconds, so it is done once, however often its batch is cut anew."""

    ref: str
    text: str

    @property
    def size(self) -> int:
        """Its bytes in a body."""
        return len(self.text.encode()) + 3


def seal(profile: UpstreamProfile, ref: str, fields: Mapping[str, str], secret: Secret) -> Sealed:
    """The record as its envelope carries it. Raises ValueError for a key that is none, ModuleNotFoundError without the cipher's library."""
    if profile.envelope.style == "national":
        return Sealed(ref, _encrypted(profile, json.dumps([fields], ensure_ascii=False, separators=(",", ":")), secret))
    if profile.envelope.style == "soap":
        return Sealed(ref, _xml(profile.envelope.records_as, fields))
    return Sealed(ref, json.dumps(fields, ensure_ascii=False, separators=(",", ":")))


def call(profile: UpstreamProfile, records: Sequence[Sealed], secret: Secret, now: datetime, token: str = "") -> Call:
    """The call that carries these records. Raises as `seal`."""
    return _STYLES[profile.envelope.style](profile, records, secret, now, token)


def batches(profile: UpstreamProfile, records: Sequence[Sealed], most: int) -> list[list[Sealed]]:
    """The records in groups that fit into one call: so many at most, and so many bytes; one that is too large goes alone."""
    found: list[list[Sealed]] = []
    size = 0
    for record in records:
        if not found or len(found[-1]) == most or size + record.size > profile.batch.bytes:
            found.append([])
            size = 0
        found[-1].append(record)
        size += record.size
    return found


def token_call(secret: Secret, now: datetime) -> Call:
    """The call that asks for a token (handbook, 16.5)."""
    timestamp = str(int(now.timestamp() * 1000))
    # What the level above prescribes; it proves who asks and hides nothing.
    sign = hashlib.md5(f"{secret['app_code']}{timestamp}".encode(), usedforsecurity=False).hexdigest()
    return _json({"app_key": secret["app_key"], "timestamp": timestamp, "sign": sign}, secret)


def _national(profile: UpstreamProfile, records: Sequence[Sealed], secret: Secret, now: datetime, token: str) -> Call:
    time = now.astimezone(ZoneInfo(profile.time_zone)).strftime(str(profile.envelope.time_format))
    sign = _encrypted(profile, time + secret["app_mark"] + secret["app_word"], secret)
    params = {profile.envelope.records_as: [record.text for record in records]}
    common = {"appMark": secret["app_mark"], "time": time, "sign": sign, "params": params}
    return _json({"txnBodyCom": common, "txnCommCom": {}}, secret, {"C-Tenancy-Id": secret["tenancy"]})


def _plain(profile: UpstreamProfile, records: Sequence[Sealed], secret: Secret, now: datetime, token: str) -> Call:
    text = f"{json.dumps(profile.envelope.records_as)}:[{','.join(record.text for record in records)}]"
    return Call(_headers("application/json; charset=utf-8", secret), f"{{{text}}}".encode())


def _soap(profile: UpstreamProfile, records: Sequence[Sealed], secret: Secret, now: datetime, token: str) -> Call:
    envelope = Xml.Element(f"{{{_SOAP}}}Envelope")
    asked = Xml.SubElement(Xml.SubElement(envelope, f"{{{_SOAP}}}Body"), str(profile.envelope.operation))
    Xml.SubElement(asked, "accessToken").text = token
    Xml.SubElement(asked, "xml").text = _encrypted(profile, f"<Cases>{''.join(record.text for record in records)}</Cases>", secret)
    return Call(_headers("text/xml; charset=utf-8", secret), Xml.tostring(envelope, encoding="utf-8", xml_declaration=True))


_STYLES: dict[str, Callable[[UpstreamProfile, Sequence[Sealed], Secret, datetime, str], Call]] = {
    "national": _national,
    "json": _plain,
    "soap": _soap,
}


def _encrypted(profile: UpstreamProfile, text: str, secret: Secret) -> str:
    envelope = profile.envelope
    return encrypt(envelope.cipher, secret[envelope.key], text) if envelope.cipher and envelope.key else text


def _xml(name: str, fields: Mapping[str, str]) -> str:
    record = Xml.Element(name)
    for field, text in fields.items():
        Xml.SubElement(record, field).text = text
    return Xml.tostring(record, encoding="unicode")


def _json(said: object, secret: Secret, headers: Mapping[str, str] | None = None) -> Call:
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    return Call(_headers("application/json; charset=utf-8", secret) | dict(headers or {}), body)


def _headers(content_type: str, secret: Secret) -> dict[str, str]:
    """What every call says, and what the place agreed with the level above beside (`header:<name>` in the secret)."""
    own = {name.removeprefix("header:"): value for name, value in secret.items() if name.startswith("header:")}
    return own | {"content-type": content_type}
