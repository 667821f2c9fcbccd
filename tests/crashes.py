"""What befalls the services on the model of AWS: it crashes when told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from haochaping.measure.model import Model


class Crash(Exception):
    """The function dies: before a call takes effect, or after it, when nobody hears the answer."""


def at_call(number: int, act: Callable[[], None]) -> Callable[[str], None]:
    """A hook of the model that acts once, at the n-th call."""
    calls = iter(range(1, 10**9))

    def hook(_: str) -> None:
        if next(calls) == number:
            act()

    return hook


def die() -> None:
    raise Crash


def quiet(model: Model) -> None:
    """Takes the hooks out."""
    model.before = model.after = lambda _: None
