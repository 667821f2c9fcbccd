"""Service events: taken as facts, whatever is missing said, and whoever waited for them admitted (design, 6.3)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cloud import registry
from contract.codes import ProjectStatus
from contract.refusals import refuse
from contract.zone import day_of
from intake import ledger, vault, waiting
from intake.admission import Outcome
from intake.entries import EventEntry
from intake.ground import check_name, check_scope, policy_of, unlisted
from intake.marks import Explained
from intake.sealing import Unreadable
from intake.settling import admit_parked
from policy.calendar import due

if TYPE_CHECKING:
    from contract.arrival import Arrival
    from contract.messages import ServiceEvent
    from intake.admission import Project
    from intake.sealing import Keys
    from policy.rules import Policy

_ADMITTED_AT_ONCE = 50
# Names of things, which are published.
_NAMES = ("window", "platform", "guide_version")


def take_event(event: ServiceEvent, arrival: Arrival, keys: Keys) -> Outcome:
    """What became of a report, once that is durable. Raises Refused."""
    # A code is valid on its date: a service before a merger may be reported after it.
    if not registry.knows_region(event.region_code, day_of(event.service_time)):
        raise refuse("unknown_region", "region_code")
    check_scope(arrival.party, event.region_code, event.organisation, arrival.received_at)
    policy = policy_of(event.region_code, arrival.received_at)
    for field in _NAMES:
        check_name(getattr(event, field), field)
    for material in event.materials or ():
        check_name(material, "materials")
    project = ledger.project(event.project_no)
    rated = project.rated(event.service_number)
    entry = EventEntry.of(event, arrival, keys, policy, unlisted(event.organisation, event.item_code, arrival), rated)
    # A key of its own for each status lets a later report through; that it speaks of the same service is asked here.
    if differing := project.contradictions(entry):
        raise refuse("event_contradicted", ", ".join(differing))
    outcome = ledger.insert_event(entry)
    if outcome is Outcome.ACCEPTED:
        vault.keep([event.applicant, event.agent], arrival.party, arrival.received_at, keys)
    else:
        _explain(entry, project)
    if event.status is ProjectStatus.FINISHED and not rated:
        _watch(entry, policy)
    # What is beyond these waits for the sweep, so that nobody can make an event take longer than a function may.
    for parked in waiting.parked(event.project_no, event.service_number)[:_ADMITTED_AT_ONCE]:
        with suppress(Unreadable):  # it stands in nobody's way; the sweep alarms
            admit_parked(parked, keys)
    return outcome


def _explain(entry: EventEntry, project: Project) -> None:
    """A reason for an overrun that was reported without one: it is put beside the event, whose facts stay as they are."""
    held = next((report for report in project.reports if report.key == entry.key), None)
    explained = Explained.of(entry)
    if explained and held and held.overrun_reason is None and entry.service_number not in project.explained:
        ledger.mark(explained.item(entry.project_no, entry.service_number))


def _watch(entry: EventEntry, policy: Policy) -> None:
    """Where policy invites or records defaults: comes back to the service when its time to be rated is over."""
    after = {"INVITE": policy.invite_after, "DEFAULT": policy.default_after}.get(policy.unrated_policy)
    if after and entry.finished_at:
        until = due(entry.finished_at, after, entry.region_code).at
        waiting.watch(waiting.Unrated(entry.project_no, entry.service_number), until)
