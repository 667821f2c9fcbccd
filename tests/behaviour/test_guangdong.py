"""Guangdong, July 2023 (domain handbook, section 19): what the province published, and what our indicators make of it.

**At full size**, as counts. Published are 13,879,360 ratings, the five levels of the 13,461,728 valid ones, and the channels of all of
them, rounded.

- The good rate is the three upper levels among the valid ratings, the bad rate the two lower ones (section 11: formulas of local practice,
  the second one Guangdong's). The valid ratings are the denominator of both: 1,275 of 13,461,728 are the 0.0095 % of section 19, of all
  ratings they would be 0.0092 %.
- 417,632 ratings have no published level. None is made up for them, and without one a rating is in no rate: they are kept beside the counts
  under a name that is no rating's, as a remark of the data set. The same holds for the channels, whose levels are not published.
- Whose word the ratings are, and whether of a visit or a matter, is not published. They enter as what another system holds (IMPORTED),
  which the default policy keeps out of its headline rates; the policy of this data set calls them valid, as its publisher does.
- A mean of 9.9 is published, the formula behind it is not: without a table of points there is no mean, and none is claimed. Nor is a
  participation rate: 11.238 million case files are fewer than the ratings, and how many services they hold is not said. Nor why 1,275 bad
  ratings have 1,249 tickets.

**Scaled down**, as messages. Channels are drawn and levels shared out in the published proportions; each level has at least one rating,
since a few hundred would hold no bad one. The indicators are those of what was sent, to the last one.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from random import Random

import pytest

from bed import ALWAYS
from contract import tags
from contract.codes import Level, Provenance, RatingKind
from contract.zone import SHANGHAI
from facts import rating_facts
from haochaping.demo import morning
from policy.rules import Policy
from scoring import counters, scores
from scoring.figures.indicators import INDICATORS, Rate, figures, levels
from scoring.nodes import Node, ScoreKey
from scoring.period import Period

JULY = Period.of("2023-07")
GUANGDONG = Node.of("province#440000000000")
ALL = 13_879_360
LEVELS = {
    Level.VERY_SATISFIED: 13_431_970,
    Level.SATISFIED: 10_421,
    Level.BASICALLY_SATISFIED: 18_062,
    Level.DISSATISFIED: 295,
    Level.VERY_DISSATISFIED: 980,
}
# Web, hall, app, hotline, 粤省事, kiosks, SMS.
CHANNELS = {
    "PC": 5_740_000,
    "HALL_TABLET": 5_130_000,
    "MOBILE": 2_500_000 + 93_000,
    "PHONE": 270_000,
    "HALL_TERMINAL": 83_000,
    "SMS": 64_000,
}
LEVEL_NOT_PUBLISHED = "level_not_published"
AS_PUBLISHED = Policy(version="guangdong-2023-07", valid_provenances=frozenset({Provenance.IMPORTED}))
SELF = frozenset({Provenance.SELF_ONLINE, Provenance.SELF_DEVICE})


# ---------------------------------------------------------------- at full size, as counts


def counter(level: Level) -> str:
    return counters.of_rating(rating_facts(kind=RatingKind.MATTER, provenance=Provenance.IMPORTED, level=level, tags=[]))


def put(node: Node, amounts: dict[str, int]) -> None:
    """Spreads what is published of the month over its days."""
    for n, day in enumerate(JULY.days):
        of_day = {name: amount // 31 + (n < amount % 31) for name, amount in amounts.items()}
        scores.correct(ScoreKey(node.partition, day.isoformat()), of_day, "guangdong-2023-07")


@pytest.fixture
def published(bed):
    """The province's counts of the month, as they are read."""
    put(GUANGDONG, {counter(level): amount for level, amount in LEVELS.items()} | {LEVEL_NOT_PUBLISHED: ALL - sum(LEVELS.values())})
    return scores.counts(GUANGDONG, JULY)


def test_the_good_rate_is_that_of_the_published_levels(published):
    rate = INDICATORS["good_rate"].of(published, AS_PUBLISHED)
    assert rate == Rate(13_460_453, 13_461_728)
    assert round(100 * rate.shown(AS_PUBLISHED.min_n), 4) == 99.9905


def test_the_bad_rate_is_that_of_the_published_levels(published):
    rate = INDICATORS["bad_rate"].of(published, AS_PUBLISHED)
    assert rate == Rate(1_275, 13_461_728)
    assert round(100 * rate.shown(AS_PUBLISHED.min_n), 4) == 0.0095
    assert round(100 * rate.numerator / ALL, 4) == 0.0092


def test_every_level_is_read_as_it_was_published(published):
    assert levels(published, "imported") == LEVELS
    assert scores.ratings_in(published) == sum(LEVELS.values()) == 13_461_728


def test_ratings_without_a_published_level_are_kept_beside_all_rates(published):
    assert published[LEVEL_NOT_PUBLISHED] == 417_632
    without = {name: amount for name, amount in published.items() if name != LEVEL_NOT_PUBLISHED}
    assert figures(published, AS_PUBLISHED) == figures(without, AS_PUBLISHED)


def test_what_another_system_counted_is_in_no_headline_rate_unless_policy_says_so(published):
    shown = figures(published, Policy(version="default"))
    assert shown["indicators"]["good_rate"] == {"numerator": 0, "denominator": 0, "rate": None}
    assert sum(shown["ratings"]["imported"].values()) == 13_461_728


@pytest.mark.parametrize("name", ["points", "participation_rate", "unrated_rate", "active_good_rate"])
def test_nothing_is_claimed_of_what_is_not_published(published, name):
    assert INDICATORS[name].of(published, AS_PUBLISHED).shown(1) is None


def test_channels_are_published_without_levels_and_have_no_rates(bed):
    for code, amount in CHANNELS.items():
        put(Node("channel", code), {LEVEL_NOT_PUBLISHED: amount})
    held = {code: scores.counts(Node("channel", code), JULY) for code in CHANNELS}
    assert {code: counts[LEVEL_NOT_PUBLISHED] for code, counts in held.items()} == CHANNELS
    # Seven figures, each rounded to ten thousands or to thousands.
    assert abs(sum(CHANNELS.values()) - ALL) <= 4 * 5_000 + 3 * 500
    for counts in held.values():
        assert all(rate.of(counts, AS_PUBLISHED).denominator == 0 for rate in INDICATORS.values())


def test_the_demo_and_the_benchmark_draw_from_the_published_figures():
    assert morning.GOOD | morning.BAD == LEVELS
    assert {way.channel: way.published for way in morning.WAYS} == CHANNELS


# ---------------------------------------------------------------- scaled down, as messages

NUMBER = 200


def shared_out(number: int) -> list[Level]:
    """So many levels in the published proportions, at least one of each."""
    rare = {level: max(round(number * amount / sum(LEVELS.values())), 1) for level, amount in LEVELS.items()}
    rare[Level.VERY_SATISFIED] -= sum(rare.values()) - number
    return [level for level, amount in rare.items() for _ in range(amount)]


@pytest.fixture
def sent(bed):
    """The ratings that were sent, each after its service event, and counted."""
    draw = morning.Draw(bed.province, seed=7, now=datetime.now(SHANGHAI))
    given, ratings = shared_out(NUMBER), []
    Random(7).shuffle(given)
    for number, level in enumerate(given):
        visit = draw.visit(number)
        reasons = tuple(tags.offered(level)[:1]) if level.is_bad else ()
        rating = visit.rating.model_copy(update={"level": level, "tags": reasons, "comment": None})
        assert bed.accept(draw.letter(visit.way.party, visit.event), draw.letter(visit.way.party, rating)) == []
        ratings.append(rating)
    bed.flow()
    return ratings


@pytest.mark.slow
def test_scaled_down_the_indicators_are_those_of_what_was_sent(bed, sent):
    assert bed.codes() == []
    assert {rating.level for rating in sent} == set(Level)
    held = scores.counts(Node.of("province#330000000000"), ALWAYS)
    heard = Policy(version="with the hotline", valid_provenances=SELF | {Provenance.HOTLINE_CALLBACK})
    for policy in (Policy(version="default"), heard):
        valid = [rating for rating in sent if rating.provenance in policy.valid_provenances]
        bad = sum(rating.level.is_bad for rating in valid)
        assert INDICATORS["good_rate"].of(held, policy) == Rate(len(valid) - bad, len(valid))
        assert INDICATORS["bad_rate"].of(held, policy) == Rate(bad, len(valid))
    own = [rating for rating in sent if rating.provenance in SELF]
    assert INDICATORS["participation_rate"].of(held, heard) == Rate(len(own), NUMBER)
    assert INDICATORS["unrated_rate"].of(held, heard) == Rate(0, NUMBER)
    assert levels(held, "own") == {level: sum(rating.level is level for rating in own) for level in Level}
    by_channel = Counter((rating.rating_channel, rating.level) for rating in sent)
    counted = {channel: scores.counts(Node("channel", channel), ALWAYS) for channel, _ in by_channel}
    assert {(channel, row.level): row.amount for channel, held in counted.items() for row in counters.ratings(held)} == by_channel
