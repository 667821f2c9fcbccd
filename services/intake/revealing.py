"""Whose identity may be read, and how much of it: bound to a purpose, recorded, and shown to the person concerned (domain handbook, 18)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud import clock
from cloud.settings import settings
from cloud.table import get
from contract.codes import RevealPurpose
from contract.messages import Code
from contract.model import Model
from contract.refusals import refuse
from intake import vault
from intake.sealing import NotOurs
from intake.tickets import Ticket

if TYPE_CHECKING:
    from intake.sealing import Keys

# What a purpose needs: a call needs no certificate, and an invitation not even a name.
_SHOWN: dict[RevealPurpose, set[str]] = {
    RevealPurpose.CONTACT: {"name", "phone"},
    RevealPurpose.CALLBACK: {"name", "phone"},
    RevealPurpose.INVITATION: {"phone"},
    RevealPurpose.NOTICE: {"phone"},
    RevealPurpose.LEGAL: {"name", "phone", "certificate_type", "certificate_number"},
}


class Question(Model):
    """Who is asked for (by one of receipt, rating id or invitation token), for what, and who asks.

    An invitation is sent by its token and by nothing else; `by` is the asking person as the asking system knows them.
    """

    purpose: RevealPurpose
    by: Code
    receipt: str = ""
    rating_id: str = ""
    token: str = ""


def answer(question: Question, caller: str, keys: Keys) -> dict[str, Any]:
    """The part of the identity that the purpose needs. The reading is recorded before it is answered. Raises Refused (`nobody_known`,
    `token_expired`)."""
    entry = _entry(question, keys)
    pseudonym = person_of(entry)
    if pseudonym is None:
        raise refuse("nobody_known")
    party = str(entry["message_id"]).partition("/")[0]
    try:
        person = vault.reveal(pseudonym, party, question.purpose, f"{caller}/{question.by}" if caller else question.by)
    except vault.Erased:
        raise refuse("nobody_known") from None
    return person.model_dump(mode="json", exclude_none=True, include=_SHOWN[question.purpose])


def _entry(question: Question, keys: Keys) -> dict[str, Any]:
    """What is asked about; nothing where a token is asked about for another purpose than to invite, or the other way round."""
    if (question.purpose is RevealPurpose.INVITATION) != bool(question.token) or question.purpose not in _SHOWN:
        return {}
    try:
        if question.token:
            return _invited(Ticket.of(question.token, keys))
        key = keys.open_receipt(question.receipt) if question.receipt else keys.open_rating_id(question.rating_id)
    except NotOurs:
        return {}
    return get(settings().ledger_table, key._asdict()) or {}


def _invited(ticket: Ticket) -> dict[str, Any]:
    event = ticket.project(clock.now()).event(ticket.service_number)
    return {"applicant": event.applicant, "message_id": event.message_id} if event else {}


def person_of(entry: dict[str, Any]) -> str | None:
    """The pseudonym of whom an entry is about: who rated, or who applied."""
    named = entry.get("rater") or entry.get("applicant")
    return str(named) if named else None
