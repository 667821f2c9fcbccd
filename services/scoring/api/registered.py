"""What Registry says of a node: where it lies, what it is called, and by which policy it is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import registry
from cloud.settings import settings
from contract.codes import RatingChannel, ServiceChannel
from contract.identifiers import BASE_CODE
from policy.rules import in_force
from policy.screening import screened
from scoring.api.access import Place
from scoring.nodes import REGIONS

if TYPE_CHECKING:
    from datetime import date

    from policy.rules import Policy
    from scoring.nodes import Node


def place_of(node: Node, on: date) -> Place:
    """Where a node lies on a day (Asia/Shanghai); what lies nowhere in particular lies in the province."""
    if node.kind in REGIONS:
        return Place(node.id)
    if node.organisation:
        known = registry.find("organisation", node.organisation, on) or {}
        return Place(known.get("region_code", ""), node.organisation, known.get("sector", ""))
    platform = registry.find("platform", node.id, on) if node.kind == "platform" else None
    return Place(platform["region_code"], platform["organisation"]) if platform else Place(settings().province)


def policy_of(node: Node, today: date, day: date) -> Policy:
    """The policy of a day where the node lies today."""
    region = place_of(node, today).region or settings().province
    return in_force(registry.rules(region), region, day)


def names_of(node: Node, on: date) -> dict[str, str]:
    """What a node is called (`zh`, `en`): what nobody has named is called by its code, and a member of staff by nothing else."""
    if node.kind in {"channel", "service_channel"}:
        channel = RatingChannel(node.id) if node.kind == "channel" else ServiceChannel(node.id)
        return {"zh": channel.zh, "en": channel.en}
    known = next(filter(None, (registry.find(kind, id, on) for kind, id in _registered_as(node))), None)
    code = node.part or node.id
    return {name: screened(known.get(name, "")) for name in ("zh", "en")} if known else {"zh": code, "en": code}


def _registered_as(node: Node) -> list[tuple[str, str]]:
    if node.kind == "staff":
        return []
    if node.kind == "item":
        return [("base_item", node.part[BASE_CODE]), ("item", node.part)]
    return [("base_item" if node.kind == "base" else "region" if node.kind in REGIONS else node.kind, node.id)]
