"""Who a message or a question comes from: a registered party that has proved itself (design, section 4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cloud import clock, registry, secrets
from cloud.answers import caller_of, headers_of
from contract import arrival as arriving
from contract import proof
from contract.identifiers import PARTY_ID
from contract.refusals import Refused, refuse
from contract.wire import check_size
from contract.zone import day_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

    from cloud.registry import Party
    from contract.arrival import Arrival

_PARTY = re.compile(PARTY_ID)


def check(arrival: Arrival, *, is_stamped: bool = False) -> Party:
    """The party that a message comes from. Raises Refused; nothing of an unproven message is read beyond its size.

    `is_stamped`: our own door let it in a moment ago, so that it is not too old now, and its sender was looked at.
    """
    party = registered(arrival)
    check_size(arrival.body)
    try:
        proof.check(arrival, secrets.signing_secrets(f"party/{party.id}"), is_fresh=is_stamped)
    except Refused:
        proof.check(arrival, secrets.signing_secrets(f"party/{party.id}", secrets.FRESH), is_fresh=is_stamped)
    if not (is_stamped or party.is_sent_by(arrival.sender)):
        raise refuse("wrong_sender", "party")
    return party


def came(request: APIGatewayProxyEvent, body: str, sent: Mapping[str, str], transport_id: str) -> Arrival:
    """A message as it came over HTTPS, with the proof that was sent with it: the stamp of our door is ours to put."""
    proof_sent = {name: sent.get(name, "") for name in arriving.PROOF}
    return arriving.of(body, proof_sent, transport_id, clock.wall(), clock.now(), sender=caller_of(request))


def registered(arrival: Arrival) -> Party:
    """The party that a message names. Raises Refused (`unknown_party`)."""
    party = registry.party(arrival.party, day_of(arrival.received_at))
    if party is None:
        raise refuse("unknown_party", "party")
    return party


def asking(request: APIGatewayProxyEvent, on: date) -> Party:
    """The party that asks a question over HTTPS: a GET carries no signature, so that the IAM caller must be one of its principals.

    Raises Refused (`unknown_party`, `wrong_sender`).
    """
    named = headers_of(request).get("party", "")
    party = registry.party(named, on) if _PARTY.fullmatch(named) else None
    if party is None:
        raise refuse("unknown_party", "party")
    if not (party.principals and party.is_sent_by(caller_of(request))):
        raise refuse("wrong_sender", "party")
    return party
