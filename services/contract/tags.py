"""评价详情: the versioned national dictionary of reasons. A tag is retired, never deleted; no place may add one."""

from __future__ import annotations

from functools import cache

from contract import codes
from contract.model import Model


class Tag(Model):
    """One entry; the first digit of the code is the rank of the level it belongs to."""

    code: str
    zh: str
    active: bool
    shown_first: bool

    def belongs_to(self, level: codes.Level) -> bool:
        """True if the tag is one of this level's."""
        return self.code[0] == str(level.rank)


@cache
def dictionary() -> dict[str, Tag]:
    """Every tag by its code, retired ones included."""
    return {entry["code"]: Tag.model_validate(entry) for entry in codes.data()["tags"]["entries"]}


def version() -> str:
    """The version of the dictionary in force."""
    return str(codes.data()["tags"]["dictionary_version"])


def offered(level: codes.Level) -> list[str]:
    """Codes that a new rating of this level may use."""
    return sorted(tag.code for tag in dictionary().values() if tag.active and tag.belongs_to(level))
