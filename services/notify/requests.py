"""What people are to be told of an event: which text, to whom, by an address that names nobody. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract.codes import AddressKind, EscalationLevel, IdentityMode, MessageTemplate, RevealPurpose
from contract.events import MessageRequested, event_id
from notify.wanting import name_of, place_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.codes import Language


def may_concern(event: dict[str, Any]) -> bool:
    """Whether events of this kind are told to people at all."""
    return name_of(event) in _TOLD


def request_of(event: dict[str, Any], language: Language) -> MessageRequested | None:
    """The message that an event (a CloudEvent) asks for, in a language; None if nobody is told of it."""
    told = _TOLD.get(name_of(event))
    said = told(event["data"]) if told else None
    if said is None:
        return None
    region, organisation = place_of(event)
    case_id = event["data"].get("case_id")
    named = {"region_code": region, "organisation": organisation, "case_id": case_id, "language": language}
    return MessageRequested(event_id=event_id("MessageRequested", event["id"]), happened_at=event["time"], **named, **said)


def _invitation(detail: dict[str, Any]) -> dict[str, Any]:
    to = {"to": AddressKind.APPLICANT, "address": detail["event_ref"], "purpose": RevealPurpose.INVITATION}
    return {"template": MessageTemplate.INVITATION, **to, **{name: detail[name] for name in ("token", "channel", "expires_at")}}


def _to_rater(template: MessageTemplate) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    """What tells the rater, if it is known who rated; the answer to an anonymous rating is public."""

    def said(detail: dict[str, Any]) -> dict[str, Any] | None:
        about = detail.get("rating") or detail
        if about.get("identity_mode") == IdentityMode.ANONYMOUS or detail.get("public_reply"):
            return None
        return {"template": template, "to": AddressKind.RATER, "address": about["rating_id"], "purpose": RevealPurpose.NOTICE}

    return said


def _escalated(detail: dict[str, Any]) -> dict[str, Any]:
    """Whoever is in charge is reminded; everybody above is told."""
    template = MessageTemplate.REMINDER if detail["level"] == EscalationLevel.PERSON else MessageTemplate.ESCALATION
    # A credit code has 18 characters, a region 12 digits.
    to = AddressKind.REGION if detail["to"].isdigit() and len(detail["to"]) == 12 else AddressKind.ORGANISATION
    return {"template": template, "to": to, "address": detail["to"], **{name: detail[name] for name in ("clock", "level", "due_at")}}


_TOLD: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "InvitationIssued": _invitation,
    "CaseReplied": _to_rater(MessageTemplate.REPLY),
    "AppealFiled": _to_rater(MessageTemplate.APPEAL),
    "AppealGranted": _to_rater(MessageTemplate.RESULT),
    "CaseClosed": _to_rater(MessageTemplate.RESULT),
    "CaseEscalated": _escalated,
}
