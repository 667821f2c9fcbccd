"""What a message must pass before it is taken, the same for SQS and HTTPS: size, a registered party, its proof, its form."""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING

from cloud import registry, secrets
from cloud.settings import settings
from contract.codes import Role
from contract.refusals import Refused, refuse
from contract.zone import day_of
from intake import proof
from intake.interpret import check_size, interpret
from intake.sealing import Keys

if TYPE_CHECKING:
    from cloud.registry import Party
    from contract.messages import Said
    from intake.arrival import Arrival


@lru_cache(maxsize=2)
def _derived(secret: str) -> Keys:
    return Keys(secret)


def keys() -> Keys:
    """The keys of this stack."""
    return _derived(secrets.stack_secret())


def check_origin(arrival: Arrival) -> Party:
    """The party that the message comes from. Raises Refused; nothing of an unproven message is read beyond its size."""
    party = registered(arrival)
    check_size(arrival.body)
    try:
        proof.check(arrival, secrets.signing_secrets(f"party/{party.id}"))
    except Refused:
        proof.check(arrival, secrets.signing_secrets(f"party/{party.id}", secrets.FRESH))
    if not (_came_through_our_door(arrival) or party.is_sent_by(arrival.sender)):
        raise refuse("wrong_sender", "party")
    return party


def registered(arrival: Arrival) -> Party:
    """The party that a message names. Raises Refused (`unknown_party`)."""
    party = registry.party(arrival.party, day_of(arrival.received_at))
    if party is None:
        raise refuse("unknown_party", "party")
    return party


def read(arrival: Arrival, party: Party) -> Said:
    """The canonical message of a party that has proved itself. Raises Refused."""
    if party.role is not Role.CHANNEL:
        raise refuse("out_of_scope", "party")
    return interpret(arrival.body, party.profile, settings().province_code, cipher_key(party))


def cipher_key(party: Party) -> str:
    """The key that opens what the party encrypts; empty if its messages are plain."""
    return secrets.cipher_key(f"party/{party.id}")


def _came_through_our_door(arrival: Arrival) -> bool:
    return bool(arrival.stamp) and hmac.compare_digest(arrival.stamp.encode(), keys().stamp(arrival.message_id).encode())
