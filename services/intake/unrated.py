"""Finished services that nobody rated in the time that policy sets: invite, record a default, or nothing (domain handbook, section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract import tags
from contract.codes import IdentityMode, Provenance, RatingChannel
from intake import ledger, waiting
from intake.admission import Outcome
from intake.entries import RatingEntry
from intake.ground import policy_of
from intake.marks import Invitation
from intake.pending import BY_POLICY, PendingRating
from intake.places import default_key
from policy.calendar import due

if TYPE_CHECKING:
    from datetime import datetime

    from intake.entries import EventEntry
    from intake.sealing import Keys
    from policy.rules import Policy


def conclude(service: waiting.Unrated, keys: Keys, now: datetime) -> None:
    """Does what policy says of a service whose time to be rated is over, unless somebody rated it; then comes back to it no more.

    Raises ledger.Moved if a rating came at this very moment: the next sweep finds it.
    """
    project = ledger.project(service.project_no)
    event = project.event(service.service_number)
    if event and not project.rated(service.service_number):
        policy = policy_of(event.region_code, event.received_at)
        if policy.unrated_policy == "INVITE" and event.applicant and service.service_number not in project.invited:
            _invite(event, policy, now)
        if policy.unrated_policy == "DEFAULT" and service.service_number not in project.defaults:
            _default(event, policy, keys, now)
    waiting.unwatch(service)


def _invite(event: EventEntry, policy: Policy, now: datetime) -> None:
    until = due(now, policy.invite_valid, event.region_code).at
    ledger.mark(Invitation.of(event, policy.invite_channel, now, until).item(event.project_no, event.service_number))


def _default(event: EventEntry, policy: Policy, keys: Keys, now: datetime) -> None:
    """A default is stored as what it is: given by nobody, never in the place of a rating."""
    if policy.default_level is None:
        return
    entry = RatingEntry.bind(_given_by_nobody(event, policy, keys, now), event, policy)
    if ledger.insert_beside_default(entry) is not Outcome.ACCEPTED:
        raise ledger.Moved


def _given_by_nobody(event: EventEntry, policy: Policy, keys: Keys, now: datetime) -> PendingRating:
    key = default_key(event.project_no, event.service_number)
    return PendingRating.model_validate(
        {
            "project_no": event.project_no,
            "service_number": event.service_number,
            "round": 1,
            "kind": event.rated_as,
            "level": policy.default_level,
            "dict_version": tags.version(),
            "provenance": Provenance.DEFAULT,
            "rating_channel": RatingChannel.SYSTEM_DEFAULT,
            "identity_mode": IdentityMode.ANONYMOUS,
            "occurred_at": now,
            "received_at": now,
            "rating_id": keys.rating_id(key),
            "party": BY_POLICY,
            "message_id": f"{BY_POLICY}/{event.event_ref}",
            "fingerprint": keys.fingerprint("default", policy.default_level),
        }
    )
