"""Where things are in the Ledger: the keys of its entries (design, section 5). Pure.

`P#<case file>`: `E#nn#status` service event, `R#nn#round` rating, `D#nn` default, `A#nn#round` answered, `X#nn#round#k` excluded (k odd)
or restored (k even), `I#nn` invitation, `O#nn` a reason for an overrun that came later. `G#<object>` and `S#<survey>`:
`R#<party>/<reference>` a rating that is bound to no service event, with its `A#` and `X#` likewise; `S#<survey>`: `DRAW` and
`C#<seed>#<event_ref>` a drawn sample.
"""

from __future__ import annotations

from contract.codes import ProjectStatus, Provenance
from contract.messages import GeneralRating, Rating, Said, ServiceEvent, SupervisoryRating
from intake.sealing import LedgerKey


def partition(project_no: str) -> str:
    """The partition of a case file, in the Ledger and in Waiting."""
    return f"P#{project_no}"


def event_key(project_no: str, service_number: int, status: ProjectStatus) -> LedgerKey:
    """A service event as reported at one status."""
    return LedgerKey(partition(project_no), f"E#{service_number:02}#{list(ProjectStatus).index(status) + 1}")


def service_key(project_no: str, service_number: int) -> LedgerKey:
    """What an `event_ref` seals: the service event at whatever status."""
    return LedgerKey(partition(project_no), f"E#{service_number:02}")


def rating_key(project_no: str, service_number: int, round: int) -> LedgerKey:
    """A rating: one service, one rating per round."""
    return LedgerKey(partition(project_no), f"R#{service_number:02}#{round}")


def default_key(project_no: str, service_number: int) -> LedgerKey:
    """A default: never in the place of a rating, so that it cannot stand in the way of a real one (design, 6.2)."""
    return LedgerKey(partition(project_no), f"D#{service_number:02}")


def survey_partition(survey: str) -> str:
    """The partition of a supervisory check: its drawn sample and its answers."""
    return f"S#{survey}"


def freestanding_key(message: GeneralRating | SupervisoryRating, party: str) -> LedgerKey:
    """A rating that is bound to no service event, by the party's own name of it."""
    if isinstance(message, SupervisoryRating):
        pk = survey_partition(message.survey.id)
    else:
        named = message.object
        pk = "#".join(part for part in ("G", named.type, named.organisation, named.id) if part)
    return LedgerKey(pk, f"R#{party}/{message.reference}")


def key_of(message: Said, party: str) -> LedgerKey:
    """The Ledger key of a canonical message, which is also what its receipt seals."""
    if isinstance(message, ServiceEvent):
        return event_key(message.project_no, message.service_number, message.status)
    if isinstance(message, Rating):
        if message.provenance is Provenance.DEFAULT:
            return default_key(message.project_no, message.service_number)
        return rating_key(message.project_no, message.service_number, message.round)
    return freestanding_key(message, party)


def answered_key(rating: LedgerKey) -> LedgerKey:
    """That the rater of this rating has an answer."""
    return LedgerKey(rating.pk, "A" + rating.sk.removeprefix("R"))


def exclusion_key(rating: LedgerKey, turn: int) -> LedgerKey:
    """That the rating was excluded (an odd turn) or restored (an even one)."""
    return LedgerKey(rating.pk, f"X{rating.sk.removeprefix('R')}#{turn}")


def invitation_key(project_no: str, service_number: int) -> LedgerKey:
    """The invitation to rate a service event: it has one at most."""
    return LedgerKey(partition(project_no), f"I#{service_number:02}")


def explanation_key(project_no: str, service_number: int) -> LedgerKey:
    """The reason for an overrun of a service event that came later."""
    return LedgerKey(partition(project_no), f"O#{service_number:02}")


def service_of(key: LedgerKey) -> tuple[str, int]:
    """The case-file number and the service number of a key within a case file."""
    return key.pk.removeprefix(partition("")), int(key.sk.split("#")[1])


def waiting_prefix(key: LedgerKey) -> LedgerKey:
    """Under what ratings with this Ledger key are parked: each message by itself, so that none stands in another's way."""
    return LedgerKey(key.pk, key.sk.partition("#")[2] + "#")
