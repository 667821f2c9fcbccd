"""When a delivery is tried again, when it is given up, and when a subscriber counts as down. Pure."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

from contract.model import Model

GIVEN_UP_AFTER = timedelta(hours=96)
"""How long an event is tried: a subscriber that is down for three days loses nothing, and has a day to catch up."""

_FIRST, _LONGEST = timedelta(minutes=1), timedelta(hours=6)
_DOUBLED = 12  # so often a wait is doubled at most: far beyond every longest one, and no number grows without end
# From so many failures in a row, over at least this long, a subscriber is down: a burst of one bad second is none.
_IN_A_ROW, _OVER = 10, timedelta(minutes=1)
_PROBED_FIRST, _PROBED_LONGEST = timedelta(minutes=1), timedelta(minutes=15)


class Circuit(Model):
    """How a subscriber does: failures in a row and since when; and if it counts as down (`opened_at`), when it is probed next."""

    failures: int = 0
    failing_since: datetime | None = None
    opened_at: datetime | None = None
    probe_at: datetime | None = None
    probes: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the subscriber counts as down: nothing but a probe is sent."""
        return self.opened_at is not None


CLOSED = Circuit()


def growing(first: timedelta, times: int, longest: timedelta) -> timedelta:
    """A wait that is twice as long each time (`times` from 0), and never longer than the longest."""
    return min(first * (1 << min(times, _DOUBLED)), longest)


def after_failure(circuit: Circuit, now: datetime) -> Circuit:
    """The circuit after a delivery, or a probe, that was not taken."""
    since = circuit.failing_since or now
    failures = circuit.failures + 1
    if circuit.opened_at:
        wait = growing(_PROBED_FIRST, circuit.probes, _PROBED_LONGEST)
        return circuit.model_copy(update={"failures": failures, "probes": circuit.probes + 1, "probe_at": now + wait})
    opens = failures >= _IN_A_ROW and now - since >= _OVER
    opened = {"opened_at": now, "probe_at": now + _PROBED_FIRST} if opens else {}
    return circuit.model_copy(update={"failures": failures, "failing_since": since, **opened})


def next_try(event_id: str, tries: int, now: datetime) -> datetime:
    """When an event that was tried so often (1 and more) is tried next: twice as long each time, and not all events at once."""
    wait = growing(_FIRST, tries - 1, _LONGEST)
    return now + wait * (1 + zlib.crc32(event_id.encode()) % 100 / 500)


def is_given_up(first_at: datetime, now: datetime) -> bool:
    """Whether an event was tried for long enough."""
    return now - first_at >= GIVEN_UP_AFTER
