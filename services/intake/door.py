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
from intake.profile import available, has_ciphers
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
    # What our own door let in a moment ago is not too old now.
    is_stamped = _came_through_our_door(arrival)
    try:
        proof.check(arrival, secrets.signing_secrets(f"party/{party.id}"), is_fresh=is_stamped)
    except Refused:
        proof.check(arrival, secrets.signing_secrets(f"party/{party.id}", secrets.FRESH), is_fresh=is_stamped)
    if not (is_stamped or party.is_sent_by(arrival.sender)):
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
    if party.profile not in available():
        raise refuse("unknown_profile", "party")
    return interpret(arrival.body, party.profile, settings().province_code, cipher_key(party))


def cipher_key(party: Party) -> str:
    """The key that opens what the party encrypts; empty if its format is never encrypted, or no key was agreed."""
    return secrets.cipher_key(f"party/{party.id}") if has_ciphers(party.profile) else ""


def _came_through_our_door(arrival: Arrival) -> bool:
    return bool(arrival.stamp) and hmac.compare_digest(arrival.stamp.encode(), keys().stamp(arrival.message_id).encode())
