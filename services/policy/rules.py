"""Local rules: dated, per region, inherited nation -> province -> city -> county, each only stricter (domain handbook, 13)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_serializer, field_validator, model_validator

from contract.codes import ActorRole, EscalationLevel, Language, Level, Provenance, RatingChannel, TimeUnit
from contract.identifiers import ancestry
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


StartRule = Literal["FROM_FACT", "FROM_OFFICE_HOURS"]
"""What becomes of a fact after hours or on a rest day: it starts its clock there and then, or with the next opening of the offices."""


class NeverOpen(ValueError):
    """Offices that close before they open: no working hour would ever pass."""


class NotOfACase(ValueError):
    """What waits outside a case waits in natural hours, natural days or working days, from its fact."""


class TooFewTries(ValueError):
    """Tries on more days than there are tries."""


class RungWithoutTime(ValueError):
    """A step of the ladder says when, in one way."""


class RungTwice(ValueError):
    """A ladder addresses each level once."""


class PointsMissing(ValueError):
    """A table of points names every level."""


class DefaultCounted(ValueError):
    """A default may be shown, and counts for nothing."""


class DefaultWithoutTerms(ValueError):
    """A policy that records defaults must say which level and after what time."""


class TimeLimit(Model):
    """A deadline's length: HOUR and DAY are natural, WORKDAY is statutory, WORKHOUR an hour of the policy's `opening_hours` on one.

    `start` is its own start rule, where it differs from the policy's `clock_start_rule` (domain handbook, sections 13 and 15).
    """

    value: Annotated[int, Field(ge=0, le=366)]
    unit: Literal[TimeUnit.HOUR, TimeUnit.WORKHOUR, TimeUnit.DAY, TimeUnit.WORKDAY]
    start: StartRule | None = None


def _outside_cases(limit: TimeLimit) -> TimeLimit:
    if limit.unit is TimeUnit.WORKHOUR or limit.start:
        raise NotOfACase("只用 HOUR、DAY、WORKDAY，不写 start HOUR, DAY or WORKDAY, and no start")
    return limit


Wait = Annotated[TimeLimit, AfterValidator(_outside_cases)]
"""How long something waits that is no clock of a case."""


class OpeningHours(Model):
    """When halls are open on working days: from the beginning of hour `opens` to that of hour `closes` (Asia/Shanghai)."""

    opens: Annotated[int, Field(ge=0, le=23)]
    closes: Annotated[int, Field(ge=1, le=24)]

    @model_validator(mode="after")
    def _are_open(self) -> Self:
        if self.opens >= self.closes:
            raise NeverOpen("opens 须早于 closes opens must be before closes")
        return self


class QuietHours(Model):
    """When nobody is sent a message: from the beginning of hour `begins` to that of hour `ends` (Asia/Shanghai), over midnight if it ends
    first; equal hours mean never."""

    begins: Annotated[int, Field(ge=0, le=23)]
    ends: Annotated[int, Field(ge=0, le=23)]


OFFICE_HOURS = OpeningHours(opens=8, closes=18)
"""Where no level sets them. Ours, unconfirmed."""


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


class Extension(Model):
    """延期: how often a case may get a later date, by how much at most, and who grants it (domain handbook, section 17.3).

    No unit grants its own (section 17.4).
    """

    max_count: Annotated[int, Field(ge=0, le=9)]
    value: Annotated[int, Field(ge=1, le=366)]
    unit: Literal[TimeUnit.DAY, TimeUnit.WORKDAY]
    approver_role: Literal[ActorRole.SUPERVISOR, ActorRole.REVIEWER] = ActorRole.SUPERVISOR


class Appeal(Model):
    """申诉复核: until when after the verification a unit may appeal (None: until the reply), within what it is decided and by whom.

    A unit may appeal `max_rounds` times; `pauses_rectify` stops the clocks of the unit meanwhile. All of it is unconfirmed (section 22).
    """

    window: TimeLimit | None = None
    decide: TimeLimit
    reviewer_role: Literal[ActorRole.REVIEWER, ActorRole.SUPERVISOR] = ActorRole.REVIEWER
    max_rounds: Annotated[int, Field(ge=0, le=9)] = 1
    pauses_rectify: bool = False


class Tries(Model):
    """From how many tries, on how many days (Asia/Shanghai), a rater counts as not reached."""

    min_tries: Annotated[int, Field(ge=1, le=20)]
    min_days: Annotated[int, Field(ge=1, le=20)]

    @model_validator(mode="after")
    def _a_day_has_a_try(self) -> Self:
        if self.min_days > self.min_tries:
            raise TooFewTries("min_days 不能大于 min_tries min_days cannot be more than min_tries")
        return self


class Rung(Model):
    """A step of the ladder: whom it addresses, and when: at a `share` of the limit, or so long `after` the deadline (0: as it passes).

    It comes in office hours: what falls outside waits for the next opening.
    """

    level: EscalationLevel
    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    after: TimeLimit | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.share is None) == (self.after is None):
            raise RungWithoutTime("share 与 after 须且只能写一个 either share or after, not both")
        return self


class Rules(Model):
    """What one level sets. A field that is not set constrains nobody.

    What becomes of an unrated service is `unrated_policy` (domain handbook, section 10): NONE, INVITE (`invite_after` its end, by
    `invite_channel`, with a link that is good for `invite_valid`) or DEFAULT (`default_level` after `default_after`). A rating whose
    service event does not come within `parked_window` is refused, or accepted without it (`parked_policy`). `valid_provenances` are those
    of the headline rates, `points` those of the mean, per level; a period is published `publish_after_days` natural days after its end.
    Rankings go by intervals at `confidence`; `signals` say when ratings look made up.

    People are told nothing in `quiet_hours`, and otherwise in `message_language`. The feed keeps `feed_days` natural days at hand, and what
    is older in its archive.

    Of cases: `first_contact`, `verify`, the two tracks of rectifying, and `reply` run from the receipt of the rating (those of rectifying
    from the verification where `rectify_from` says so), `post_rectify_callback` from the reply, `supervise` from the moment in which a
    case comes before the supervisor; a case is reopened `max_reopenings` times before that. An action names `min_evidence` references at
    least. `escalation` is the ladder of each clock; with `interview_after` late cases in a month the head of the unit is called to a talk
    (约谈).
    """

    first_contact: TimeLimit | None = None
    verify: TimeLimit | None = None
    rectify_simple: TimeLimit | None = None
    rectify_complex: TimeLimit | None = None
    rectify_from: Literal["RECEIVED", "VERIFIED"] | None = None
    reply: TimeLimit | None = None
    post_rectify_callback: TimeLimit | None = None
    supervise: TimeLimit | None = None
    clock_start_rule: StartRule | None = None
    extension: Extension | None = None
    appeal: Appeal | None = None
    contest_window: TimeLimit | None = None
    callback_tries: Tries | None = None
    max_reopenings: Annotated[int, Field(ge=0, le=9)] | None = None
    min_evidence: Annotated[int, Field(ge=0, le=20)] | None = None
    escalation: tuple[Rung, ...] | None = None
    interview_after: Annotated[int, Field(ge=1, le=1000)] | None = None
    good_levels: frozenset[Level] | None = None
    min_n: Annotated[int, Field(ge=1)] | None = None
    max_text_length: Annotated[int, Field(ge=1)] | None = None
    clock_skew_days: Annotated[int, Field(ge=0)] | None = None
    parked_window: Wait | None = None
    parked_policy: Literal["REFUSE", "ACCEPT_UNLINKED"] | None = None
    default_level: Level | None = None
    default_after: Wait | None = None
    unrated_policy: Literal["NONE", "INVITE", "DEFAULT"] | None = None
    invite_after: Wait | None = None
    invite_valid: Wait | None = None
    invite_channel: RatingChannel | None = None
    follow_up_ratings: Annotated[int, Field(ge=0, le=1)] | None = None
    callback_sample_per_mille: Annotated[int, Field(ge=0, le=1000)] | None = None
    valid_provenances: Annotated[frozenset[Provenance], Field(min_length=1)] | None = None
    points: dict[Level, Annotated[int, Field(ge=0, le=100)]] | None = None
    opening_hours: OpeningHours | None = None
    publish_after_days: Annotated[int, Field(ge=0, le=60)] | None = None
    signals: SignalRules | None = None
    confidence: Annotated[float, Field(ge=0.5, lt=1)] | None = None
    quiet_hours: QuietHours | None = None
    message_language: Language | None = None
    feed_days: Annotated[int, Field(ge=7, le=3650)] | None = None

    @field_validator("unrated_policy")
    @classmethod
    def _a_default_says_which_and_when(cls, policy: str | None, info: ValidationInfo) -> str | None:
        if policy == "DEFAULT" and not (info.data.get("default_level") and info.data.get("default_after")):
            raise DefaultWithoutTerms("DEFAULT 须有 default_level 与 default_after DEFAULT needs default_level and default_after")
        return policy

    @field_validator("escalation")
    @classmethod
    def _each_level_once(cls, ladder: tuple[Rung, ...] | None) -> tuple[Rung, ...] | None:
        levels = [rung.level for rung in ladder or ()]
        if len(levels) != len(set(levels)):
            raise RungTwice("同一对象只能出现一次 each level once")
        return ladder

    @field_validator("points")
    @classmethod
    def _points_of_every_level(cls, points: dict[Level, int] | None) -> dict[Level, int] | None:
        if points is not None and set(points) != set(Level):
            raise PointsMissing("五个等级各一值 a value for each of the five levels")
        return points

    @field_validator("valid_provenances")
    @classmethod
    def _nobodys_rating_counts_nowhere(cls, valid: frozenset[Provenance] | None) -> frozenset[Provenance] | None:
        if valid and Provenance.DEFAULT in valid:
            raise DefaultCounted("默认评价不得计入 a default is nobody's rating and is never valid")
        return valid

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


def _workdays(value: int) -> TimeLimit:
    return TimeLimit(value=value, unit=TimeUnit.WORKDAY)


LADDER = (
    Rung(level=EscalationLevel.PERSON, share=0.8),
    Rung(level=EscalationLevel.UNIT_HEAD, after=_workdays(0)),
    Rung(level=EscalationLevel.SUPERVISOR, after=_workdays(1)),
    Rung(level=EscalationLevel.LEVEL_ABOVE, after=_workdays(5)),
)
"""催办, 超期预警, 督办 where no level sets a ladder. Ours, unconfirmed."""


class Policy(Model):
    """The rules in force somewhere on a day. Values that no level sets are ours (domain handbook, section 22).

    A deadline that no level sets is None: there is then no such clock.
    """

    version: str
    first_contact: TimeLimit | None = None
    verify: TimeLimit | None = None
    rectify_simple: TimeLimit | None = None
    rectify_complex: TimeLimit | None = None
    rectify_from: Literal["RECEIVED", "VERIFIED"] = "RECEIVED"
    reply: TimeLimit | None = None
    post_rectify_callback: TimeLimit | None = None
    supervise: TimeLimit = _workdays(5)
    clock_start_rule: StartRule = "FROM_FACT"
    extension: Extension | None = None
    appeal: Appeal = Appeal(decide=_workdays(10))
    contest_window: TimeLimit = _workdays(10)
    callback_tries: Tries = Tries(min_tries=3, min_days=2)
    max_reopenings: int = 1
    min_evidence: int = 1
    escalation: tuple[Rung, ...] = LADDER
    interview_after: int | None = None
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
    opening_hours: OpeningHours = OFFICE_HOURS
    publish_after_days: int = 3
    signals: SignalRules = SignalRules()
    confidence: float = 0.95
    quiet_hours: QuietHours = QuietHours(begins=21, ends=8)
    message_language: Language = Language.ZH_CN
    feed_days: int = 90


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
