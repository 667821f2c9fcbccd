"""To whom is reported: the levels above that Registry names, each with its profile and its secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cloud import registry, secrets
from notify.upward import profile as profiles

if TYPE_CHECKING:
    from datetime import date

    from cloud.registry import Upstream
    from notify.upward.profile import UpstreamProfile


class Misconfigured(Exception):
    """It cannot be reported to this level above as it is registered; the text says what is missing."""


class Target(NamedTuple):
    """A level above, and how it is spoken to."""

    upstream: Upstream
    profile: UpstreamProfile
    secret: dict[str, str]


def of(upstream: Upstream) -> Target:
    """The level above with what it takes. Raises Misconfigured."""
    profile = profile_of(upstream)
    secret = secrets.upstream(upstream.id)
    if lacking := [name for name in profile.envelope.secrets if not secret.get(name)]:
        raise Misconfigured(f"secret:{','.join(lacking)}")
    return Target(upstream, profile, secret)


def profile_of(upstream: Upstream) -> UpstreamProfile:
    """The profile of a level above. Raises Misconfigured."""
    try:
        return profiles.load(upstream.profile)
    except (FileNotFoundError, ValueError) as error:
        raise Misconfigured(f"profile:{upstream.profile}") from error


def find(id: str, on: date) -> Upstream | None:
    """The level above of this id, None if none is registered on that day."""
    return next((upstream for upstream in registry.upstreams(on) if upstream.id == id), None)
