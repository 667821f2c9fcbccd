"""One morning of a province, drawn with a fixed seed: what channel platforms would say, and what must become of it.

Levels and channels follow the published figures of Guangdong for July 2023 (domain handbook, section 19), except that bad ratings are
drawn at 1 % instead of 0.01 %, so that there is something to see.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from contract import tags
from contract.codes import ApplicantType, HandlingType, Level, ProjectStatus, Provenance, RatingChannel, RatingKind, ServiceChannel
from contract.messages import Person, Rating, ServiceEvent
from contract.zone import SHANGHAI, day_of
from haochaping.sending import Letter
from haochaping.wire import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from haochaping.provinces import Province

BAD_SHARE = 0.01
GOOD = {Level.VERY_SATISFIED: 13_431_970, Level.SATISFIED: 10_421, Level.BASICALLY_SATISFIED: 18_062}
BAD = {Level.DISSATISFIED: 295, Level.VERY_DISSATISFIED: 980}


class Way(NamedTuple):
    """A channel as published: how many ratings it gave, what it is called here, and the party that sends it."""

    published: int
    channel: RatingChannel
    provenance: Provenance
    kind: RatingKind
    service: ServiceChannel
    party: str


_ONLINE = (Provenance.SELF_ONLINE, RatingKind.MATTER, ServiceChannel.ONLINE)
_HALL = (Provenance.SELF_DEVICE, RatingKind.VISIT, ServiceChannel.OFFLINE)
_PHONE = (Provenance.HOTLINE_CALLBACK, RatingKind.MATTER, ServiceChannel.ONLINE)

WAYS = (
    Way(5_740_000, RatingChannel.PC, *_ONLINE, "national-portal"),
    Way(5_130_000, RatingChannel.HALL_TABLET, *_HALL, "hall-devices"),
    Way(2_500_000 + 93_000, RatingChannel.MOBILE, *_ONLINE, "provincial-app"),
    Way(270_000, RatingChannel.PHONE, *_PHONE, "national-portal"),
    Way(83_000, RatingChannel.HALL_TERMINAL, *_HALL, "hall-devices"),
    Way(64_000, RatingChannel.SMS, *_ONLINE, "provincial-app"),
)

_COMMENTS = ("材料要交三次", "等了两个小时没有人叫号", "说好三天，过了一周", "窗口让我去别的窗口，别的窗口又让我回来")


class Morning(NamedTuple):
    """What is sent, in order, and what must become of it: outcome -> number of messages, refusal code -> number."""

    letters: list[Letter]
    expected: Counter[str]
    codes: Counter[str]
    ratings: int
    bad: int


class _Visit(NamedTuple):
    """A service and the rating that was given for it."""

    way: Way
    event: ServiceEvent
    rating: Rating


class Draw:
    """The draw of one morning; every random decision comes from the one seed."""

    def __init__(self, province: Province, seed: int, now: datetime) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.province = province
        self.organisations = [(uscc, region) for uscc, (region, _, _) in province.organisations.items()]
        self.items = list(province.items)
        self.start = _last_morning(now)
        self.parties = {party.id: party.profile for party in province.parties}

    def visit(self, number: int) -> _Visit:
        way = self.random.choices(WAYS, weights=[way.published for way in WAYS])[0]
        organisation, region = self.random.choice(self.organisations)
        at = self.start + timedelta(seconds=self.random.randrange(3 * 3600))
        event = ServiceEvent(
            project_no=f"{self.province.ProvinceCode}{at:%Y%m%d}{self.seed % 1000:03}{number:06}",
            service_number=1,
            status=ProjectStatus.FINISHED,
            item_code=f"{organisation}4{self.random.choice(self.items)}01",
            organisation=organisation,
            region_code=region,
            window=f"A{self.random.randrange(1, 9):02}" if way.service is ServiceChannel.OFFLINE else None,
            staff_no=f"{self.random.randrange(1, 12):04}",
            service_channel=way.service,
            handling_type=self.random.choice((HandlingType.INSTANT, HandlingType.PROMISED)),
            applicant_type=ApplicantType.NATURAL_PERSON,
            service_time=at,
            accepted_at=at,
            finished_at=at + timedelta(minutes=5),
            applicant=self.person(),
        )
        return _Visit(way, event, self.rating(way, event))

    def person(self) -> Person:
        """Somebody who does not exist."""
        number = self.random.randrange(10**9)
        return Person(certificate_type="111", certificate_number=f"demo-{number:09}", name="演示申请人", phone=f"1380{number % 10**7:07}")

    def rating(self, way: Way, event: ServiceEvent) -> Rating:
        levels = BAD if self.random.random() < BAD_SHARE else GOOD
        level = self.random.choices(list(levels), weights=list(levels.values()))[0]
        offered = tags.offered(level)
        named = self.random.random() < 0.8
        # Now and then somebody else rates than the applicant whom the event names.
        rater = event.applicant if self.random.random() < 0.95 else self.person()
        return Rating(
            project_no=event.project_no,
            service_number=event.service_number,
            round=1,
            kind=way.kind,
            level=level,
            tags=tuple(self.random.sample(offered, self.random.randint(1, 3))) if level.is_bad or self.random.random() < 0.5 else (),
            comment=self.random.choice(_COMMENTS) if level.is_bad else None,
            provenance=way.provenance,
            rating_channel=way.channel,
            occurred_at=event.service_time + timedelta(minutes=self.random.randrange(6, 40)),
            rater=rater.model_copy(update={"name": None, "phone": None}) if named and rater else None,
        )

    def letter(self, party: str, said: ServiceEvent | Rating, copy: int = 0) -> Letter:
        kind = "event" if isinstance(said, ServiceEvent) else "rating"
        webhook_id = f"{kind}-{said.project_no}-{said.service_number}-{copy}"
        body = json.dumps(encode(said, self.parties[party], webhook_id, party), ensure_ascii=False)
        return Letter(party, webhook_id, body)


def draw(province: Province, *, ratings: int, seed: int, now: datetime) -> Morning:
    """The morning. The same province, number, seed and day give the same messages."""
    drawn = Draw(province, seed, now)
    visits = [drawn.visit(number) for number in range(ratings)]
    letters: list[Letter] = []
    expected: Counter[str] = Counter()
    for number, visit in enumerate(visits):
        event, rating = drawn.letter(visit.way.party, visit.event), drawn.letter(visit.way.party, visit.rating)
        fate = _fate(number)
        # A rating whose event never comes stays parked; one ahead of its event is admitted by it.
        order = {"ahead": [rating, event], "orphan": [rating]}.get(fate, [event, rating])
        letters += order
        expected["accepted"] += len(order) if fate != "orphan" else 0
        expected["parked"] += fate == "orphan"
        if fate == "resent":
            later = visit.rating.model_copy(update={"occurred_at": visit.rating.occurred_at + timedelta(seconds=30)})
            letters.append(drawn.letter(visit.way.party, later, copy=1))
            expected["duplicate"] += 1
        if fate == "redelivered":
            letters.append(rating)
            expected["accepted"] += 1
        if fate == "contradicted":
            letters.append(drawn.letter(visit.way.party, _contradiction(visit.rating), copy=2))
            expected["refused"] += 1
    codes = Counter({"already_rated": expected["refused"]})
    unrated = visits[1].event.model_copy(update={"service_number": 2})
    letters.append(drawn.letter("hall-devices", unrated))
    expected["accepted"] += 1
    for wrong, code in _malformed(drawn, visits):
        letters.append(wrong)
        expected["refused"] += 1
        codes[code] += 1
    kept = [visit for number, visit in enumerate(visits) if _fate(number) != "orphan"]
    return Morning(letters, expected, codes, len(kept), sum(visit.rating.level.is_bad for visit in kept))


def _fate(number: int) -> str:
    """What befalls the n-th service: fixed shares, so that every kind of trouble is in every morning."""
    for every, fate in ((200, "orphan"), (97, "contradicted"), (50, "ahead"), (41, "resent"), (37, "redelivered")):
        if number % every == every - 1:
            return fate
    return "plain"


def _contradiction(rating: Rating) -> Rating:
    """The same service rated with another level of the same half, so that the number of bad ratings does not depend on who comes first."""
    other = {
        Level.VERY_SATISFIED: Level.SATISFIED,
        Level.DISSATISFIED: Level.VERY_DISSATISFIED,
        Level.VERY_DISSATISFIED: Level.DISSATISFIED,
    }.get(rating.level, Level.VERY_SATISFIED)
    return rating.model_copy(update={"level": other, "tags": ()})


def _malformed(drawn: Draw, visits: list[_Visit]) -> Iterator[tuple[Letter, str]]:
    """Messages that nobody can take, each with the code of its refusal."""
    hall = drawn.letter("hall-devices", visits[0].rating, copy=9)
    good = json.loads(hall.body)

    def hall_letter(n: int, **changes: Any) -> Letter:
        return Letter("hall-devices", f"malformed-{n}", json.dumps(good | {"data": good["data"] | changes}, ensure_ascii=False))

    yield Letter("hall-devices", "malformed-1", "这不是 JSON {"), "not_json"
    yield Letter("hall-devices", "malformed-2", json.dumps({"padding": "好" * 30_000})), "too_large"
    yield hall_letter(3, rating_channel="CARRIER_PIGEON"), "unknown_channel"
    yield hall_letter(4, level="MARVELLOUS"), "unknown_level"
    yield hall_letter(5, level="DISSATISFIED", tags=[], comment="  "), "reason_required"
    yield hall_letter(6, level="DISSATISFIED", tags=["510"]), "tag_of_other_level"
    yield hall_letter(7, tags=["501"], level="VERY_SATISFIED"), "retired_tag"
    yield hall_letter(8, service_number=0), "bad_service_number"
    event = json.loads(drawn.letter("hall-devices", visits[0].event, copy=9).body)
    wrong_code = event["data"] | {"organisation": "11330106MB00000010"}
    yield Letter("hall-devices", "malformed-9", json.dumps(event | {"data": wrong_code})), "bad_credit_code"
    yield Letter("nobody-we-know", "malformed-10", hall.body), "unknown_party"
    app = json.loads(drawn.letter("provincial-app", visits[0].rating.model_copy(update={"rating_channel": RatingChannel.SMS}), copy=9).body)
    yield Letter("provincial-app", "malformed-11", json.dumps(app | {"satisfaction": "6"})), "unknown_level"
    # pf 7 is SMS in the national style and the system's own default in Zhejiang's: one accepted digit, one refusal.
    default = json.loads(
        drawn.letter("provincial-app", visits[1].rating.model_copy(update={"rating_channel": RatingChannel.SMS}), copy=8).body
    )
    default |= {"pf": "7", "projectNo": visits[1].event.project_no, "serviceNumber": "2"}
    yield Letter("provincial-app", "malformed-12", json.dumps(default)), "default_not_allowed"


def _last_morning(now: datetime) -> datetime:
    """Nine o'clock of the last morning (Asia/Shanghai) that is over."""
    today = day_of(now)
    day = today if now.astimezone(SHANGHAI).time() > time(12, 45) else today - timedelta(days=1)
    return datetime.combine(day, time(9), SHANGHAI)
