"""A case told as a story: given what was done, when somebody does something, then these facts come of it. Pure, with a clock of its own.

A move is what somebody does to the case (`move("VERIFY", finding="COMPLEX")`); its bare name is the move as it usually goes, by whom it
usually is made, in words that say enough (`USUAL`). FOLLOW_UP is the rater's bad second rating.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.codes import ActorRole, CaseAction, CaseState, Clock, EscalationLevel, Role, TimeUnit
from contract.commands import command_of
from contract.identifiers import uscc_check_character
from contract.refusals import Refused
from contract.zone import SHANGHAI, day_of
from facts import rating_facts
from policy.rules import Appeal, Extension, Policy, TimeLimit
from rectify.case import evolve
from rectify.decisions import decide
from rectify.measures import step_of
from rectify.naming import receipt_hash
from rectify.orders import Acting, LateMonth, OpenCase, Ordered, PassStep, Recount, Routing, TakeFollowUp
from rectify.telling import Entry, events_of

if TYPE_CHECKING:
    from contract.events import Event
    from contract.ledger import CaseStep
    from rectify.case import Case
    from rectify.facts import Fact
    from rectify.orders import Order

NOW = datetime(2026, 11, 24, 10, tzinfo=SHANGHAI)  # a Tuesday
PROVINCE, CITY, COUNTY = "330000000000", "330100000000", "330106000000"
RECEIPT = "rc_of-the-rating"


def _org(first_17: str) -> str:
    return first_17 + uscc_check_character(first_17)


UNIT = "11330106MB0000004R"
OTHER_UNIT, HELPING_UNIT = _org("11330106MB0000005"), _org("11330106MB0000006")
TAX_OFFICE, TAX_CITY, TAX_PROVINCE = _org("11330106MB0000007"), _org("11330100MB0000007"), _org("11330000MB0000007")
HOTLINE, AUTHORITY, REVIEW_BODY = _org("11330000MB0000001"), _org("11330000MB0000002"), _org("11330000MB0000003")
UNREGISTERED = _org("11330106MB0000009")

BY_REGION = (COUNTY, CITY, PROVINCE)
REGISTERED = {
    **{unit: Routing(unit=unit, above=BY_REGION) for unit in (UNIT, OTHER_UNIT, HELPING_UNIT)},
    TAX_OFFICE: Routing(unit=TAX_OFFICE, above=(TAX_CITY, TAX_PROVINCE)),
}


def somebody(role: str, organisation: str | None, party_role: str, person: str = "", **more: Any) -> Acting:
    """A person with a granted role, of a party whose scope is the province or, of a unit, the unit itself."""
    own = (organisation,) if party_role == "UNIT" and organisation else ()
    name = person or f"{role.lower()}-of-{organisation}"
    said = {"party": f"{party_role}-{organisation}", "regions": (PROVINCE,), "organisations": own, "roles": (ActorRole(role),)} | more
    return Acting(party_role=Role(party_role), person=name, role=ActorRole(role), organisation=organisation, **said)


COORDINATOR, RECTIFIER, STAFF = (somebody(role, UNIT, "UNIT") for role in ("COORDINATOR", "RECTIFIER", "STAFF"))
OTHER_COORDINATOR, HELPER = somebody("COORDINATOR", OTHER_UNIT, "UNIT"), somebody("RECTIFIER", HELPING_UNIT, "UNIT")
TAX_COORDINATOR = somebody("COORDINATOR", TAX_OFFICE, "UNIT")
DESK, SUPERVISOR = somebody("CALLBACK_DESK", HOTLINE, "SUPERVISOR"), somebody("SUPERVISOR", AUTHORITY, "SUPERVISOR")
REVIEWER = somebody("REVIEWER", REVIEW_BODY, "SUPERVISOR", "first-reviewer")
SECOND_REVIEWER = somebody("REVIEWER", REVIEW_BODY, "SUPERVISOR", "second-reviewer")
RATER = somebody("RATER", None, "CHANNEL", "the-rater", roles=())
EVERYBODY = (COORDINATOR, RECTIFIER, STAFF, OTHER_COORDINATOR, HELPER, TAX_COORDINATOR, DESK, SUPERVISOR, REVIEWER, SECOND_REVIEWER, RATER)

USUAL: dict[CaseAction, tuple[Acting, dict[str, Any]]] = {
    CaseAction(action): (by, said)
    for action, by, said in (
        ("ASSIGN", COORDINATOR, {"person": "zhang"}),
        ("CONTACT", COORDINATOR, {}),
        ("VERIFY", COORDINATOR, {"finding": "SIMPLE", "text": "核实"}),
        ("SET_TRACK", COORDINATOR, {"track": "SIMPLE", "text": "立行立改"}),
        (
            "ACT",
            RECTIFIER,
            {"action_kind": "TRAINED", "cause": "STAFF", "change": "每周培训", "text": "已培训", "evidence": ["doc-1"]},
        ),
        ("REPLY", COORDINATOR, {"text": "已整改，谢谢"}),
        ("CALL_BACK", DESK, {"verdict": "CONFIRMED", "text": "满意"}),
        ("ASK_EXTENSION", COORDINATOR, {"text": "设备未到"}),
        ("DECIDE_EXTENSION", SUPERVISOR, {"granted": True, "text": "同意"}),
        ("PROPOSE_TRANSFER", COORDINATOR, {"to": OTHER_UNIT, "text": "属对方职责"}),
        ("ANSWER_TRANSFER", OTHER_COORDINATOR, {"accepted": True, "text": "接收"}),
        ("REASSIGN", SUPERVISOR, {"to": OTHER_UNIT, "text": "指定承办"}),
        ("ADD_SUBTASK", COORDINATOR, {"organisation": HELPING_UNIT, "text": "协办"}),
        ("CLOSE_SUBTASK", HELPER, {"subtask": 1, "done": True, "text": "已办", "evidence": ["doc-2"]}),
        ("STATE", STAFF, {"text": "当时系统故障"}),
        ("LINK_PROBLEM", COORDINATOR, {"problem": "p-1", "text": "叫号系统"}),
        ("RECORD_CHANGE", RECTIFIER, {"problem": "p-1", "text": "已更换", "evidence": ["doc-3"]}),
        ("FILE_APPEAL", COORDINATOR, {"reason": "MISTAKE", "text": "误评", "evidence": ["doc-4"]}),
        ("OBJECT", RATER, {"text": "并非误评"}),
        ("DECIDE_APPEAL", REVIEWER, {"granted": True, "text": "属误评"}),
        ("CONTEST", RATER, {"reason": "NOT_TRUE", "text": "并未整改"}),
        ("DECIDE_REVIEW", SECOND_REVIEWER, {"overturned": True, "text": "支持"}),
        ("REPORT_PRESSURE", RATER, {"text": "有人打电话"}),
        ("DECIDE_SUPERVISION", SUPERVISOR, {"rectify": True, "text": "重新整改"}),
        ("URGE", SUPERVISOR, {"text": "请尽快办理"}),
        ("REFER_VIOLATION", SUPERVISOR, {"violation": "RETALIATION", "against": "STAFF", "text": "报复", "evidence": ["doc-5"]}),
    )
}


class Move(NamedTuple):
    """What somebody does; whom and what is not said is as usual."""

    action: str
    by: Acting | None
    said: dict[str, Any]


def move(action: str, by: Acting | None = None, **said: Any) -> Move:
    return Move(action, by, said)


def verified(finding: str = "SIMPLE", **said: Any) -> tuple[Move, ...]:
    return (move("ASSIGN"), move("CONTACT"), move("VERIFY", finding=finding, **said))


DISSATISFIED = move("CALL_BACK", verdict="DISSATISFIED")
UNREACHED = move("CALL_BACK", verdict="UNREACHED")
EXPLAINED = move("REPLY", legal_basis="《条例》第九条", evidence=("doc-6",))
ANSWERED = (move("ACT"), move("REPLY"))
REPLIED = (*verified(), *ANSWERED)
CLOSED = (*REPLIED, move("CALL_BACK"))
EXCLUDED = (*verified("SUSPECTED_MISTAKE"), move("FILE_APPEAL"), move("DECIDE_APPEAL"))
REOPENED = (*REPLIED, DISSATISFIED)
SUPERVISED = (*REOPENED, move("SET_TRACK"), *ANSWERED, DISSATISFIED)

# The ways from state to state (domain handbook, 17.1); beside them a transfer, which sends an assigned case back to be assigned, and a bad
# follow-up, which reopens what was replied to.
CHART = {
    "RECEIVED": {"ASSIGNED"},
    "ASSIGNED": {"CONTACTED", "RECEIVED"},
    "CONTACTED": {"VERIFIED"},
    "VERIFIED": {"RECTIFYING", "EXPLAINING", "APPEALED"},
    "RECTIFYING": {"REPLIED", "APPEALED"},
    "EXPLAINING": {"REPLIED", "APPEALED"},
    "APPEALED": {"EXCLUDED", "VERIFIED", "RECTIFYING", "EXPLAINING"},
    "REPLIED": {"CALLBACK", "CLOSED_UNCONFIRMED", "REOPENED", "SUPERVISED"},
    "CALLBACK": {"CLOSED", "CLOSED_UNCONFIRMED", "REOPENED", "SUPERVISED"},
    "REOPENED": {"RECTIFYING"},
    "SUPERVISED": {"RECTIFYING", "CLOSED"},
    "CLOSED": {"UNDER_REVIEW", "REOPENED", "SUPERVISED"},
    "CLOSED_UNCONFIRMED": {"UNDER_REVIEW", "REOPENED", "SUPERVISED"},
    "EXCLUDED": {"UNDER_REVIEW", "REOPENED"},
    "UNDER_REVIEW": {"RECTIFYING", "CLOSED", "CLOSED_UNCONFIRMED", "EXCLUDED"},
}


def workdays(value: int) -> TimeLimit:
    return TimeLimit(value=value, unit=TimeUnit.WORKDAY)


POLICY = Policy(
    version="full",
    first_contact=workdays(1),
    verify=workdays(2),
    rectify_simple=workdays(5),
    rectify_complex=workdays(15),
    reply=workdays(16),
    post_rectify_callback=workdays(5),
    extension=Extension(max_count=1, value=5, unit=TimeUnit.WORKDAY),
    appeal=Appeal(decide=workdays(10)),
)
"""Every limit is set."""


def policy(**changes: Any) -> Policy:
    return POLICY.model_copy(update=changes)


class Story:
    """One case under one policy, from its opening. `late` is what is known of the unit's month when a clock runs out."""

    def __init__(self, under: Policy = POLICY, *, real_name: bool = True, routing: Routing = REGISTERED[UNIT], **rating: Any) -> None:
        self.policy, self.now, self.late = under, NOW, LateMonth(month="2026-11")
        self.history: list[Fact] = []
        self.entries: list[Entry] = []
        self.steps: list[CaseStep] = []
        self.held: Case | None = None
        self.commands = 0
        who = {"identity_mode": "REAL_NAME" if real_name else "ANONYMOUS"}
        self.opening = OpenCase(rating=rating_facts(**who | rating), receipt_sha256=receipt_hash(RECEIPT), routing=routing)
        self.take(self.opening)

    @property
    def case(self) -> Case:
        assert self.held is not None
        return self.held

    @property
    def state(self) -> CaseState:
        return self.case.state

    @property
    def running(self) -> set[str]:
        """The clocks that run."""
        return {clock.value for clock in self.case.running}

    @property
    def counted(self) -> Counter[str]:
        """How often each measure was counted."""
        return Counter(measure.value for step in self.steps for measure in step.measures)

    @property
    def events(self) -> list[Event]:
        return [event for entry in self.entries for event in events_of(entry)]

    def due(self, clock: str) -> str:
        """The last day of a clock, whether it runs or not."""
        return day_of(self.case.clocks[Clock(clock)].due_at - timedelta(microseconds=1)).isoformat()

    def last(self, fact: type[Fact]) -> Any:
        return next(held for held in reversed(self.history) if isinstance(held, fact))

    # ------------------------------------------------------------ what happens

    def given(self, *moves: Move | str) -> Story:
        for one in moves:
            self.when(one)
        return self

    def when(self, one: Move | str) -> list[str]:
        """The names of the facts that a move leads to. Raises Refused."""
        return self.take(self.order(one))

    def refusal(self, one: Move | str) -> str:
        """The code of the rule that refuses a move; an empty text if none does. A refused move changes nothing."""
        before = self.case
        try:
            decide(before, self.order(one), self.policy, self.now)
        except Refused as refused:
            (reason,) = refused.reasons
            return reason.code
        return ""

    def order(self, one: Move | str) -> Order:
        action, by, said = one if isinstance(one, Move) else move(one)
        if action == "FOLLOW_UP":
            again = {"rating_id": "r_2", "round": 2} | said
            return TakeFollowUp(case_id=self.case.case_id, rating=self.opening.rating.model_copy(update=again))
        usual, words = USUAL[CaseAction(action)]
        return self._ordered(action, by or usual, self._planned(words | said))

    def _planned(self, said: dict[str, Any]) -> dict[str, Any]:
        is_complex = "COMPLEX" in (said.get("finding"), said.get("track"))
        return {"planned_day": day_of(self.now).isoformat()} | said if is_complex else said

    def _ordered(self, action: str, by: Acting, said: dict[str, Any]) -> Ordered:
        self.commands += 1
        receipt = {"receipt": RECEIPT} if by.role is ActorRole.RATER else {}
        named = {"command_id": f"c-{self.commands}", "case_id": self.case.case_id, "command": action, "at": self.now.isoformat()}
        actor = {"actor": {"person_ref": by.person, "role": by.role}}
        command = command_of(receipt | named | actor | said)
        to = getattr(command, "to", None) or getattr(command, "organisation", None)
        return Ordered(command=command, acting=by, to=REGISTERED.get(to) if to else None)

    def take(self, order: Order) -> list[str]:
        """The names of the facts that an order leads to; the case goes on with them."""
        facts = decide(self.held, order, self.policy, self.now)
        for fact in facts:
            self._keep(fact)
        return [fact.fact for fact in facts]

    def _keep(self, fact: Fact) -> None:
        self.steps.append(step_of(self.held, fact))
        self.held = case = evolve(self.held, fact)
        due = {clock: deadline.due_at for clock, deadline in case.running.items()}
        assumed = tuple(clock for clock, deadline in case.running.items() if deadline.provisional)
        self.history.append(fact)
        written = fact.model_dump_json(exclude_none=True)
        self.entries.append(Entry(case.case_id, written, fact, case.rating, case.state, case.unit, due, assumed))

    # ------------------------------------------------------------ time

    def later(self, **much: float) -> Story:
        """Time goes by, and nobody looks."""
        self.now += timedelta(**much)
        return self

    def at(self, day: str, hour: int = 10) -> Story:
        """Time goes on to a day, and the sweep finds on its way whatever comes due, when it does."""
        until = datetime.fromisoformat(f"{day}T{hour:02}:00:00").replace(tzinfo=SHANGHAI)
        while self.case.next_at and self.case.next_at <= until:
            self.now = max(self.now, self.case.next_at)
            self.sweep()
        self.now = until
        return self

    def sweep(self) -> list[str]:
        """What is due is passed, one by one; each is due no more then, or the sweep would find it for ever."""
        told, last = [], None
        while due := self.case.due(self.now):
            assert due[0] != last, f"{last} is due for ever"
            last = due[0]
            told += self.take(self.step(*last))
        return told

    def step(self, clock: Clock, level: EscalationLevel | None, due_at: datetime) -> PassStep:
        return PassStep(case_id=self.case.case_id, clock=clock, due_at=due_at, level=level, late=None if level else self.late)

    def recount(self, calendar: str = "another") -> list[str]:
        return self.take(Recount(case_id=self.case.case_id, calendar=calendar))


def given(*moves: Move | str, under: Policy = POLICY, **opening: Any) -> Story:
    """A case of which this much has been done, all within the hour in which it was received."""
    return Story(under, **opening).given(*moves)
