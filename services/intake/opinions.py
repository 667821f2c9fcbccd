"""What a bad rating says, for whoever has to put it right: bound to the purpose, recorded, and never who said it (domain handbook, 18)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud.settings import settings
from cloud.table import get
from contract.codes import IdentityMode, Level, RevealPurpose, Role
from contract.messages import Code
from contract.model import Model
from contract.refusals import refuse
from intake import vault
from intake.revealing import person_of
from intake.sealing import NotOurs
from policy.screening import screened

if TYPE_CHECKING:
    from cloud.registry import Party
    from intake.sealing import Keys


class Wanted(Model):
    """Which rating, and who asks, as the asking party knows the person."""

    rating_id: str
    by: Code


class Opinion(Model):
    """The text of a bad rating, screened; of a real-name one also the case file, by which the unit finds the service in its own system."""

    comment: str | None = None
    project_no: str | None = None
    service_number: int | None = None


def opinion(wanted: Wanted, party: Party, keys: Keys) -> Opinion:
    """What a unit may read of a bad rating of its own service, and a supervisor within its scope.

    Of a real-name rating the reading is recorded before it is answered, and its rater sees it. Raises Refused (`out_of_scope`), alike
    whether there is such a rating or not.
    """
    entry = _entry(wanted.rating_id, keys)
    if not entry or not Level(entry["level"]).is_bad or not _may_see(party, entry):
        raise refuse("out_of_scope", "rating_id")
    said = {"comment": screened(keys.open(entry["comment"])) if "comment" in entry else None}
    if entry["identity_mode"] == IdentityMode.REAL_NAME:
        said |= {name: entry.get(name) for name in ("project_no", "service_number")}
        if pseudonym := person_of(entry):
            vault.note_reading(pseudonym, RevealPurpose.RECTIFICATION, f"{party.id}/{wanted.by}")
    return Opinion.model_validate(said)


def _entry(rating_id: str, keys: Keys) -> dict[str, Any]:
    try:
        key = keys.open_rating_id(rating_id)
    except NotOurs:
        return {}
    return get(settings().ledger_table, key._asdict()) or {}


def _may_see(party: Party, entry: dict[str, Any]) -> bool:
    organisation = entry.get("organisation")
    if party.role is Role.UNIT:
        return organisation in party.organisations
    return party.role is Role.SUPERVISOR and party.may_speak_for(entry["region_code"], organisation)
