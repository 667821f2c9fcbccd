"""What a message must pass before it is taken, the same for SQS and HTTPS: size, a registered party, its proof, its form."""

from __future__ import annotations

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
    from contract.messages import Said
    from intake.arrival import Arrival


@lru_cache(maxsize=2)
def _derived(secret: str) -> Keys:
    return Keys(secret)


def keys() -> Keys:
    """The keys of this stack."""
    return _derived(secrets.stack_secret())


def open_message(arrival: Arrival) -> Said:
    """The canonical message. Raises Refused; nothing of an unproven message is read beyond its size."""
    party = registry.party(arrival.party, day_of(arrival.received_at))
    if party is None:
        raise refuse("unknown_party", "party")
    check_size(arrival.body)
    try:
        proof.check(arrival, secrets.signing_secrets(f"party/{party.id}"))
    except Refused:
        proof.check(arrival, secrets.signing_secrets(f"party/{party.id}", secrets.FRESH))
    if party.role is not Role.CHANNEL:
        raise refuse("out_of_scope", "party")
    return interpret(arrival.body, party.profile, settings().province_code)
