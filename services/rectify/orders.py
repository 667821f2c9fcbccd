"""What rectify decides on: what the system itself asks of a case, and commands of parties with who stands behind them."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from contract.codes import ActorRole, Clock, EscalationLevel, Role
from contract.commands import AnyCommand
from contract.identifiers import lies_within
from contract.ledger import RatingFacts
from contract.model import Model
from rectify.naming import case_id_of


class Routing(Model):
    """Where a case belongs: the unit (None: the region's own managing body, which nobody has registered), and who stands above, nearest
    first.

    Above a unit that is run by its region stand the managing bodies of the region and of the regions above it (a region code where none is
    registered); above one of a vertical line its parents (国办发〔2019〕51号, 二(一)).
    """

    unit: str | None = None
    above: tuple[str, ...] = ()


class Acting(Model):
    """Who acts: the registered party with its scope, and the person with the role, as granted.

    `organisation` is where the person belongs.
    """

    party: str
    party_role: Role
    regions: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    person: str
    role: ActorRole
    roles: tuple[ActorRole, ...] = ()
    organisation: str | None = None

    def reaches(self, region: str) -> bool:
        """Whether a region (12 digits) lies in the party's scope."""
        return lies_within(region, self.regions)

    def supervises(self, region: str, unit: str | None) -> bool:
        """Whether the cases of a unit in a region lie in the scope of a party that is no unit; a supervisor's organisations narrow it."""
        return self.reaches(region) and (self.party_role is not Role.SUPERVISOR or not self.organisations or unit in self.organisations)


class OpenCase(Model):
    """A bad rating was accepted: it gets its case."""

    order: Literal["OpenCase"] = "OpenCase"
    rating: RatingFacts
    receipt_sha256: str | None = None
    routing: Routing = Routing()

    @property
    def case_id(self) -> str:
        """Derived from the rating, so that a rating has one case however often it is announced."""
        return case_id_of(self.rating.rating_id)

    @property
    def command_id(self) -> str:
        """The same for every announcement."""
        return "open"


class TakeFollowUp(Model):
    """A bad follow-up (round 2) was accepted: it reopens the case of the first rating."""

    order: Literal["TakeFollowUp"] = "TakeFollowUp"
    case_id: str
    rating: RatingFacts

    @property
    def command_id(self) -> str:
        """One follow-up has one effect."""
        return f"follow-up#{self.rating.rating_id}"


class LateMonth(Model):
    """What is known of a unit in a month (`2026-11`): its late cases, and whether its head was called to a talk."""

    month: str
    cases: frozenset[str] = frozenset()
    called: bool = False


class PassStep(Model):
    """The sweep found that a clock has run out (`level` None), or that a step of its ladder has come.

    `late` is put in when it is decided.
    """

    order: Literal["PassStep"] = "PassStep"
    case_id: str
    clock: Clock
    due_at: AwareDatetime
    level: EscalationLevel | None = None
    late: LateMonth | None = None

    @property
    def command_id(self) -> str:
        """One step of one deadline: a second sweep has no second effect."""
        return f"step#{self.clock}#{self.level or 'overdue'}#{self.due_at.isoformat()}"


class Recount(Model):
    """The calendar is known better: the open deadlines of the case are worked out anew."""

    order: Literal["Recount"] = "Recount"
    case_id: str
    calendar: str

    @property
    def command_id(self) -> str:
        """Once for each calendar."""
        return f"calendar#{self.calendar}"


class Ordered(Model):
    """A command of a party. `to` is where it would move the case, if it would."""

    order: Literal["Ordered"] = "Ordered"
    command: AnyCommand
    acting: Acting
    to: Routing | None = None

    @property
    def case_id(self) -> str:
        """The case that it is about."""
        return self.command.case_id

    @property
    def command_id(self) -> str:
        """The party's own id of it, among those of this party."""
        return f"{self.acting.party}/{self.command.command_id}"


Order = OpenCase | TakeFollowUp | PassStep | Recount | Ordered
