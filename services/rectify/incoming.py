"""Commands as parties send them: read by the contract, carried out, or kept with the reason why not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cloud import clock, origin, registry
from contract.commands import COMMAND_TYPE, command_of
from contract.messages import Envelope
from contract.refusals import Refused, from_validation, refuse
from contract.wire import digest, json_object
from contract.zone import day_of
from rectify import cases, deciding

if TYPE_CHECKING:
    from contract.arrival import Arrival
    from contract.commands import AnyCommand

_RECEIPT = re.compile("rc_[A-Za-z0-9_-]+")
# What an operator may not put into somebody's mouth.
_SAID = ("command", "case_id", "actor", "text", "at")


def read(body: str) -> AnyCommand:
    """The command in a message. Raises Refused with every reason found."""
    try:
        envelope = Envelope.model_validate(json_object(body))
        if envelope.type != COMMAND_TYPE:
            raise refuse("not_accepted_here", "type", COMMAND_TYPE)
        return command_of(envelope.data)
    except ValidationError as error:
        raise from_validation(error) from None


def take(arrival: Arrival) -> None:
    """Carries out what came by the queue, or keeps it: nothing that a party sent is lost, and no message comes back for what it says.

    Whether it still can be done is judged by the time of sending. A deadline that a sweep has told as passed in between stays told.
    """
    proven = False
    try:
        party = origin.check(arrival)
        proven = True
        deciding.command(read(arrival.body), party, arrival.received_at, announce=True)
    except Refused as refused:
        # Whoever has a receipt is the rater; it is not for anybody else to see.
        said = {"message_id": arrival.message_id, "party": arrival.party, "body": _RECEIPT.sub("rc_", arrival.body)}
        cases.keep_refused(said, refused.reasons, arrival.received_at, proven=proven)


def resubmit(again: dict[str, Any]) -> None:
    """What an operator sends again, as it was or corrected in its codes and identifiers (`body`), by whom (`by`) and why (`reason`).

    It is carried out for the party that had sent it, under a command id of its own; what became of it stands beside the refused one. Raises
    ValueError for what was not kept, or had not proved its origin: what the operator changed, the party has not signed.
    """
    kept = cases.kept(again["pk"], again["sk"])
    if kept is None or not (again["by"].strip() and again["reason"].strip()):
        raise ValueError("a command that is sent again was refused, and says by whom and why")
    now = clock.now()
    party = registry.party(kept["party"], day_of(now))
    try:
        if party is None or not kept.get("proven", True):
            raise refuse("unknown_party", "party")
        command = _again(kept, again["body"])
        outcome = deciding.command(command, party, now, announce=True)
        reasons = outcome.refusals
    except Refused as refused:
        reasons = refused.reasons
    note = {"by": again["by"], "reason": again["reason"], "body": again["body"], "refusals": [reason.plain() for reason in reasons]}
    cases.note_resubmission(kept, digest(again["body"]), note | {"noted_at": now.isoformat()})


def _again(kept: dict[str, Any], body: str) -> AnyCommand:
    before, after = data_of(kept["command"]), data_of(body)
    if any(before.get(name) != after.get(name) for name in _SAID if name in before):
        raise refuse("correction_not_allowed", "text", "a correction of codes and identifiers")
    try:
        command = command_of(after)
    except ValidationError as error:
        raise from_validation(error) from None
    return command.model_copy(update={"command_id": f"{command.command_id[:48]}~{digest(body)}"})


def data_of(body: str) -> dict[str, Any]:
    """What a command says, with or without its envelope. Raises Refused (`not_json`)."""
    held = json_object(body)
    data = held.get("data", held)
    return data if isinstance(data, dict) else {}
