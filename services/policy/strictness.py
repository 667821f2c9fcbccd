"""A lower level may only be stricter (国办发〔2019〕51号, 二(四)): checked when rules are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from policy.limits import longer
from policy.rules import TimeLimit

if TYPE_CHECKING:
    from policy.rules import Rules

_LOWER_IS_STRICTER = {"clock_skew_days"}
# How a place deals with its own stragglers; neither way is stricter.
_FREE = {
    "parked_window",
    "parked_policy",
    "invite_after",
    "invite_valid",
    "invite_channel",
    "default_level",
    "default_after",
    "opening_hours",
    "publish_after_days",
}
# What must be the same everywhere, or figures could not be pooled.
_FIXED = {"points", "signals"}
_SUBSET_IS_STRICTER = {"good_levels", "valid_provenances"}


class Laxer(NamedTuple):
    """A rule that is looser than the one above it."""

    field: str
    above: Any
    here: Any


def laxer(above: Rules, here: Rules) -> list[Laxer]:
    """Every rule of a level that is looser than what stands above it; empty if there is none."""
    upper, lower = above.fields_set(), here.fields_set()
    shared = [name for name in lower if name in upper and name not in _FREE]
    return [Laxer(name, upper[name], lower[name]) for name in shared if not _as_strict(name, upper[name], lower[name])]


def _as_strict(name: str, above: Any, here: Any) -> bool:
    if isinstance(above, TimeLimit):
        return not longer(here, above)
    if name == "unrated_policy":
        return bool(here != "DEFAULT" or above == "DEFAULT")
    if name in _FIXED:
        return bool(here == above)
    if name in _SUBSET_IS_STRICTER:
        return bool(here <= above)
    return bool(here <= above if name in _LOWER_IS_STRICTER else here >= above)
