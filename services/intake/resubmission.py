"""Messages that come once more through the operator's queue: moved back from the dead letters, or out of quarantine, perhaps corrected.

They keep their original party, id, time of sending and proof (design, section 4). A correction may change codes and identifiers, never
level, tags or text, and only of a message that had proved its origin: what the operator changed, the party has not signed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cloud import clock, origin
from contract import arrival as arriving
from contract.refusals import Refused, refuse
from contract.wire import check_size
from intake import door, quarantine
from intake.interpret import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cloud.registry import Party
    from contract.arrival import Arrival
    from intake.quarantine import Kept
    from intake.sealing import Keys

# The attributes by which a message names what it comes from.
SENT_AT, DAY, KEPT_AS, BY, REASON = "sent-at", "quarantine-day", "quarantine-id", "by", "reason"


class Resubmitted(NamedTuple):
    """A message as it comes once more; `kept` is its entry in quarantine, None if it comes from the dead letters."""

    arrival: Arrival
    kept: Kept | None


class NothingKept(ValueError):
    """There is no such message in quarantine."""


def of(body: str, sent: Mapping[str, str], transport_id: str, keys: Keys) -> Resubmitted:
    """The message with its original transport. Raises NothingKept, and KeyError or ValueError for attributes that lack or are none."""
    if DAY not in sent:
        return Resubmitted(_again(body, sent, transport_id, sent[SENT_AT], clock.at_milliseconds(sent[SENT_AT])), None)
    if not (sent[BY].strip() and sent[REASON].strip()):
        raise ValueError("a message that is sent again says by whom and why")
    kept = quarantine.find(sent[DAY], sent[KEPT_AS], keys)
    if kept is None:
        raise NothingKept
    party, webhook_id, _ = kept.refusals.message_id.split("/")
    proof = {**kept.proof, "party": party, "webhook-id": webhook_id}
    return Resubmitted(_again(body, proof, transport_id, kept.proof.get(SENT_AT, "0"), kept.refusals.received_at), kept)


def _again(body: str, sent: Mapping[str, str], transport_id: str, sent_at: str, received_at: datetime) -> Arrival:
    moment = clock.unmoved(sent_at)
    return arriving.of(body, sent, transport_id, moment, received_at, sender=sent.get("sender", ""), is_redelivery=True)


def check_origin(again: Resubmitted) -> Party:
    """The party that the message comes from. Raises Refused (`correction_not_allowed`, and what any message is refused for)."""
    arrival, kept = again
    if kept is None or not kept.refusals.proven:
        if kept and arrival.body != kept.original:
            raise refuse("correction_not_allowed")
        return door.check_origin(arrival)
    party = origin.registered(arrival)
    check_size(arrival.body)
    if arrival.body != kept.original and not _says_the_same(arrival.body, kept.original, party):
        raise refuse("correction_not_allowed")
    return party


def _says_the_same(corrected: str, original: str, party: Party) -> bool:
    key = door.cipher_key(party)
    try:
        # As JSON: true and 1 are equal to Python, and not to a reader.
        return json.dumps(spoken(corrected, party.profile, key)) == json.dumps(spoken(original, party.profile, key))
    except Refused:
        return False  # of an original that nobody can read nobody can say that it said the same
