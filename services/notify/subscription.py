"""A subscription: which events a party asks for, and where they go. Pure."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from contract.codes import Role, Severity, SubscriptionKind
from contract.events import EVENTS, TO_ONE
from contract.identifiers import PartyId, RegionCode, Uscc
from contract.model import Model
from notify.delivery import Forbidden, check_url
from notify.retrying import CLOSED, Circuit

KINDS = tuple(name for name, event in EVENTS.items() if event not in TO_ONE)
"""The events that a subscriber may ask for."""

_ARN_PARTS = 6
_SERVICE = {SubscriptionKind.QUEUE: "sqs", SubscriptionKind.EVENT_BUS: "events"}
_MOST = 100


class Scope(NamedTuple):
    """A party, as far as it matters for what it may know."""

    party: str
    role: Role
    regions: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()


class Where(NamedTuple):
    """Of which stack a subscription is, and in which region of AWS: what its addresses are checked against."""

    stack: str
    region: str
    loopback_allowed: bool = False


class Asked(Model):
    """What a subscriber wants, and where it goes. What it leaves open is everything within the scope of its party.

    `types` are names of result events; `severity` is the least that is told. `target` is an https URL (WEBHOOK), or the ARN of a queue or
    of an event bus. With `in_order` the events of one case come one after the other: a later one waits until the earlier was taken.
    A `paused` one is told nothing and can be replayed to.
    """

    id: PartyId
    kind: SubscriptionKind = SubscriptionKind.WEBHOOK
    target: Annotated[str, Field(min_length=1, max_length=2_000)]
    types: Annotated[tuple[str, ...], Field(max_length=_MOST)] = ()
    regions: Annotated[tuple[RegionCode, ...], Field(max_length=_MOST)] = ()
    organisations: Annotated[tuple[Uscc, ...], Field(max_length=_MOST)] = ()
    severity: Severity = Severity.INFO
    in_order: bool = False
    paused: bool = False

    @field_validator("types")
    @classmethod
    def _are_events(cls, types: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in types if name not in KINDS]:
            raise PydanticCustomError("unknown_code", "no such event", {"expected": f"names of result events, not {len(unknown)} others"})
        return types

    @field_validator("target")
    @classmethod
    def _may_be_sent_to(cls, target: str, info: ValidationInfo) -> str:
        where = info.context
        if isinstance(where, Where) and not _is_reachable(info.data.get("kind"), target, where):
            raise PydanticCustomError("bad_target", "no address of this kind that may be sent to")
        return target


def _is_reachable(kind: Any, target: str, where: Where) -> bool:
    if kind in _SERVICE:
        return _is_reply_arn(_SERVICE[kind], target, where)
    try:
        check_url(target, loopback_allowed=where.loopback_allowed)
    except Forbidden:
        return False
    return True


def _is_reply_arn(service: str, arn: str, where: Where) -> bool:
    parts = arn.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS or parts[0] != "arn" or parts[2:4] != [service, where.region] or not parts[4].isdigit():
        return False
    name = parts[5].removeprefix("event-bus/") if service == "events" else parts[5]
    return (service == "sqs" or parts[5].startswith("event-bus/")) and name.startswith(f"{where.stack}-reply-")


class Replay(Model):
    """What is sent once more to one subscriber: everything in the feed from a cursor to where the feed stood when it was asked for."""

    cursor: str
    until: str


class Subscription(Asked):
    """A subscription as it stands: whose it is, how it does, and what is being replayed to it."""

    party: PartyId
    circuit: Circuit = CLOSED
    replay: Replay | None = None

    @property
    def asked(self) -> Asked:
        """What was asked for."""
        return Asked.model_validate(self.model_dump(include=set(Asked.model_fields)))
