"""What a message must pass before it is taken, the same for SQS and HTTPS: size, a registered party, its proof, its form."""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING

from cloud import origin, secrets
from cloud.settings import settings
from contract.codes import Role
from contract.refusals import refuse
from intake.interpret import interpret
from intake.profile import available, has_ciphers
from intake.sealing import Keys

if TYPE_CHECKING:
    from cloud.registry import Party
    from contract.arrival import Arrival
    from contract.messages import Said


@lru_cache(maxsize=2)
def _derived(secret: str) -> Keys:
    return Keys(secret)


def keys() -> Keys:
    """The keys of this stack."""
    return _derived(secrets.stack_secret())


def check_origin(arrival: Arrival) -> Party:
    """The party that the message comes from. Raises Refused."""
    return origin.check(arrival, is_stamped=_came_through_our_door(arrival))


def read(arrival: Arrival, party: Party) -> Said:
    """The canonical message of a party that has proved itself. Raises Refused."""
    if party.role is not Role.CHANNEL:
        raise refuse("out_of_scope", "party")
    if party.profile not in available():
        raise refuse("unknown_profile", "party")
    return interpret(arrival.body, party.profile, settings().province_code, cipher_key(party))


def cipher_key(party: Party) -> str:
    """The key that opens what the party encrypts; empty if its format is never encrypted, or no key was agreed."""
    return secrets.cipher_key(f"party/{party.id}") if has_ciphers(party.profile) else ""


def _came_through_our_door(arrival: Arrival) -> bool:
    return bool(arrival.stamp) and hmac.compare_digest(arrival.stamp.encode(), keys().stamp(arrival.message_id).encode())
