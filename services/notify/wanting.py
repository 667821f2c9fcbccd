"""Who is told what: an event reaches a subscriber that asked for it and a party whose scope it lies in. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from contract.codes import IdentityMode, Role, Severity
from contract.identifiers import lies_within, province_of
from contract.zone import SHANGHAI, day_of

if TYPE_CHECKING:
    from notify.subscription import Asked, Scope

# What is published of the province as a whole, for everybody.
_PUBLIC = {"ResultsPublished", "LedgerSegmentSealed", "LedgerDayClosed"}
_HOURS = ("received_hour", "admitted_hour")


def name_of(event: dict[str, Any]) -> str:
    """The name of a CloudEvent's kind, without its version."""
    return str(event["type"]).rpartition(".v")[0]


def place_of(event: dict[str, Any]) -> tuple[str | None, str | None]:
    """Region (12 digits) and organisation of what an event is about: of a case its unit in charge, else those of the service."""
    detail = event["data"]
    rating = detail.get("rating") or {}
    return detail.get("region_code") or rating.get("region_code"), detail.get("organisation") or rating.get("organisation")


def wants(asked: Asked, event: dict[str, Any]) -> bool:
    """Whether a subscriber asked for an event: its kind, its severity, and where it names some, the region and the organisation."""
    region, organisation = place_of(event)
    return (
        (not asked.types or name_of(event) in asked.types)
        and Severity(event["severity"]).rank >= asked.severity.rank
        and (not asked.regions or (region is not None and lies_within(region, asked.regions)))
        and (not asked.organisations or organisation in asked.organisations)
    )


def may_know(scope: Scope, event: dict[str, Any]) -> bool:
    """Whether an event is a party's business: public, addressed to it, or about something within its scope.

    What is about no place (of other parties, of the whole stack) is the business of a supervisor or consumer of the whole province.
    """
    if name_of(event) in _PUBLIC:
        return True
    detail, (region, organisation) = event["data"], place_of(event)
    if "party" in detail and detail["party"] == scope.party:
        return True
    if region is None:
        return scope.role in (Role.SUPERVISOR, Role.CONSUMER) and is_whole(scope)
    return lies_within(region, scope.regions) and (not scope.organisations or organisation in scope.organisations)


def is_whole(scope: Scope) -> bool:
    """Whether a scope is the whole province, and every organisation in it."""
    return not scope.organisations and any(province_of(code) == code for code in scope.regions)


def narrowed(event: dict[str, Any], role: Role) -> dict[str, Any]:
    """The event as a party of this role may know it.

    By its receipt a rater is known again, which is nobody's business but the stack's. Who served the rater is for the unit and the
    supervisor; of an anonymous rating a unit knows the day alone, and not who served (domain handbook, section 18).
    """
    detail = {name: value for name, value in event["data"].items() if name != "receipt_sha256"}
    rating = detail.get("rating")
    if not rating or role is Role.SUPERVISOR:
        return event | {"data": detail}
    is_hidden = role is Role.UNIT and rating.get("identity_mode") == IdentityMode.ANONYMOUS
    if is_hidden or role is not Role.UNIT:
        detail["rating"] = {name: value for name, value in rating.items() if name != "staff_ref"}
    return _by_its_day(event, detail) if is_hidden else event | {"data": detail}


def _by_its_day(event: dict[str, Any], detail: dict[str, Any]) -> dict[str, Any]:
    coarse = {name: _day(detail["rating"][name]) for name in _HOURS if detail["rating"].get(name)}
    told = detail | {"rating": detail["rating"] | coarse}
    if name_of(event) in {"BadRatingAccepted", "CaseOpened"}:
        told["happened_at"] = _day(detail["happened_at"])
    return event | {"data": told, "time": told["happened_at"]}


def _day(moment: str) -> str:
    day = day_of(datetime.fromisoformat(moment))
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).isoformat()
