"""A rating that has not met its service event: what a message said, without the person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from contract.codes import IdentityMode, Level, Provenance, RatingChannel, RatingKind
from contract.wire import digest
from intake.entries import Inward, said_of
from intake.places import key_of, rating_key, waiting_prefix
from intake.sealing import Keys, LedgerKey

if TYPE_CHECKING:
    from contract.arrival import Arrival
    from contract.messages import Rating


# Who speaks in a rating that no party sent; no party can be registered under such a name.
BY_INVITATION, BY_POLICY = "INVITATION", "POLICY"


class PendingRating(Inward):
    """What a rating of a service event says."""

    project_no: str
    service_number: int
    round: Literal[1, 2]
    kind: RatingKind
    level: Level
    tags: tuple[str, ...] = ()
    dict_version: str
    comment_length: int = 0
    provenance: Provenance
    rating_channel: RatingChannel
    device: str | None = None
    identity_mode: IdentityMode
    rating_id: str

    @classmethod
    def of(cls, rating: Rating, arrival: Arrival, keys: Keys) -> Self:
        """What a message says."""
        return cls(
            **rating.model_dump(include={"project_no", "service_number", "round", "kind", "device"}),
            **said_of(rating, arrival, keys),
            comment_length=len(rating.comment or ""),
            rating_id=keys.rating_id(key_of(rating, arrival.party)),
        )

    @property
    def waiting_key(self) -> LedgerKey:
        """The key in Waiting, by service, round and message."""
        prefix = waiting_prefix(rating_key(self.project_no, self.service_number, self.round))
        return LedgerKey(prefix.pk, prefix.sk + digest(self.message_id))
