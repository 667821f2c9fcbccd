"""Local rules: dated, per region, inherited nation -> province -> city -> county, each only stricter (domain handbook, 13)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_serializer, model_validator

from contract.codes import Level, Provenance, RatingChannel, TimeUnit
from contract.identifiers import ancestry
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class TimeLimit(Model):
    """A deadline's length: HOUR and DAY are natural, WORKDAY is statutory."""

    value: Annotated[int, Field(ge=0, le=366)]
    unit: Literal[TimeUnit.HOUR, TimeUnit.DAY, TimeUnit.WORKDAY]


class OpeningHours(Model):
    """When halls are open on working days: from the beginning of hour `opens` to that of hour `closes` (Asia/Shanghai)."""

    opens: Annotated[int, Field(ge=0, le=23)]
    closes: Annotated[int, Field(ge=1, le=24)]


class SignalRules(Model):
    """From what on the ratings of an organisation ask for a look (domain handbook, section 20). All values are ours, unconfirmed.

    A signal needs so many ratings (`…_n`) of which such a share (0 to 1) shows it. `burst_n` is of one terminal, or one window without, in
    one hour: a burst is `burst_times` the mean of its other hours, or more than `burst_possible`. `left_out_share` is how much of all
    its ratings a signal must cover before the adjusted figures do without the organisation.
    """

    same_tags_n: Annotated[int, Field(ge=1)] = 50
    same_tags_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    delay_n: Annotated[int, Field(ge=1)] = 100
    delay_share: Annotated[float, Field(gt=0, le=1)] = 0.95
    seconds_n: Annotated[int, Field(ge=1)] = 50
    seconds_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    burst_n: Annotated[int, Field(ge=1)] = 30
    burst_times: Annotated[float, Field(gt=1)] = 5
    burst_possible: Annotated[int, Field(ge=1)] = 120
    hours_n: Annotated[int, Field(ge=1)] = 50
    hours_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    pc_n: Annotated[int, Field(ge=1)] = 50
    pc_share: Annotated[float, Field(gt=0, le=1)] = 0.9
    claimed_n: Annotated[int, Field(ge=1)] = 50
    claimed_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    no_bad_n: Annotated[int, Field(ge=1)] = 10_000
    unknown_window_n: Annotated[int, Field(ge=1)] = 10
    left_out_share: Annotated[float, Field(gt=0, le=1)] = 0.5


class PointsMissing(ValueError):
    """A table of points names every level."""


class DefaultCounted(ValueError):
    """A default may be shown, and counts for nothing."""


class DefaultWithoutTerms(ValueError):
    """A policy that records defaults must say which level and after what time."""


class Rules(Model):
    """What one level sets. A field that is not set constrains nobody.

    What becomes of an unrated service is `unrated_policy` (domain handbook, section 10): NONE, INVITE (`invite_after` its end, by
    `invite_channel`, with a link that is good for `invite_valid`) or DEFAULT (`default_level` after `default_after`). A rating whose
    service event does not come within `parked_window` is refused, or accepted without it (`parked_policy`). `valid_provenances` are those
    of the headline rates, `points` those of the mean, per level; a period is published `publish_after_days` natural days after its end.
    Rankings go by intervals at `confidence`; `signals` say when ratings look made up.
    """

    first_contact: TimeLimit | None = None
    rectify_simple: TimeLimit | None = None
    rectify_complex: TimeLimit | None = None
    good_levels: frozenset[Level] | None = None
    min_n: Annotated[int, Field(ge=1)] | None = None
    max_text_length: Annotated[int, Field(ge=1)] | None = None
    clock_skew_days: Annotated[int, Field(ge=0)] | None = None
    parked_window: TimeLimit | None = None
    parked_policy: Literal["REFUSE", "ACCEPT_UNLINKED"] | None = None
    unrated_policy: Literal["NONE", "INVITE", "DEFAULT"] | None = None
    invite_after: TimeLimit | None = None
    invite_valid: TimeLimit | None = None
    invite_channel: RatingChannel | None = None
    default_level: Level | None = None
    default_after: TimeLimit | None = None
    follow_up_ratings: Annotated[int, Field(ge=0, le=1)] | None = None
    callback_sample_per_mille: Annotated[int, Field(ge=0, le=1000)] | None = None
    valid_provenances: Annotated[frozenset[Provenance], Field(min_length=1)] | None = None
    points: dict[Level, Annotated[int, Field(ge=0, le=100)]] | None = None
    opening_hours: OpeningHours | None = None
    publish_after_days: Annotated[int, Field(ge=0, le=60)] | None = None
    signals: SignalRules | None = None
    confidence: Annotated[float, Field(ge=0.5, lt=1)] | None = None

    @model_validator(mode="after")
    def _a_default_says_which_and_when(self) -> Self:
        if self.unrated_policy == "DEFAULT" and not (self.default_level and self.default_after):
            raise DefaultWithoutTerms("unrated_policy DEFAULT needs default_level and default_after")
        return self

    @model_validator(mode="after")
    def _points_of_every_level(self) -> Self:
        if self.points is not None and set(self.points) != set(Level):
            raise PointsMissing("points needs a value for each of the five levels")
        if self.valid_provenances and Provenance.DEFAULT in self.valid_provenances:
            raise DefaultCounted("a default is nobody's rating and is never valid")
        return self

    @field_serializer("good_levels", "valid_provenances", when_used="json")
    def _in_one_order(self, value: frozenset[str] | None) -> list[str] | None:
        # A set has no order, and a record that is loaded again must be the same text.
        return sorted(value) if value is not None else None

    def fields_set(self) -> dict[str, Any]:
        """The rules that this level sets, by name."""
        return {name: value for name, value in self if value is not None}


class DatedRules(Model):
    """The rules of one region from a date on, until its next ones."""

    region: str
    valid_from: date
    rules: Rules

    @property
    def version(self) -> str:
        """How a record that was judged by these rules names them."""
        return f"{self.region}@{self.valid_from}"


class Policy(Model):
    """The rules in force somewhere on a day. Values that no level sets are ours (domain handbook, section 22).

    A deadline that no level sets is None: there is then no such clock.
    """

    version: str
    first_contact: TimeLimit | None = None
    rectify_simple: TimeLimit | None = None
    rectify_complex: TimeLimit | None = None
    good_levels: frozenset[Level] = frozenset({Level.VERY_SATISFIED, Level.SATISFIED, Level.BASICALLY_SATISFIED})
    min_n: int = 10
    max_text_length: int = 1000
    clock_skew_days: int = 7
    parked_window: TimeLimit = TimeLimit(value=3, unit=TimeUnit.DAY)
    parked_policy: Literal["REFUSE", "ACCEPT_UNLINKED"] = "REFUSE"
    unrated_policy: Literal["NONE", "INVITE", "DEFAULT"] = "NONE"
    invite_after: TimeLimit = TimeLimit(value=3, unit=TimeUnit.DAY)
    invite_valid: TimeLimit = TimeLimit(value=7, unit=TimeUnit.DAY)
    invite_channel: RatingChannel = RatingChannel.SMS
    default_level: Level | None = None
    default_after: TimeLimit | None = None
    follow_up_ratings: int = 1
    callback_sample_per_mille: int = 0
    valid_provenances: frozenset[Provenance] = frozenset({Provenance.SELF_ONLINE, Provenance.SELF_DEVICE})
    points: dict[Level, int] | None = None
    opening_hours: OpeningHours = OpeningHours(opens=8, closes=18)
    publish_after_days: int = 3
    signals: SignalRules = SignalRules()
    confidence: float = 0.95


def layers(dated: Iterable[DatedRules | Mapping[str, Any]], region: str, on: date) -> list[DatedRules]:
    """The rules that apply to a region (12 digits) on a day (Asia/Shanghai), from the nation down."""
    known = [DatedRules.model_validate(entry) for entry in dated]
    chain = []
    for code in ancestry(region):
        current = [entry for entry in known if entry.region == code and entry.valid_from <= on]
        chain += [max(current, key=lambda entry: entry.valid_from)] if current else []
    return chain


def in_force(dated: Iterable[DatedRules | Mapping[str, Any]], region: str, on: date) -> Policy:
    """The policy of a region (12 digits) on a day (Asia/Shanghai): the lower level's value where it sets one.

    Rules may come as they are registered (`region`, `valid_from`, `rules`). Raises ValidationError for rules that are none.
    """
    chain = layers(dated, region, on)
    merged: dict[str, Any] = {}
    for layer in chain:
        merged |= layer.rules.fields_set()
    return Policy(version=" ".join(layer.version for layer in chain) or "default", **merged)
