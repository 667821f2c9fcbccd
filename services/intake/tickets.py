"""The one-time token of an invitation: what it says, and the case file that it is good for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from pydantic import AwareDatetime

from contract.codes import RatingChannel
from contract.model import Model
from contract.refusals import refuse
from intake import ledger
from intake.places import partition
from intake.sealing import LedgerKey

if TYPE_CHECKING:
    from intake.admission import Project
    from intake.sealing import Keys


class Ticket(Model):
    """What a token says: which service may be rated, through which channel, until when."""

    project_no: str
    service_number: int
    channel: RatingChannel
    expires_at: AwareDatetime

    def token(self, keys: Keys) -> str:
        """The token: as long as the case-file number asks for, the same for every telling."""
        return keys.token(LedgerKey(partition(self.project_no), f"{self.service_number}#{self.channel}#{int(self.expires_at.timestamp())}"))

    @classmethod
    def of(cls, token: str, keys: Keys) -> Self:
        """What a token seals. Raises NotOurs."""
        pk, held = keys.open_token(token)
        number, channel, until = held.split("#")
        return cls(
            project_no=pk.removeprefix(partition("")),
            service_number=int(number),
            channel=RatingChannel(channel),
            expires_at=datetime.fromtimestamp(int(until), UTC),
        )

    def project(self, now: datetime) -> Project:
        """The case file of the service, while the token is good. Raises Refused (`token_expired`)."""
        if now >= self.expires_at:
            raise refuse("token_expired")
        return ledger.project(self.project_no)
