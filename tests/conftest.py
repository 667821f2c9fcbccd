"""The environment of every test: no account, no region of yours, no socket beyond loopback. moto is imported before any client is made."""

from __future__ import annotations

import os

for name in [name for name in os.environ if name.startswith(("AWS_", "HAOCHAPING_"))]:
    del os.environ[name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "cn-north-1",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "POWERTOOLS_METRICS_NAMESPACE": "Haochaping",
    "POWERTOOLS_LOG_LEVEL": "WARNING",
    "AWS_LAMBDA_FUNCTION_NAME": "test",
}

import moto  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from bed import Bed, be_local  # noqa: E402

_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
settings.register_profile("quick", _UNHURRIED, max_examples=25)
settings.register_profile("thorough", _UNHURRIED, max_examples=40)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


_mock = moto.mock_aws()
_made: list[Bed] = []


@pytest.fixture
def bed():
    """A fresh province in moto: tables, queues, bus and rules as the template has them, registries loaded."""
    _mock.start(reset=not _made)
    try:
        if _made:
            _made[0].start_afresh()
        else:
            _made.append(Bed())
        yield _made[0]
    finally:
        _mock.stop(remove_data=False)


@pytest.fixture
def later(monkeypatch):
    """Moves the one clock: `later(days=3)` is three days from now."""
    from datetime import UTC, datetime, timedelta

    def move(**much: float) -> None:
        monkeypatch.setattr("cloud.clock.now", lambda: datetime.now(UTC) + timedelta(**much))

    return move


@pytest.fixture
def loopback(bed, monkeypatch):
    """The province as a local stack, whose calls may go to this machine."""
    be_local(monkeypatch)
    return bed


@pytest.fixture
def receiver():
    """A subscriber on this machine."""
    from haochaping.demo.receiver import Receiver

    with Receiver() as running:
        yield running
