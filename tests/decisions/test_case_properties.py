"""Whatever anybody does with a case, in whatever order, at whatever time: what must hold all the same."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pydantic import TypeAdapter

from contract.codes import CaseAction, CaseState, Clock, TimeUnit
from contract.refusals import Refused
from policy.rules import Appeal, Extension, Policy, TimeLimit
from rectify.authority import INDEPENDENT
from rectify.case import Case, evolve
from rectify.decisions import decide
from rectify.facts import (
    ActionTaken,
    AnyFact,
    AppealFiled,
    AppealRefused,
    Assigned,
    BecameOverdue,
    CallbackTried,
    CalledBack,
    Closed,
    DueMoved,
    ExtensionAsked,
    ExtensionGranted,
    ExtensionRefused,
    FollowUpReceived,
    RatingExcluded,
    Reopened,
    Replied,
    ReviewGranted,
    ReviewRefused,
    SubtaskAdded,
    SupervisionDecided,
    TrackSet,
    TransferProposed,
    Urged,
    Verified,
)
from scoring.figures.indicators import INDICATORS
from story import (
    CHART,
    COORDINATOR,
    DISSATISFIED,
    EVERYBODY,
    EXPLAINED,
    OTHER_COORDINATOR,
    OTHER_UNIT,
    POLICY,
    RECTIFIER,
    TAX_COORDINATOR,
    TAX_OFFICE,
    UNIT,
    UNREACHED,
    USUAL,
    Move,
    Story,
    move,
    workdays,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rectify.facts import Fact
    from rectify.orders import Order, PassStep

READ: TypeAdapter[Fact] = TypeAdapter(AnyFact)
DECIDED = (ExtensionGranted, ExtensionRefused, AppealRefused, RatingExcluded, ReviewRefused, ReviewGranted, SupervisionDecided)
INDEPENDENTLY = (*DECIDED, CalledBack, CallbackTried, Urged)
BY_THE_UNIT = (Assigned, Verified, TrackSet, ActionTaken, Replied, ExtensionAsked, TransferProposed, SubtaskAdded, AppealFiled)
# What may move the date of a clock that has not stopped.
MOVES = (ExtensionGranted, DueMoved, TrackSet, AppealRefused)
# What of a further round starts anew.
AGAIN = {Clock.CALLBACK, Clock.RECTIFY_AGAIN, Clock.APPEAL, Clock.SUPERVISE}

IN_WORK = {
    "RECEIVED": {"first_contact", "verify"},
    "ASSIGNED": {"first_contact", "verify"},
    "CONTACTED": {"verify"},
    "VERIFIED": set(),
    "RECTIFYING": set(),
    "EXPLAINING": set(),
}
WAITING = {"REPLIED": "callback", "CALLBACK": "callback", "REOPENED": "rectify_again", "SUPERVISED": "supervise", "UNDER_REVIEW": "review"}


class Watched(Story):
    """A story whose every fact is looked at as it is told. `done` is what was done in this round, `rounds` how many came before it."""

    def __init__(self, under: Policy, *, real_name: bool) -> None:
        self.done: set[str] = set()
        self.rounds = 0
        super().__init__(under, real_name=real_name)

    def take(self, order: Order) -> list[str]:
        first, second = (decide(self.held, order, self.policy, self.now) for _ in range(2))
        assert first == second
        return super().take(order)

    def _keep(self, fact: Fact) -> None:
        before = self.held
        super()._keep(fact)
        after = self.case
        assert evolve(before, READ.validate_json(fact.model_dump_json(exclude_none=True))) == after
        assert after.version == len(self.history)
        assert (after.excluded is not None) == (after.turn % 2 == 1) == (self._counts_as_excluded())
        if before:
            assert before.state == after.state or after.state in CHART[before.state]
            self._look_at_clocks(before, fact, after)
            self._look_at_who(before, fact)
            self._look_at_round(fact)

    def _counts_as_excluded(self) -> bool:
        turned = [fact for fact in self.history if isinstance(fact, RatingExcluded) or (isinstance(fact, ReviewGranted) and fact.turn)]
        return bool(turned) and isinstance(turned[-1], RatingExcluded)

    def _look_at_clocks(self, before: Case, fact: Fact, after: Case) -> None:
        for clock, was in before.clocks.items():
            held = after.clocks[clock]
            if was.stopped_at is None:
                assert held.started_at == was.started_at, f"{fact.fact} restarted {clock}"
                assert held.due_at == was.due_at or isinstance(fact, MOVES), f"{fact.fact} moved {clock}"
                assert held.due_at >= was.due_at or isinstance(fact, TrackSet), f"{fact.fact} shortened {clock}"
            elif held != was:
                assert clock in AGAIN, f"{fact.fact} started {clock} again"
                assert (held.started_at, held.stopped_at) == (self.now, None)

    def _look_at_who(self, before: Case, fact: Fact) -> None:
        if isinstance(fact, INDEPENDENTLY):
            assert fact.by
            assert fact.by.role in INDEPENDENT
            assert fact.by.organisation not in {None, *before.involved}
        if isinstance(fact, BY_THE_UNIT):
            assert fact.by
            assert fact.by.organisation == before.unit

    def _look_at_round(self, fact: Fact) -> None:
        match fact:
            case Reopened() | ReviewGranted() | SupervisionDecided(rectify=True):
                self.done, self.rounds = set(), self.rounds + 1
            case ActionTaken() if len(fact.evidence) >= self.policy.min_evidence:
                self.done.add("acted")
            case Replied():
                self.done |= {"replied", "explained"} if fact.legal_basis else {"replied"}
            case CalledBack():
                self.done.add(fact.verdict)
            case Closed():
                assert "replied" in self.done
                assert self.done & {"acted", "explained"}
                assert not fact.confirmed or "CONFIRMED" in self.done
                assert not (fact.confirmed and fact.state == "CLOSED_UNCONFIRMED")

    @property
    def expected(self) -> set[str]:
        """The clocks that must not have stopped, by where the case stands: no deadline is lost, and none runs on."""
        state = self.case.came_from if self.state == "APPEALED" else self.state
        assert state
        if state in WAITING:
            return {WAITING[state]}
        if state not in IN_WORK:
            return set()
        begun = self.policy.rectify_from == "RECEIVED" or self.case.verified_at
        first = ({"rectify"} if begun else set()) | ({"reply"} if self.policy.reply else set())
        of_round = {"rectify_again"} if self.rounds else first
        return IN_WORK[state] | of_round | ({"appeal"} if self.state == "APPEALED" else set())


# What usually comes next.
LIKELY: dict[str, Sequence[Move | str]] = {
    "RECEIVED": ("ASSIGN", "PROPOSE_TRANSFER"),
    "ASSIGNED": ("CONTACT", "CONTACT", move("CONTACT", reached=False), "REASSIGN"),
    "CONTACTED": [move("VERIFY", finding=finding) for finding in ("SIMPLE", "COMPLEX", "NO_LEGAL_BASIS", "SUSPECTED_MISTAKE")],
    "VERIFIED": ("FILE_APPEAL", move("SET_TRACK", track="COMPLEX"), move("SET_TRACK", track="EXPLAIN")),
    "RECTIFYING": ("ACT", "REPLY", "REPLY", "ASK_EXTENSION", "DECIDE_EXTENSION", "FILE_APPEAL", "CLOSE_SUBTASK"),
    "EXPLAINING": (EXPLAINED, EXPLAINED, "ACT", "FILE_APPEAL"),
    "APPEALED": ("DECIDE_APPEAL", move("DECIDE_APPEAL", granted=False)),
    "REPLIED": ("CALL_BACK", DISSATISFIED, DISSATISFIED, UNREACHED, "FOLLOW_UP"),
    "CALLBACK": ("CALL_BACK", DISSATISFIED, UNREACHED, UNREACHED, "FOLLOW_UP"),
    "REOPENED": ("SET_TRACK", move("SET_TRACK", track="COMPLEX")),
    "SUPERVISED": ("DECIDE_SUPERVISION", move("DECIDE_SUPERVISION", rectify=False)),
    "UNDER_REVIEW": ("DECIDE_REVIEW", move("DECIDE_REVIEW", overturned=False)),
    "CLOSED": ("CONTEST", "FOLLOW_UP"),
    "CLOSED_UNCONFIRMED": ("CONTEST", "FOLLOW_UP"),
    "EXCLUDED": ("CONTEST", "FOLLOW_UP"),
}
IN_CHARGE = {UNIT: COORDINATOR, OTHER_UNIT: OTHER_COORDINATOR, TAX_OFFICE: TAX_COORDINATOR}


WORDS = {
    "VERIFY": {"finding": ["SIMPLE", "COMPLEX", "NO_LEGAL_BASIS", "SUSPECTED_MISTAKE", "SUSPECTED_MALICIOUS"]},
    "SET_TRACK": {"track": ["SIMPLE", "COMPLEX", "EXPLAIN"]},
    "ACT": {"evidence": [[], ["doc-1"]]},
    "REPLY": {"legal_basis": [None, "第九条"], "evidence": [[], ["doc-1"]]},
    "CALL_BACK": {"verdict": ["CONFIRMED", "DISSATISFIED", "UNREACHED"], "pressured": [True, False]},
    "CONTACT": {"reached": [True, False]},
    "ASK_EXTENSION": {"value": [None, 1, 5, 6]},
    "DECIDE_EXTENSION": {"granted": [True, False]},
    "DECIDE_APPEAL": {"granted": [True, False]},
    "DECIDE_REVIEW": {"overturned": [True, False]},
    "DECIDE_SUPERVISION": {"rectify": [True, False]},
    "ANSWER_TRANSFER": {"accepted": [True, False]},
    "PROPOSE_TRANSFER": {"to": [TAX_OFFICE]},
    "CONTEST": {"reason": ["NOT_TRUE", "PRESSURED"]},
    "CLOSE_SUBTASK": {"done": [True, False]},
}


@st.composite
def anything(draw: st.DrawFn) -> Move:
    """Any command, by anybody or whoever usually gives it, in words that may be right or wrong."""
    action = draw(st.sampled_from([*CaseAction, "FOLLOW_UP"]))
    by = draw(st.none() | st.sampled_from(EVERYBODY)) if action != "FOLLOW_UP" else None
    said = {name: draw(st.sampled_from(values)) for name, values in WORDS.get(action, {}).items()}
    return Move(action, by, said)


LIMITS = st.sampled_from([workdays(1), workdays(5), TimeLimit(value=7, unit=TimeUnit.DAY), TimeLimit(value=30, unit=TimeUnit.HOUR)])
POLICIES = st.builds(
    lambda simple, rules, rounds, pauses: POLICY.model_copy(
        update=rules
        | {
            "rectify_simple": simple,
            "appeal": Appeal(decide=workdays(3), max_rounds=rounds, pauses_rectify=pauses),
            "extension": Extension(max_count=rounds, value=5, unit=TimeUnit.WORKDAY),
        }
    ),
    LIMITS | st.just(TimeLimit(value=12, unit=TimeUnit.WORKHOUR)),
    st.fixed_dictionaries(
        {
            "first_contact": LIMITS,
            "reply": st.none() | LIMITS,
            "rectify_from": st.sampled_from(["RECEIVED", "VERIFIED"]),
            "max_reopenings": st.integers(0, 2),
            "min_evidence": st.integers(0, 1),
        }
    ),
    st.integers(0, 2),
    st.booleans(),
)
RATES = [INDICATORS[f"{name}_rate"] for name in ("contact", "reply", "callback", "rectification", "rectification_satisfaction")]
RATES += [INDICATORS[f"{name}_rate"] for name in ("on_time", "on_time_or_extended", "appeal")]
ONCE = ("OPENED", "CONTACT_DUE", "REPLIED", "REPLY_DUE", "TO_RECTIFY", "RECTIFIED", "RECTIFY_DUE")


MOVES_ON = st.lists(st.integers(0, 7), min_size=8, max_size=30)


class AnyCase(RuleBasedStateMachine):
    """Sensible moves, senseless ones, time, and a sweep that looks late, twice, or at what is long past."""

    story: Watched
    past: list[PassStep]

    @initialize(under=POLICIES, real_name=st.sampled_from([True, True, False]), which=MOVES_ON)
    def opens(self, under: Policy, real_name: bool, which: list[int]) -> None:
        self.story, self.past = Watched(under, real_name=real_name), []
        self.it_goes_on(which)

    @rule(which=MOVES_ON)
    def it_goes_on(self, which: list[int]) -> None:
        for n in which:
            likely = LIKELY[self.story.state]
            self._try(self._by_whoever_has_it(likely[n % len(likely)]))

    def _by_whoever_has_it(self, one: Move | str) -> Move:
        named = one if isinstance(one, Move) else move(one)
        usual = named.by or (None if named.action == "FOLLOW_UP" else USUAL[CaseAction(named.action)][0])
        return named._replace(by=IN_CHARGE[self.story.case.unit or ""]) if usual in {COORDINATOR, RECTIFIER} else named

    @rule(one=anything())
    def something(self, one: Move) -> None:
        self._try(one)

    def _try(self, one: Move) -> None:
        # There is one follow-up, which intake sees to.
        if one.action == "FOLLOW_UP" and any(isinstance(fact, FollowUpReceived) for fact in self.story.history):
            return
        with suppress(Refused):
            self.story.later(milliseconds=1).when(one)

    @rule(hours=st.sampled_from([1, 7, 24, 60, 200, 500]))
    def nobody_looks(self, hours: int) -> None:
        self.story.later(hours=hours)

    @rule(data=st.data())
    def the_sweep_finds_what_is_due(self, data: st.DataObject) -> None:
        self.story.now = max(self.story.now, self.story.case.next_at or self.story.now)
        while due := self.story.case.due(self.story.now):
            step = self.story.step(*data.draw(st.sampled_from(due)))
            assert self.story.take(step), "a step that is due has an effect"
            assert self.story.take(step) == [], "and only one"
            assert len(self.story.case.due(self.story.now)) < len(due)
            self.past.append(step)

    @rule()
    def the_sweep_looks_once_more(self) -> None:
        assert not [name for step in self.past for name in self.story.take(step)]

    @rule()
    def the_calendar_is_the_same(self) -> None:
        assert self.story.recount() == []

    @invariant()
    def no_deadline_is_lost_and_none_runs_on(self) -> None:
        case, now = self.story.case, self.story.now
        still = {clock.value for clock, held in case.clocks.items() if held.paused_at}
        assert still <= {"rectify", "rectify_again", "reply"} if self.story.state == "APPEALED" else not still
        assert self.story.running | still == self.story.expected
        assert case.running or case.is_final
        for clock, held in case.running.items():
            assert held.due_at > now or held.overdue or any(due[:2] == (clock, None) for due in case.due(now))
            assert held.overdue or (case.next_at and case.next_at <= held.due_at)

    @invariant()
    def no_rate_exceeds_one_and_what_falls_due_falls_due_once(self) -> None:
        counted = self.story.counted
        counts = {f"case.{measure}": n for measure, n in counted.items()}
        for rate in RATES:
            numerator, denominator = rate.of(counts, POLICY)[:2]
            assert numerator <= denominator, rate.en
        assert all(counted[measure] <= 1 for measure in ONCE)
        assert counted["OVERDUE"] == sum(isinstance(fact, BecameOverdue) for fact in self.story.history)
        assert counted["CALLBACK_DUE"] <= sum(isinstance(fact, Replied) for fact in self.story.history)
        if not self.story.case.is_real_name:
            assert not counted.keys() & {"CONTACT_DUE", "CONTACTED_IN_TIME", "CALLBACK_DUE", "CALLED_BACK", "UNREACHED"}

    @invariant()
    def nobody_unreached_has_confirmed(self) -> None:
        case = self.story.case
        assert not (case.confirmed and case.verdict != "CONFIRMED")
        assert case.state != CaseState.CLOSED_UNCONFIRMED or not case.confirmed

    def teardown(self) -> None:
        if hasattr(self, "story"):
            ids = [event.event_id for event in self.story.events]
            assert len(ids) == len(set(ids))
            stored = self.story.case.model_dump_json(exclude_none=True, exclude_defaults=True)
            assert Case.model_validate_json(stored) == self.story.case


AnyCase.TestCase.settings = settings(stateful_step_count=60)
TestAnyCase = pytest.mark.property(AnyCase.TestCase)
