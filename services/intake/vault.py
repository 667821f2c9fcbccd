"""The Vault: names, telephones and certificates of persons, by pseudonym, each row encrypted (AWS Encryption SDK with a KMS key).

Everything else in the system holds the pseudonym only. Whoever writes cannot read: only `intake.reveal` may decrypt, says for what,
and leaves an entry of it (domain handbook, section 18).

A person who is erased leaves a tombstone outside the table, so that a restored table does not bring the row back.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from cloud import clients, clock
from cloud.settings import settings
from cloud.table import delete, put, put_new, query
from contract.codes import RevealPurpose
from contract.messages import Person
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_encryption_sdk import EncryptionSDKClient
    from aws_encryption_sdk.key_providers.kms import KMSMasterKey
    from aws_encryption_sdk.materials_managers.caching import CachingCryptoMaterialsManager

    from cloud.table import Item
    from intake.sealing import Keys

# One data key serves so many persons, or so long, whichever ends first (design, section 5).
_PERSONS_PER_KEY = 1_000
_SECONDS_PER_KEY = 600.0
_CONTEXT = {"purpose": "haochaping-vault"}
_ERASED = "erased/"
_ROW = "PERSON#"


class Erased(Exception):
    """Nothing is known of the person any more, or nothing ever was."""


class Reading(Model):
    """That somebody read an identity: when, who, for what. The person concerned may see it."""

    at: datetime
    by: str
    purpose: RevealPurpose


@cache
def _sdk() -> EncryptionSDKClient:
    from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient

    return EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)


def _master_key() -> KMSMasterKey:
    from aws_encryption_sdk.key_providers.kms import KMSMasterKey

    return KMSMasterKey(key_id=settings().vault_key_arn, client=clients.kms())


@cache
def _materials() -> CachingCryptoMaterialsManager:
    from aws_encryption_sdk.caches.local import LocalCryptoMaterialsCache
    from aws_encryption_sdk.materials_managers.caching import CachingCryptoMaterialsManager

    return CachingCryptoMaterialsManager(
        master_key_provider=_master_key(),
        cache=LocalCryptoMaterialsCache(1),
        max_age=_SECONDS_PER_KEY,
        max_messages_encrypted=_PERSONS_PER_KEY,
    )


def forget() -> None:
    """Drops the data key, for a process that goes on to another stack."""
    _materials.cache_clear()


def keep(persons: Iterable[Person | None], party: str, said_at: datetime, keys: Keys) -> None:
    """Puts what a message of that moment says of each person under the pseudonym. One write per person.

    Each party and set of fields has a row of its own, so that nobody takes away, or puts in the place, what somebody else said. The time
    is that of the message: one that comes again after its person was erased is as dead as the first time.
    """
    for person in persons:
        if person:
            _keep(keys.pseudonym("person", *person.identity), person, party, said_at)


def _keep(pseudonym: str, person: Person, party: str, said_at: datetime) -> None:
    from aws_encryption_sdk import Algorithm

    fields = person.plain()
    known = json.dumps({"pseudonym": pseudonym, **fields}, ensure_ascii=False).encode()
    # Without a signature: the same party writes and reads, and a signed message would be half as long again.
    algorithm = Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
    sealed, _ = _sdk().encrypt(source=known, materials_manager=_materials(), encryption_context=_CONTEXT, algorithm=algorithm)
    row = {
        "pk": pseudonym,
        "sk": f"{_ROW}{party}#{'+'.join(sorted(fields))}",
        "sealed": sealed,
        "said_at": said_at.astimezone(UTC).isoformat(),
    }
    put(settings().vault_table, row)


def reveal(pseudonym: str, party: str, purpose: RevealPurpose, by: str) -> Person:
    """What is known of the person: of each field what this party said last, or else any other.

    The reading is recorded first, and answered only then. Raises Erased.
    """
    own = f"{_ROW}{party}#"
    rows = sorted(_living(pseudonym), key=lambda row: (row["sk"].startswith(own), row["said_at"]))
    if not rows:
        raise Erased
    note_reading(pseudonym, purpose, by)
    known: dict[str, Any] = {}
    for row in rows:
        known |= _opened(row, pseudonym)
    return Person.model_validate(known)


def note_reading(pseudonym: str, purpose: RevealPurpose, by: str) -> None:
    """That somebody reads what leads to the person: recorded for ever, and shown to the person."""
    now = clock.now()
    record = {"pk": _readings(pseudonym), "sk": f"{now.isoformat()}#{uuid.uuid4().hex}", "by": by, "purpose": purpose.value}
    put_new(settings().vault_table, record)


def _opened(row: Item, pseudonym: str) -> dict[str, Any]:
    opened, header = _sdk().decrypt(source=row["sealed"], key_provider=_master_key())
    known: dict[str, Any] = json.loads(opened)
    if known.pop("pseudonym") != pseudonym or not _CONTEXT.items() <= header.encryption_context.items():
        raise Erased  # a row that was put under another name is nobody's
    return known


def readings(pseudonym: str) -> Iterator[Reading]:
    """Who read the identity, oldest first."""
    for item in query(settings().vault_table, _readings(pseudonym), consistent=True):
        yield Reading(at=datetime.fromisoformat(item["sk"].partition("#")[0]), by=item["by"], purpose=item["purpose"])


def erase(pseudonym: str, by: str, reason: str) -> None:
    """Takes the person out, for good: the tombstone first, so that whatever happens then, and whatever is restored, nothing is read."""
    tombstone = {"erased_at": clock.now().isoformat(), "by": by, "reason": reason}
    body = json.dumps(tombstone, ensure_ascii=False).encode()
    clients.s3().put_object(Bucket=settings().segments_bucket, Key=_ERASED + pseudonym, Body=body)
    for row in _rows(pseudonym):
        delete(settings().vault_table, row)


def bury_again() -> int:
    """Takes out every row that came back after its person was erased, by a restore or a message that came again; returns how many."""
    pages = clients.s3().get_paginator("list_objects_v2").paginate(Bucket=settings().segments_bucket, Prefix=_ERASED)
    buried = 0
    for pseudonym in (found["Key"].removeprefix(_ERASED) for page in pages for found in page.get("Contents", [])):
        living = {row["sk"] for row in _living(pseudonym)}
        for row in [row for row in _rows(pseudonym) if row["sk"] not in living]:
            delete(settings().vault_table, row)
            buried += 1
    return buried


def _rows(pseudonym: str) -> list[Item]:
    return list(query(settings().vault_table, pseudonym, sk_prefix=_ROW, consistent=True))


def _living(pseudonym: str) -> list[Item]:
    """The rows that were said after the person was erased, or all if nobody was; one who comes again later is a new one."""
    rows = _rows(pseudonym)
    erased_at = _erased_at(pseudonym) if rows else None
    return [row for row in rows if erased_at is None or datetime.fromisoformat(row["said_at"]) > erased_at]


def _erased_at(pseudonym: str) -> datetime | None:
    try:
        answer = clients.s3().get_object(Bucket=settings().segments_bucket, Key=_ERASED + pseudonym)
    except clients.s3().exceptions.NoSuchKey:
        return None
    return datetime.fromisoformat(json.loads(answer["Body"].read())["erased_at"])


def _readings(pseudonym: str) -> str:
    return f"READS#{pseudonym}"
