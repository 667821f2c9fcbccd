"""Some days of two streams, drawn from a seed: what they carry, and everything that may befall its delivery.

The real handler `scoring.app.count` runs with its real client against the model of a table. Around it:

- two streams, Ledger and Cases. Their shards split; a child's records begin after its parent's last, in time and in sequence. Both streams
  use the same shard ids, and their sequence numbers, of up to 40 digits, overlap;
- delivery that repeats, re-batches and replays: a batch begins at or before the first record that was not finished and ends anywhere. A
  child begins when its parent is finished. A record comes at most 24 hours after it was made;
- an invocation of which one call fails, before it takes effect or after it; that dies there; whose client never hears the answer and asks
  again; that stands still for up to 15 minutes, while others run, and goes on as if nothing had happened;
- a clock that passes, so that checkpoints grow old and are dropped.

A stream promises no more than this: a function is ahead in a shard only of records that were finished.
"""

from __future__ import annotations

import io
from collections import Counter
from concurrent.futures import Executor, Future
from contextlib import contextmanager, redirect_stdout, suppress
from datetime import UTC, date, datetime
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from botocore import UNSIGNED
from botocore.exceptions import ConnectionClosedError

from bed import CONTEXT
from cloud import clients, table
from contract.codes import (
    CaseMeasure,
    Delay,
    ExclusionReason,
    Flag,
    IdentityMode,
    Level,
    ObjectType,
    ProjectStatus,
    Provenance,
    RatingChannel,
    RatingKind,
    ServiceChannel,
    TagCheck,
)
from contract.ledger import CaseStep, CountedRating, CountedService, CountedTurn, RatingFacts, ServiceFacts, TakenBack
from crashes import Crash
from haochaping.measure.modelled import modelled
from scoring import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from contract.ledger import Counted
    from haochaping.measure.model import Model

LEDGER, CASES = "LedgerTable", "CasesTable"
START = int(datetime(2026, 11, 24, 4, tzinfo=UTC).timestamp())
DAYS = (date(2026, 11, 23), date(2026, 11, 24))
_HOUR = 3600
# What a stream promises: it keeps a record for a day; and what a function is given: it stands still for no longer than it may run.
_KEPT = 24 * _HOUR
_LONGEST_PAUSE = 15 * 60
_OLD = 48 * _HOUR

_AGENT = "botocore.useragent.UserAgentString.to_string"
_VALIDATION = "botocore.validate.ParamValidationDecorator.serialize_to_request"


class _AtOnce(Executor):
    """A pool of one thread without the thread: the same calls in the same order, and a fault is raised when all have been tried."""

    def __init__(self, _: int) -> None:
        super().__init__()

    def submit(self, work: Any, *given: Any) -> Any:  # type: ignore[override]
        done: Future[Any] = Future()
        try:
            done.set_result(work(*given))
        except Exception as fault:  # noqa: BLE001
            done.set_exception(fault)
        return done


def _as_given(self: Any, parameters: Any, operation: Any) -> Any:
    return self._serializer.serialize_to_request(parameters, operation)


@contextmanager
def simulated() -> Iterator[Model]:
    """The model in which worlds run one after the other.

    The client does not wait before it asks again. It neither signs, nor says who it is, nor looks twice at what it is given, and its calls
    need no thread: that took half of the time.
    """
    quick = patch("scoring.app.ThreadPoolExecutor", _AtOnce), patch(_AGENT, lambda _: "simulated"), patch(_VALIDATION, _as_given)
    with modelled() as model, patch("botocore.endpoint.time.sleep"), quick[0], quick[1], quick[2]:
        clients.dynamodb().meta.events.register("choose-signer.dynamodb", lambda **_: UNSIGNED)
        yield model


# ---------------------------------------------------------------- what is written


class Written(NamedTuple):
    """An entry and the sort key under which it is written."""

    sk: str
    entry: Counted


class Drawing:
    """Entries of every kind that is counted, about few nodes and two days, so that they meet in the same items."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw

    def entries(self) -> list[Written]:
        """Six to twenty of them, in any order: what corrects an entry may stand before it."""
        found: list[Written] = []
        while len(found) < 6:
            found += self.freestanding() if self.chance(0.2) else self.service()
        self.draw.shuffle(found)
        return found[:20]

    def chance(self, share: float) -> bool:
        return self.draw.random() < share

    def one(self, values: Iterable[Any]) -> Any:
        return self.draw.choice(list(values))

    def some(self, values: Iterable[Any], most: int) -> list[Any]:
        return self.draw.sample(list(values), self.draw.randint(0, most))

    def day(self) -> date:
        return self.draw.choices(DAYS, [4, 1])[0]

    def facts(self) -> dict[str, Any]:
        """Where a service was given. Mostly at the same few nodes: each costs a call."""
        organisation = self.draw.choices([None, "11330106MB0000004R", "11330000MB0000002X"], [3, 6, 1])[0]
        within = {
            "task_code": f"{organisation}4330131001000" if self.chance(0.15) else None,
            "window": "A01" if self.chance(0.25) else None,
            "staff_ref": self.one([None, None, "v1:one", "v1:two"]),
        }
        return {
            "region_code": self.draw.choices(["330000000000", "330106000000", "330106003000"], [20, 2, 1])[0],
            "organisation": organisation,
            "platform": "zwfw" if self.chance(0.06) else None,
            "service_channel": self.one(ServiceChannel) if self.chance(0.15) else None,
            "flags": self.some([Flag.OVERRUN, Flag.OVERRUN_UNEXPLAINED, Flag.UNLISTED_ITEM, Flag.CLAIMED_IN_FUTURE], 1),
            **(within if organisation else {}),
        }

    def service(self) -> Iterator[Written]:
        """What becomes of a service: reported, defaulted, rated, excluded, followed up, put right."""
        facts, day = self.facts(), self.day()
        rating, default = self.rating(facts), self.default(facts, day) if self.chance(0.25) else None
        yield from self.reports(facts, day, rating)
        if default:
            yield Written("D#01", default)
        if self.chance(0.15):
            return
        first = self.first(rating, None if self.chance(0.3) else day, default)
        yield Written("R#01#1", first)
        yield from self.turns(first)
        if self.chance(0.15):
            yield Written("R#01#2", rating.model_copy(update={"round": 2, "level": self.one(Level), "day": self.day()}))
        if self.chance(0.4):
            yield from self.steps(first)

    def reports(self, facts: dict[str, Any], day: date, rating: CountedRating) -> Iterator[Written]:
        """Of a service that goes on, and of one that is finished and may have been rated before."""
        if self.chance(0.2):
            yield Written("E#01#1", CountedService(**facts, status=self.one([ProjectStatus.PENDING, ProjectStatus.ACCEPTED]), day=day))
        if self.chance(0.8):
            rated = rating.provenance if self.chance(0.3) else None
            yield Written("E#01#3", CountedService(**facts, status=ProjectStatus.FINISHED, day=day, rated=rated))

    def rating(self, facts: dict[str, Any], **further: Any) -> CountedRating:
        """A first rating that somebody gave."""
        tags = tuple(self.some(["213", "209", "110"], 2))
        return CountedRating(
            **facts,
            **{"kind": self.one([RatingKind.VISIT, RatingKind.MATTER])} | further,
            rating_id=f"r_{self.draw.getrandbits(40):010x}",
            level=self.one(Level),
            tags=tags,
            checked={tags[0]: self.one(TagCheck)} if tags and self.chance(0.4) else None,
            dict_version="national-2020-05",
            provenance=self.one(provenance for provenance in Provenance if provenance is not Provenance.DEFAULT),
            identity_mode=self.one(IdentityMode),
            rating_channel=RatingChannel.MOBILE if self.chance(0.1) else RatingChannel.HALL_TABLET,
            received_hour=datetime(2026, 11, 24, 9, tzinfo=UTC),
            day=self.day(),
            day_of="occurred_at",
            policy_version="default",
            delay=self.one([None, Delay.SECONDS_10, Delay.LATER]),
            hour=self.one([None, 9, 10]),
            device=self.one([None, "kiosk-1"]),
        )

    def default(self, facts: dict[str, Any], service_day: date) -> CountedRating:
        """What is recorded where nobody rated."""
        nobody = {"provenance": Provenance.DEFAULT, "rating_channel": RatingChannel.SYSTEM_DEFAULT, "tags": (), "checked": None}
        return self.rating(facts).model_copy(update=nobody | {"service_day": service_day})

    def first(self, rating: CountedRating, service_day: date | None, default: CountedRating | None) -> CountedRating:
        """The rating as it meets its service, and the default that it takes back."""
        held = TakenBack(**{name: getattr(default, name) for name in TakenBack.model_fields}) if default and self.chance(0.8) else None
        return rating.model_copy(update={"service_day": service_day, "takes_back": held})

    def turns(self, rating: CountedRating) -> Iterator[Written]:
        """Sometimes excluded, perhaps restored; rarely more than that."""
        for turn in range(1, self.draw.choices([1, 2, 3, 4], [12, 4, 3, 1])[0]):
            reason = self.one([*ExclusionReason, None])
            yield Written(f"X#01#1#{turn}", CountedTurn(**_facts_of(rating), turn=turn, reason=reason, decided_day=self.day()))

    def steps(self, rating: CountedRating) -> Iterator[Written]:
        """What is done about a bad rating."""
        for n in range(self.draw.randint(1, 2)):
            measures = tuple(self.some(CaseMeasure, 3))
            yield Written(f"H#{n:06}", CaseStep(rating=RatingFacts(**_facts_of(rating)), measures=measures, day=self.day()))

    def freestanding(self) -> Iterator[Written]:
        """A general or supervisory rating."""
        kind = self.one([RatingKind.GENERAL, RatingKind.SUPERVISION])
        given = self.rating(self.facts(), kind=kind, object_type=self.one([None, *ObjectType]))
        yield Written("R#party/1", given)
        yield from self.turns(given)


def _facts_of(rating: CountedRating) -> dict[str, Any]:
    return {name: getattr(rating, name) for name in RatingFacts.model_fields}


# ---------------------------------------------------------------- the streams that carry it


class Record(NamedTuple):
    """A record of a stream: when it was made, what it says, and how a function is handed it."""

    created: int
    entry: Counted
    raw: dict[str, Any]


class Lane:
    """A shard: its records in order, and how many of them a function has finished."""

    def __init__(self, stream: str, shard: str, parent: Lane | None = None) -> None:
        self.stream, self.shard, self.parent = stream, shard, parent
        self.records: list[Record] = []
        self.finished = 0

    @property
    def name(self) -> str:
        """As the checkpoints know it."""
        return f"{self.stream}/{self.shard}"

    def is_open(self) -> bool:
        """A child is read when its parent has been."""
        return self.parent is None or (self.parent.is_finished() and self.parent.is_open())

    def is_finished(self) -> bool:
        return self.finished == len(self.records)

    def made_by(self, moment: float) -> int:
        """How many records there are at a moment."""
        return sum(record.created <= moment for record in self.records)

    def gone_by(self, moment: float) -> int:
        """How many of them the stream no longer keeps."""
        return sum(record.created < moment - _KEPT for record in self.records)

    def write(self, written: Written, sequence: int, created: int) -> None:
        """Puts a record at its end."""
        item = table.marshal({"pk": "P#1", "sk": written.sk, **written.entry.plain()})
        change = {
            "Keys": {name: item[name] for name in ("pk", "sk")},
            "NewImage": item,
            "SequenceNumber": str(sequence),
            "ApproximateCreationDateTime": created,
        }
        arn = f"arn:aws-cn:dynamodb:cn-north-1:123456789012:table/{self.stream}/stream/2026-01-01T00:00:00.000"
        self.records.append(Record(created, written.entry, {"eventName": "INSERT", "eventSourceARN": arn, "dynamodb": change}))


def shards(draw: Random, stream: str, roots: int) -> list[Lane]:
    """The shards of a stream: roots, of which most split once; parents come before their children."""
    lanes = [Lane(stream, f"shardId-{n}") for n in range(roots)]
    for parent in list(lanes):
        for _ in range(draw.choices([0, 1, 2], [3, 2, 4])[0]):
            lanes.append(Lane(stream, f"shardId-{len(lanes)}", parent))
    return lanes


def fill(draw: Random, lanes: list[Lane], written: list[Written]) -> None:
    """Puts each entry into some lane. There are a few busy moments, hours or days apart, the same for all lanes."""
    moments = _moments(draw)
    shares: dict[Lane, list[Written]] = {lane: [] for lane in lanes}
    for one in written:
        stream = CASES if isinstance(one.entry, CaseStep) else LEDGER
        shares[draw.choice([lane for lane in lanes if lane.stream == stream])].append(one)
    ends: dict[Lane | None, tuple[int, int]] = {None: (10 ** draw.randint(1, 39), START)}
    for lane, held in shares.items():
        sequence, created = ends[lane.parent]
        for one in held:
            later = [moment for moment in moments if moment > created]
            created = draw.choice(later) if later and draw.random() < 0.4 else created
            sequence, created = sequence + draw.randint(1, 20), created + draw.randint(1, 60)
            lane.write(one, sequence, created)
        ends[lane] = sequence, created


def _moments(draw: Random) -> list[int]:
    found = [START]
    for _ in range(draw.randint(0, 3)):
        shortest, longest = draw.choice([(600, 3 * _HOUR), (10 * _HOUR, 23 * _HOUR), (49 * _HOUR, 70 * _HOUR)])
        found.append(found[-1] + draw.randint(shortest, longest))
    return found


# ---------------------------------------------------------------- what befalls it


class Invocation:
    """One run of the function. Something happens before or after its n-th call takes effect, if there are so many."""

    def __init__(self, call: int, side: str, act: Callable[[Invocation], None]) -> None:
        self.call, self.side, self.act = call, side, act
        self.calls = 0
        self.is_dead = False

    def before(self, _: str) -> None:
        self.calls += 1
        self._perhaps("before")

    def after(self, _: str) -> None:
        self._perhaps("after")

    def _perhaps(self, side: str) -> None:
        if self.is_dead:
            raise Crash
        if (self.calls, side) == (self.call, self.side):
            self.act(self)


class World:
    """Everything that follows from a seed. `happened` counts what befell it."""

    def __init__(self, model: Model, seed: int) -> None:
        self.model, self.seed, self.draw = model, seed, Random(seed)
        self.drawing = Drawing(self.draw)
        self.now: float = START
        self.happened: Counter[str] = Counter()
        self.lanes = shards(self.draw, LEDGER, self.draw.randint(1, 2)) + shards(self.draw, CASES, 1)
        self.late: Lane | None = None
        fill(self.draw, self.lanes, self.drawing.entries())

    @property
    def entries(self) -> list[Counted]:
        """Every entry, once."""
        return [record.entry for lane in self.lanes for record in lane.records]

    def run(self) -> None:
        """Until every record is finished, and a little longer."""
        self.model.tables["scores_table"] = {}
        self.model.sent.clear()
        with patch("cloud.clock.wall", lambda: datetime.fromtimestamp(self.now, UTC)), redirect_stdout(io.StringIO()):
            while not all(lane.is_finished() for lane in self.lanes):
                self.step()
            for _ in range(self.draw.randint(0, 3)):
                self.pass_time(self.sometime())
                self.deliver(self.draw.choice(self.lanes))
            if self.draw.random() < 0.4:
                self.come_late()
        self.happened["dropped"] = sum(b'"REMOVE ' in body for _, body in self.model.sent)

    def step(self) -> None:
        if not self.waiting():
            self.now = min(lane.records[lane.finished].created for lane in self.lanes if not lane.is_finished())
        elif self.draw.random() < 0.15:
            self.pass_time(self.sometime())
        else:
            self.deliver(self.any_lane())

    def waiting(self) -> list[Lane]:
        """The lanes that have records to come."""
        return [lane for lane in self.lanes if lane.is_open() and lane.finished < lane.made_by(self.now)]

    def any_lane(self) -> Lane:
        """Mostly one that waits; else any, whose records then come again."""
        waiting = self.waiting()
        return self.draw.choice(waiting if waiting and self.draw.random() < 0.8 else self.lanes)

    def sometime(self) -> float:
        """A moment ahead: soon, or when a stream is about to let go of a record."""
        made = [record.created for lane in self.lanes for record in lane.records if record.created <= self.now]
        last_chances = [created + _KEPT for created in made if created + _KEPT >= self.now]
        soon = self.now + self.draw.uniform(0, self.draw.choice([60, _HOUR, 12 * _HOUR]))
        return self.draw.choice(last_chances) if last_chances and self.draw.random() < 0.5 else soon

    def pass_time(self, until: float) -> None:
        """No record is lost: the function has a day for each, so that time stands still until it has come."""
        unfinished = [lane.records[lane.finished].created for lane in self.lanes if lane.finished < lane.made_by(self.now)]
        self.now = min([until, *(created + _KEPT for created in unfinished)])

    def come_late(self) -> None:
        """Days later a new shard brings one more entry, undisturbed: what its items hold of older lanes has outlived its use."""
        self.now = max(self.now, *(record.created for lane in self.lanes for record in lane.records)) + self.draw.randint(
            _OLD + 1, 4 * _OLD
        )
        known = next((entry for entry in self.entries if isinstance(entry, ServiceFacts)), None)
        facts = {name: getattr(known, name) for name in ServiceFacts.model_fields} if known else self.drawing.facts()
        service = CountedService(**facts, status=ProjectStatus.FINISHED, day=DAYS[0])
        self.late = Lane(LEDGER, "shardId-late")
        self.late.write(Written("E#02#3", service), self.draw.getrandbits(100), int(self.now))
        self.lanes.append(self.late)
        self.hand_over(self.late, 0, 1, None)

    # ------------------------------------------------------------ delivery

    def deliver(self, lane: Lane, depth: int = 0) -> None:
        """A batch of a shard, as the stream may hand it over now; nothing if there is none."""
        made, gone = lane.made_by(self.now), lane.gone_by(self.now)
        if not lane.is_open() or gone >= made:
            return
        latest = min(lane.finished, made - 1)
        start = self.draw.choice([latest, latest, gone, self.draw.randint(gone, latest)])
        end = self.draw.choice([made, made, self.draw.randint(start + 1, made)])
        self.happened["came again"] += start < lane.finished
        self.hand_over(lane, start, end, self.befalls(lane, depth))

    def hand_over(self, lane: Lane, start: int, end: int, befalls: Invocation | None) -> None:
        """Runs the function; the stream goes on behind the batch only if it comes to its end."""
        outside = self.model.before, self.model.after
        self.model.before, self.model.after = (befalls.before, befalls.after) if befalls else (lambda _: None, lambda _: None)
        try:
            with suppress(Crash):
                app.count({"Records": [record.raw for record in lane.records[start:end]], "shardId": lane.shard}, CONTEXT)
                lane.finished = max(lane.finished, end)
        finally:
            self.model.before, self.model.after = outside

    def befalls(self, lane: Lane, depth: int) -> Invocation | None:
        """What befalls an invocation, and at which of its calls; nothing, if it makes fewer."""
        stand_still = 0 if depth > 1 else 4
        acts = [None, self.fail, self.die, self.lose_the_answer, lambda _: self.pause(lane, depth)]
        act = self.draw.choices(acts, [5, 2, 2, 1, stand_still])[0]
        return Invocation(self.draw.randint(1, 6), self.draw.choice(["before", "after"]), act) if act else None

    def fail(self, _: Invocation) -> None:
        """One call fails; the others of the batch are still tried."""
        self.happened["failed"] += 1
        raise Crash

    def die(self, invocation: Invocation) -> None:
        """The function is gone: nothing of it reaches the table any more."""
        self.happened["died"] += 1
        invocation.is_dead = True
        raise Crash

    def lose_the_answer(self, _: Invocation) -> None:
        """The connection breaks; the client itself asks once more."""
        self.happened["asked again"] += 1
        raise ConnectionClosedError(endpoint_url="https://dynamodb")

    def pause(self, lane: Lane, depth: int) -> None:
        """The function stands still while others run, often on the same shard; then it goes on."""
        self.happened["stood still"] += 1
        others = self.draw.randint(1, 2)
        for _ in range(others):
            if depth == 0:
                self.pass_time(self.now + self.draw.choice([0, _LONGEST_PAUSE / others]))
            self.deliver(self.draw.choice([lane, self.any_lane()]), depth + 1)
