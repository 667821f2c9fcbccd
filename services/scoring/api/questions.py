"""What a request for figures asks: node, period, indicator, read from a path and its parameters. Pure.

Everything is checked for its form alone, so that what is refused here says nothing of what there is.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from contract.codes import RatingChannel, ServiceChannel
from contract.identifiers import UNSEEN, USCC_ALPHABET
from contract.refusals import refuse
from scoring.figures.indicators import INDICATORS
from scoring.nodes import OF_AN_ORGANISATION, REGIONS, Node, region_kind
from scoring.period import NoPeriod, Period

_YEARS = range(2000, 2100)
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")

_REGION = r"[1-9][0-9]{11}"
_USCC = rf"[{USCC_ALPHABET}]{{18}}"
_CODE = rf"[^\s{UNSEEN}\ud800-\udfff]{{1,40}}"
_REFERENCE = r"v[0-9]+:[A-Za-z0-9_-]{1,64}"
_IDS = {
    **dict.fromkeys(REGIONS, _REGION),
    "base": r"[0-9A-Z]{12}",
    "platform": _CODE,
    "channel": "|".join(RatingChannel),
    "service_channel": "|".join(ServiceChannel),
    "organisation": _USCC,
    "item": rf"{_USCC}[1-7][0-9A-Z]{{12}}",
    # A member of staff who sits at no window stands among the windows, under the reference.
    "window": rf"{_USCC}#(?!{_REFERENCE}$){_CODE}",
    "staff": rf"{_USCC}#{_REFERENCE}",
}
# Whose members are ranked beside each other: those of a region, of an organisation, or the same item everywhere.
_OWNERS = {"organisation": "region", "region": "region", "base": "base", **dict.fromkeys(OF_AN_ORGANISATION, "organisation")}


def node(kind: str, id: str, code: str = "") -> Node:
    """The node of a path `<kind>/<id>` or `<kind>/<id>/<code>`, percent-encoded. Raises Refused (`unknown_node`)."""
    named = "#".join(unquote(part) for part in (id, code) if part)
    if not re.fullmatch(_IDS.get(kind, "(?!)"), named) or (kind in REGIONS and region_kind(named) != kind):
        raise refuse("unknown_node")
    return Node.of(f"{kind}#{named}")


def owner(kind: str, of: str) -> Node:
    """The node to which siblings of a kind belong. Raises Refused (`unknown_node`)."""
    if kind not in _OWNERS:
        raise refuse("unknown_node", "kind", ", ".join(_OWNERS))
    if _OWNERS[kind] != "region":
        return node(_OWNERS[kind], of)
    if not re.fullmatch(_REGION, of):
        raise refuse("unknown_node", "of")
    return Node(region_kind(of), of)


def covered(kind: str, id: str) -> Node:
    """A region or an organisation, of which there is a coverage. Raises Refused (`unknown_node`)."""
    if kind not in {*REGIONS, "organisation"}:
        raise refuse("unknown_node", "kind", ", ".join((*REGIONS, "organisation")))
    return node(kind, id)


def sibling(kind: str, owner: Node, id: str) -> Node:
    """The node of one of the siblings of a kind (`scoring.figures.siblings`)."""
    if kind == "region":
        return Node(region_kind(id), id)
    if kind in {"window", "staff"}:
        return Node(kind, f"{owner.id}#{id}")
    return Node.of(f"{'organisation' if kind == 'organisation' else 'item'}#{id}")


def period(name: str) -> Period:
    """The period of this name, in this century. Raises Refused (`bad_period`)."""
    try:
        found = Period.of(name)
    except NoPeriod:
        raise refuse("bad_period", "period") from None
    if found.first.year not in _YEARS:
        raise refuse("bad_period", "period")
    return found


def month(asked: Period) -> Period:
    """The period itself. Raises Refused (`bad_period`) unless it is a month."""
    if not _MONTH.fullmatch(asked.name):
        raise refuse("bad_period", "period", "2026-11")
    return asked


def indicator(name: str) -> str:
    """The name itself, 好评率 where none is given. Raises Refused (`unknown_indicator`)."""
    if name and name not in INDICATORS:
        raise refuse("unknown_indicator", "indicator", ", ".join(INDICATORS))
    return name or "good_rate"


def is_by_day(by: str) -> bool:
    """Whether figures are wanted day by day. Raises Refused (`unknown_code`) for any other division."""
    if by not in {"", "day"}:
        raise refuse("unknown_code", "by", "day")
    return by == "day"


def region(code: str) -> str:
    """The 12-digit code itself. Raises Refused (`bad_region_code`)."""
    if not re.fullmatch(_REGION, code):
        raise refuse("bad_region_code", "region", "330000000000")
    return code


def revision(number: str) -> int | None:
    """The number of a revision, None where none is named. Raises Refused (`malformed_field`)."""
    if not re.fullmatch(r"[1-9][0-9]{0,2}|", number):
        raise refuse("malformed_field", "revision", "1, 2, …")
    return int(number) if number else None
