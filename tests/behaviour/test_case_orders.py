"""Whatever befalls the handlers of cases, the history is that of undisturbed ones, and each fact is told under one id.

A function dies before or after any of its calls; what it was to do is handed over again, or to two at once; other messages are taken while
it stands still; messages overtake each other, lie in their queue for days, come again long after they were finished; a sweep finds
what is on its way already.

Two cases are played by a script, with such things drawn in between. In the end everything comes that was not finished. Then the same
messages are taken once more, each by itself, in the order in which they took effect: the table must be the same to the last attribute.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import redirect_stdout, suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bed import CONTEXT, sqs_record
from casework import DESK, DONE, RATER, RECTIFIER, REVIEWER, RULES, SUPERVISOR, UNIT
from cloud import registry
from cloud.table import unmarshal
from contract.events import BadRatingAccepted, event_id
from crashes import Crash
from facts import rating_facts
from haochaping.casework import envelope
from rectify import cases
from rectify.app import command, deadlines, handle, relay
from rectify.case import Case, evolve
from rectify.facts import BecameOverdue, Escalated, RatingExcluded, ReviewGranted
from rectify.naming import case_id_of, receipt_hash
from rectify.orders import PassStep
from said import raw
from simulation import simulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from haochaping.measure.model import Key, Model, Wire
    from haochaping.sending import Letter
    from rectify.facts import Fact

START = datetime(2026, 11, 24, 2, tzinfo=UTC)  # a Tuesday, ten in the morning
TABLE = "cases_table"
RECEIPT = "rc_of-the-rating"
OTHER_UNIT = UNIT | {"party": "xihu-market"}
SECOND_REVIEWER = REVIEWER | {"who": "reviewer-2"}

# Two ratings of one unit: the first by somebody who is known, and rates again; the second by nobody who is.
FIRST = rating_facts(rating_id="r_1", identity_mode="REAL_NAME")
ANNOUNCED = {
    "rated 1": {"rating": FIRST, "receipt_sha256": receipt_hash(RECEIPT)},
    "rated 2": {"rating": rating_facts(rating_id="r_2")},
    "rated again": {"rating": FIRST.model_copy(update={"rating_id": "r_3", "round": 2}), "follows": "r_1"},
}
CASES = {"1": case_id_of("r_1"), "2": case_id_of("r_2"), "nobody's": case_id_of("r_0")}

COMMANDS: dict[str, tuple[dict[str, str], str, dict[str, Any]]] = {
    "assign": (UNIT, "ASSIGN", {"person": "p-2"}),
    "rename": (UNIT, "ASSIGN", {"person": "p-3"}),
    "contact": (UNIT, "CONTACT", {}),
    "verify": (UNIT, "VERIFY", {"finding": "SIMPLE", "text": "经核实属实"}),
    "plan": (UNIT, "VERIFY", {"finding": "COMPLEX", "text": "须采购设备", "planned_day": "2026-12-08"}),
    "doubt": (UNIT, "VERIFY", {"finding": "SUSPECTED_MISTAKE", "text": "疑为误点"}),
    "track": (UNIT, "SET_TRACK", {"track": "SIMPLE", "text": "重新办理"}),
    "act": (RECTIFIER, "ACT", DONE),
    "reply": (UNIT, "REPLY", {"text": "已为您重新办理"}),
    "confirm": (DESK, "CALL_BACK", {"verdict": "CONFIRMED", "text": "满意"}),
    "complain": (DESK, "CALL_BACK", {"verdict": "DISSATISFIED", "text": "并未办好", "pressured": True}),
    "ask": (UNIT, "ASK_EXTENSION", {"text": "设备未到"}),
    "grant": (SUPERVISOR, "DECIDE_EXTENSION", {"granted": True, "text": "同意"}),
    "urge": (SUPERVISOR, "URGE", {"text": "请抓紧"}),
    "offer": (UNIT, "PROPOSE_TRANSFER", {"to": "11330106MB0000005W", "text": "属对方职责"}),
    "accept": (OTHER_UNIT, "ANSWER_TRANSFER", {"accepted": True, "text": "接收"}),
    "return": (SUPERVISOR, "REASSIGN", {"to": "11330106MB0000004R", "text": "指定承办"}),
    "share": (UNIT, "ADD_SUBTASK", {"organisation": "11330106MB0000005W", "text": "协办"}),
    "share done": (OTHER_UNIT, "CLOSE_SUBTASK", {"subtask": 1, "done": True, "text": "已办", "evidence": ["file-2"]}),
    "link": (UNIT, "LINK_PROBLEM", {"problem": "queue-2026", "text": "叫号系统"}),
    "change": (UNIT, "RECORD_CHANGE", {"problem": "queue-2026", "text": "增设窗口", "evidence": ["notice-7"]}),
    "appeal": (UNIT, "FILE_APPEAL", {"reason": "MISTAKE", "text": "误点", "evidence": ["video-1"]}),
    "object": (RATER, "OBJECT", {"text": "并非误点", "receipt": RECEIPT}),
    "exclude": (REVIEWER, "DECIDE_APPEAL", {"granted": True, "text": "属误评"}),
    "contest": (RATER, "CONTEST", {"reason": "NO_MISTAKE", "text": "我没有误点", "receipt": RECEIPT}),
    "overturn": (SECOND_REVIEWER, "DECIDE_REVIEW", {"overturned": True, "text": "评价属实"}),
    "pressure": (RATER, "REPORT_PRESSURE", {"text": "有人给我打电话", "receipt": RECEIPT}),
    # What must not be.
    "seize": (OTHER_UNIT, "ASSIGN", {"person": "p-9"}),
    "mumble": (UNIT, "FORGET", {}),
    "pretend": (RATER, "CONTEST", {"reason": "OTHER", "text": "x", "receipt": "rc_of-another"}),
}
SCRIPTS = {
    "put right": "rated 1, rated 2, assign 1, assign 2, contact 1, verify 2, verify 1, act 1, reply 1, complain 1, rated again, track 1, "
    "act 2, act 1, reply 2, reply 1, confirm 2, confirm 1, contest 1, overturn 1",
    "taken to be a mistake": "rated 1, assign 1, contact 1, doubt 1, appeal 1, object 1, pretend 1, exclude 1, contest 1, overturn 1, "
    "act 1, pressure 1, reply 1, confirm 1, rated again",
    "put right by a date": "rated 1, rated 2, assign 1, share 1, contact 1, plan 1, link 1, ask 1, urge 1, grant 1, change 1, "
    "share done 1, act 1, reply 1, confirm 1, rated again",
    "passed on": "rated 1, seize 1, assign 1, offer 1, accept 1, seize 1, return 1, assign 1, rename 1, mumble 1, assign nobody's, "
    "nonsense, rated 2, urge 2, offer 2, accept 2",
}
NEXT = [("next", 0, [])]
# What names the date that has passed, what intake is told, and answers.
WITHOUT_DEADLINES = {"CaseOverdue", "AppealGranted", "AppealOverturned", "CommandAccepted", "CommandRefused"}
STEPS = (BecameOverdue, Escalated)
HOURS = (1, 9, 26, 60, 300)


class Message(NamedTuple):
    """What lies in a queue: who takes it, and how it is handed over."""

    taken_by: Callable[[dict[str, Any], Any], Any]
    record: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["messageId"])


class Effect(NamedTuple):
    """That a message led to an outcome: at which place in the order of things, and when."""

    place: float
    message: Message
    at: datetime


class Invocation:
    """One run of a function. What befalls it happens before or after its n-th call; one that is dead reaches nothing any more."""

    def __init__(self, world: World, message: Message | None, befalls: Sequence[Any]) -> None:
        self.world, self.message, self.befalls = world, message, befalls
        self.calls = self.read_at = 0
        self.is_dead = False

    def before(self, _: str) -> None:
        self.calls += 1
        self._happen("before")

    def after(self, operation: str) -> None:
        if operation == "BatchGetItem":
            self.read_at = len(self.world.model.inserted)
        self.world.note(self)
        self._happen("after")

    def _happen(self, side: str) -> None:
        for when, call, what, number in self.befalls:
            if (when, call) == (side, self.calls) and not self.is_dead:
                self.is_dead = what == "crash"
                self.world.do(what, number)
        if self.is_dead:
            raise Crash


class World:
    """The functions, their queues and the clock."""

    def __init__(self, model: Model, script: str) -> None:
        self.model, self.now = model, START
        self.script = SCRIPTS[script].split(", ")
        self.sent: list[Message] = []
        self.unfinished: list[Message] = []
        self.receives: Counter[str] = Counter()
        self.effects: list[Effect] = []
        self.seen = 0
        model.tables[TABLE] = {}
        model.inserted.clear()
        model.sent.clear()
        model.queues.clear()

    def play(self, plan: Sequence[Any]) -> dict[Key, Wire]:
        """What the table holds when everything is finished."""
        with patch("cloud.clock.now", lambda: self.now), redirect_stdout(io.StringIO()):
            for what, number, befalls in plan:
                self.do(what, number, befalls)
            self.settle()
        return dict(self.model.tables[TABLE])

    def do(self, what: str, number: int = 0, befalls: Sequence[Any] = ()) -> None:
        match what:
            case "next" if self.script:
                self.deliver(self.send(), befalls)
            case "hold" if self.script:
                self.send()
            case "again" if self.sent:
                self.deliver(self.sent[number % len(self.sent)], befalls)
            case "sweep":
                self.run(None, deadlines, {}, befalls)
                self.collect()
            case "later":
                self.now += timedelta(hours=HOURS[number % len(HOURS)])

    def settle(self) -> None:
        """Everything is sent, and comes until it is finished; whatever is due is found, until nothing is."""
        while self.script:
            self.send()
        for _ in range(20):
            for message in list(self.unfinished):
                self.deliver(message)
            if not self.unfinished:
                self.do("sweep")
                if not self.unfinished:
                    return
        raise AssertionError(f"{len(self.unfinished)} messages are never finished")

    # ------------------------------------------------------------ queues

    def send(self) -> Message:
        """The next message of the script goes into its queue, a second after the one before it."""
        self.now += timedelta(seconds=1)
        said = self.script.pop(0)
        return self.put(announcement(said) if said in ANNOUNCED else Message(command, sqs_record(self.letter(said), **self.sending())))

    def sending(self) -> dict[str, datetime]:
        return {"sent_at": self.now, "signed_at": self.now}

    def letter(self, said: str) -> Letter:
        """The command that is named like this; one that is called `rename` goes by the id of the one before it."""
        number = len(self.script)
        if said == "nonsense":
            return raw("{", f"c-{number}", "xihu-hall")
        what, _, case = said.rpartition(" ")
        actor, action, words = COMMANDS[what]
        id = f"c-{number + (what == 'rename')}"
        acting = {"person_ref": actor.get("who", "p-1"), "role": actor["role"]}
        data = {"command_id": id, "case_id": CASES[case], "command": action, "actor": acting, "at": START.isoformat()}
        return envelope(data | words, actor["party"], f"c-{number}")

    def put(self, message: Message) -> Message:
        self.sent.append(message)
        self.unfinished.append(message)
        return message

    def collect(self) -> None:
        """What a sweep has sent lies in the queue."""
        for body in self.model.queues.pop("rectify_inbox_url", []):
            self.put(inner(body))

    def deliver(self, message: Message, befalls: Sequence[Any] = ()) -> None:
        self.receives[message.id] += 1
        transport = message.record["attributes"] | {"ApproximateReceiveCount": str(self.receives[message.id])}
        answer = self.run(message, message.taken_by, {"Records": [message.record | {"attributes": transport}]}, befalls)
        if answer == {"batchItemFailures": []} and message in self.unfinished:
            self.unfinished.remove(message)

    def run(self, message: Message | None, function: Any, event: dict[str, Any], befalls: Sequence[Any]) -> Any:
        """Invokes a function and returns what it answers; None if it died."""
        outside = self.model.before, self.model.after
        invocation = Invocation(self, message, befalls)
        self.model.before, self.model.after = invocation.before, invocation.after
        answer = None
        with suppress(Crash):
            answer = function(event, CONTEXT)
        self.model.before, self.model.after = outside
        return None if invocation.is_dead else answer

    # ------------------------------------------------------------ what it led to

    def note(self, invocation: Invocation) -> None:
        """The outcome that this call has left, if any. What was refused takes its place where the case was read."""
        for place, (table, item) in enumerate(self.model.inserted[self.seen :], self.seen):
            if table == TABLE and invocation.message and item["sk"]["S"].startswith("C#"):
                at = datetime.fromisoformat(item["at"]["S"])
                self.effects.append(Effect(invocation.read_at - 0.5 if item["refusals"]["L"] else place, invocation.message, at))
        self.seen = len(self.model.inserted)

    def outcomes(self) -> Counter[str]:
        """How many outcomes each command has."""
        return Counter(effect.message.id for effect in self.effects if effect.message.taken_by is command)

    def refused(self) -> set[str]:
        """The codes with which commands were refused."""
        held = (item.get("refusals", {"L": []})["L"] for item in self.model.tables[TABLE].values())
        return {reason["M"]["code"]["S"] for refusals in held for reason in refusals}


def announcement(said: str) -> Message:
    told = ANNOUNCED[said]
    id = event_id("BadRatingAccepted", told["rating"].rating_id)
    return inner(json.dumps({"detail": BadRatingAccepted(event_id=id, happened_at=told["rating"].received_hour, **told).plain()}))


def inner(body: str) -> Message:
    """A message of the RectifyInbox, to which only the bus and our own functions can send."""
    return Message(handle, sqs_record(raw(body, party="nobody")))


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with simulated() as running:
        held = registry.records("policy", "330000000000")[-1].value
        ladder = [{"level": level, "after": {"value": days, "unit": "WORKDAY"}} for days, level in enumerate(("UNIT_HEAD", "SUPERVISOR"))]
        rules = held | RULES | {"escalation": ladder, "interview_after": 2}
        registry.add(registry.Record(kind="policy", id="330000000000", valid_from="2026-01-01", value=rules))
        grant = {"roles": ["REVIEWER"], "organisation": "11330000MB0000021N"}
        registry.add(registry.Record(kind="grant", id="zhejiang-supervision#reviewer-2", valid_from="2020-01-01", value=grant))
        registry.forget()
        # Which call is the n-th must not depend on what is remembered.
        with patch("cloud.registry._SECONDS", 1e9), patch("cloud.secrets._SECONDS", 1e9):
            for script in SCRIPTS:
                World(running, script).play([])
            yield running


def taken_one_by_one(model: Model, effects: list[Effect]) -> dict[Key, Wire]:
    """The table after the same messages, each taken by itself, in the order in which they took effect."""
    model.tables[TABLE] = {}
    for effect in sorted(effects, key=lambda effect: effect.place):
        with patch("cloud.clock.now", lambda effect=effect: effect.at):
            assert effect.message.taken_by({"Records": [effect.message.record]}, CONTEXT) == {"batchItemFailures": []}
    return model.tables[TABLE]


# ---------------------------------------------------------------- what must hold


def check(table: dict[Key, Wire], now: datetime) -> None:
    """Head, history and outcomes of every case say the same, and nothing that was due is left."""
    items = {key: unmarshal(item) for key, item in table.items()}
    heads = {pk: item for (pk, sk), item in items.items() if sk == "STATE"}
    assert heads.keys() == {pk for pk, sk in items if sk.startswith("H#")}
    for case_id, head in heads.items():
        entries = {sk: item for (pk, sk), item in sorted(items.items()) if pk == case_id and sk.startswith("H#")}
        assert list(entries) == [f"H#{n:06}" for n in range(1, head["version"] + 1)]
        history = [cases.fact_of(item) for item in entries.values()]
        case = played(history)
        assert case == Case.model_validate_json(head["case"])
        assert case.due(now) == []
        outcomes = {sk[2:]: item["facts"] for (pk, sk), item in items.items() if pk == case_id and sk.startswith("C#")}
        assert Counter(chain(*outcomes.values())) == Counter(fact.fact for fact in history)
        assert {id for id in outcomes if id.startswith("step#")} == {step_of(case_id, fact) for fact in history if isinstance(fact, STEPS)}


def played(history: list[Fact]) -> Case:
    """The case that these facts make; each step of the ladder is one of the date that stood, and comes once."""
    case: Any = None
    told: set[str] = set()
    for fact in history:
        if isinstance(fact, STEPS):
            assert case.running[fact.clock].due_at == fact.due_at <= fact.at
            assert step_of(case.case_id, fact) not in told
            told.add(step_of(case.case_id, fact))
        case = evolve(case, fact)
    return case


def step_of(case_id: str, fact: BecameOverdue | Escalated) -> str:
    """The order that brings this fact about."""
    return PassStep(case_id=case_id, clock=fact.clock, due_at=fact.due_at, level=getattr(fact, "level", None)).command_id


@pytest.mark.parametrize(
    ("script", "states", "refused"),
    [
        ("put right", ["RECTIFYING", "CLOSED_UNCONFIRMED"], {"anonymous_rater"}),
        ("taken to be a mistake", ["REOPENED"], {"wrong_receipt"}),
        ("put right by a date", ["REOPENED", "RECEIVED"], set()),
        ("passed on", ["ASSIGNED", "RECEIVED"], {"not_your_case", "command_differs", "unknown_command", "unknown_case", "not_json"}),
    ],
)
def test_undisturbed_a_script_plays_its_cases_through(model, script, states, refused):
    world = World(model, script)
    world.play(NEXT * len(world.script))
    found = [cases.find(CASES[number]) for number in ("1", "2")]
    assert [case.state for case in found if case] == states
    assert world.refused() == refused


kinds = st.sampled_from(["before", "after"]), st.integers(1, 7)
moments = st.tuples(*kinds, st.sampled_from(["crash", "next", "again", "sweep"]), st.integers(0, 40))
doing = st.sampled_from(["next", "next", "hold", "again", "sweep", "later"])
plans = st.lists(st.tuples(doing, st.integers(0, 40), st.lists(moments, max_size=3)), max_size=25)


# Every function dies when its write has taken effect, and nobody has heard of it.
UNHEARD = [("next", 0, [("after", 2, "crash", 0)])] * 20
# Two that are late at the same moment: each counts the month before the other is in it.
AT_ONCE = [*NEXT * 2, ("later", 4, []), ("sweep", 0, []), ("again", 2, [("before", 3, "again", 5)])]
# A command of a case that is not there yet, and comes again when it is.
TOO_EARLY = [("next", 0, [("before", 1, "crash", 0)]), *NEXT, ("again", 0, []), ("again", 1, [])]
# At each of its tries somebody else was quicker.
OVERTAKEN = [
    *NEXT * 2,
    *[("hold", 0, [])] * 14,
    ("again", 2, [("after", 1, "again", 8), ("after", 3, "again", 3), ("after", 5, "again", 15)]),
    ("again", 2, []),
]
# While one copy of a command is about to be refused, another one is carried out.
TWICE_AT_ONCE = [*NEXT * 2, *[("hold", 0, [])] * 3, ("again", 4, [("after", 1, "again", 2), ("after", 1, "again", 4)])]
# A step that was sent before the date moved comes when the new date has passed.
OVERHAULED = [*NEXT * 8, ("later", 4, []), ("later", 4, []), ("sweep", 0, []), *NEXT * 2, ("later", 4, []), ("again", 8, [])]


@pytest.mark.property
@example("put right", UNHEARD)
@example("put right by a date", AT_ONCE)
@example("taken to be a mistake", TOO_EARLY)
@example("put right by a date", OVERTAKEN)
@example("put right", TWICE_AT_ONCE)
@example("put right by a date", OVERHAULED)
@given(st.sampled_from(list(SCRIPTS)), plans)
def test_whatever_befalls_the_handlers_the_history_is_that_of_undisturbed_ones(model, script, plan):
    world = World(model, script)
    table = world.play(plan)
    check(table, world.now)
    assert world.outcomes() == Counter(message.id for message in world.sent if message.taken_by is command)
    assert taken_one_by_one(model, world.effects) == table


# ---------------------------------------------------------------- what is told of it


class Played(NamedTuple):
    """What the stream of Cases hands over of a script; of how much that was told, and with which deadlines."""

    records: list[Wire]
    events: int
    due: Counter[tuple[str, frozenset[tuple[str, str]]]]


@pytest.fixture(scope="module")
def streams(model) -> dict[str, Played]:
    """Of each script: late from its first cases on, and late once more in the end."""
    late, found = [("later", 3, []), ("sweep", 0, []), *(("again", number, []) for number in range(2, 8))], {}
    for script in SCRIPTS:
        World(model, script).play([*NEXT * 2, *late, *NEXT * 20, ("later", 4, [])])
        records = [record for record in model.stream(TABLE) if record["dynamodb"]["Keys"]["sk"]["S"].startswith(("H#", "C#"))]
        found[script] = played_of(records)
    return found


def played_of(records: list[Wire]) -> Played:
    items = [unmarshal(record["dynamodb"]["NewImage"]) for record in records]
    answers = sum(item.get("announce", False) for item in items)
    held: dict[str, Case] = {}
    due: Counter[Any] = Counter()
    facts = [(item["pk"], cases.fact_of(item)) for item in items if item["sk"].startswith("H#")]
    for case_id, fact in facts:
        held[case_id] = evolve(held.get(case_id), fact)
        if not isinstance(fact, (BecameOverdue, RatingExcluded)):
            due[case_id, frozenset((clock.value, one.due_at.isoformat()) for clock, one in held[case_id].running.items())] += 1
    # Of a rating that counts again intake is told apart.
    restored = sum(isinstance(fact, ReviewGranted) and bool(fact.turn) for _, fact in facts)
    return Played(records, len(facts) + restored + answers, due)


# A batch begins so far before the first record that was not finished, is so long, and perhaps its function dies at one of its calls.
death = st.tuples(*kinds, st.just("crash"), st.just(0))
batches = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 40), st.lists(death, max_size=1)), max_size=8)


@pytest.mark.property
@given(st.sampled_from(list(SCRIPTS)), batches)
def test_however_the_stream_is_cut_and_repeated_each_fact_is_told_under_one_id_with_its_deadlines(model, streams, script, plan):
    played = streams[script]
    world, finished = World(model, script), 0
    for back, size, befalls in [*plan, (0, len(played.records), [])]:
        batch = played.records[max(finished - back, 0) :][:size]
        if batch and world.run(None, relay, {"Records": batch, "shardId": "shardId-1"}, befalls):
            finished = max(finished, played.records.index(batch[-1]) + 1)
    told: dict[str, set[str]] = {}
    for entry in chain(*(json.loads(body)["Entries"] for name, body in model.sent if name == "PutEvents")):
        told.setdefault(json.loads(entry["Detail"])["event_id"], set()).add(json.dumps(entry))
    assert len(told) == played.events
    news = [json.loads(said) for (said,) in told.values()]
    details = [json.loads(entry["Detail"]) for entry in news if entry["DetailType"] not in WITHOUT_DEADLINES]
    assert Counter((detail["case_id"], frozenset(detail["due"].items())) for detail in details) == played.due
