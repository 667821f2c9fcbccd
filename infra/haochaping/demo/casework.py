"""What happens to a handful of the morning's bad ratings in the month after: their parties play them through on the moved clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from cloud import clock, registry, secrets
from cloud.registry import Grant, Party, Record
from contract.codes import ActorRole, CaseState, Role
from contract.zone import day_of, last_day_before
from haochaping import advancing
from haochaping.casework import carry_out, envelope
from policy.presets import rules_of
from rectify import cases
from rectify.naming import receipt_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from haochaping.provinces import Province
    from haochaping.sending import Result
    from rectify.case import Case
    from rectify.facts import Fact

_WITHIN = 60.0
# Bodies that have no part in any case of the demo.
_DESK, _BODY, _REVIEW = "11000000MB9000001U", "11000000MB9000002Y", "11000000MB90000032"
_MONTH = timedelta(days=40)
_DONE = {"action_kind": "REDONE", "cause": "PROCESS", "change": "窗口增加预审", "text": "已重新办理并致歉", "evidence": ["办结单-1"]}


class Story(NamedTuple):
    """A case that was played through: what it is to show, how it must end, and how it did."""

    zh: str
    en: str
    ends: CaseState
    case: Case
    history: list[Fact]


class Refused(Exception):
    """A command that the story is made of was not carried out; the text names it, and why."""


def register(province: Province) -> None:
    """Puts into the register what the stories need: the rules of the full example from today on, the parties, and their roles."""
    today, region = day_of(clock.now()), province.province.region
    local = province.policy[0].rules().plain()
    registry.add(Record(kind="policy", id=region, valid_from=today, value=rules_of("full-example").plain() | local))
    for party in _parties(province):
        value = party.plain()
        registry.add(Record(kind="party", id=value.pop("id"), valid_from=province.province.valid_from, value=value))
        secrets.ensure_signing_secret(f"party/{party.id}")
    for id, grant in _grants().items():
        registry.add(Record(kind="grant", id=id, valid_from=province.province.valid_from, value=grant.plain()))


def _parties(province: Province) -> Iterator[Party]:
    for id, role, zh, en, organisations in (
        ("demo-units", Role.UNIT, "全部单位", "every unit", tuple(province.organisations)),
        ("demo-desk", Role.CHANNEL, "回访坐席", "call-back desk", ()),
        ("demo-body", Role.SUPERVISOR, "管理机构", "managing body", ()),
    ):
        where = {"regions": (province.province.region,), "organisations": organisations}
        yield Party(id=id, role=role, name=zh, name_en=en, profile="canonical", **where)


def _grants() -> dict[str, Grant]:
    return {
        "demo-units#*": Grant(roles=(ActorRole.COORDINATOR, ActorRole.RECTIFIER)),
        "demo-desk#*": Grant(roles=(ActorRole.CALLBACK_DESK,), organisation=_DESK),
        "demo-body#*": Grant(roles=(ActorRole.SUPERVISOR,), organisation=_BODY),
        "demo-body#reviewer-1": Grant(roles=(ActorRole.REVIEWER,), organisation=_REVIEW),
        "demo-body#reviewer-2": Grant(roles=(ActorRole.REVIEWER,), organisation=_REVIEW),
    }


class _Stage(NamedTuple):
    """One case, and its parties, who send what they do."""

    case_id: str
    receipt: str

    def unit(self, command: str, **said: Any) -> None:
        self._order("demo-units", "COORDINATOR", "张三科", command, said)

    def desk(self, command: str, **said: Any) -> None:
        self._order("demo-desk", "CALLBACK_DESK", "坐席-3", command, said)

    def supervisor(self, command: str, **said: Any) -> None:
        self._order("demo-body", "SUPERVISOR", "督查-1", command, said)

    def reviewer(self, who: str, command: str, **said: Any) -> None:
        self._order("demo-body", "REVIEWER", who, command, said)

    def rater(self, command: str, **said: Any) -> None:
        self._order("demo-desk", "RATER", "rater", command, {"receipt": self.receipt} | said)

    def _order(self, party: str, role: str, who: str, command: str, said: dict[str, Any]) -> None:
        version = self.case.version
        name = f"{command.lower()}-{version}"
        actor = {"person_ref": who, "role": role}
        data = {"command_id": name, "case_id": self.case_id, "command": command, "actor": actor, "at": clock.now().isoformat()}
        (answer,) = carry_out([envelope(data | said, party, f"{self.case_id}-{name}")], _WITHIN)
        if not answer.facts:
            raise Refused(f"{self.case_id} {command}: {', '.join(answer.codes) or '无结果 no outcome'}")

    @property
    def case(self) -> Case:
        case = cases.find(self.case_id)
        if case is None:
            raise Refused(f"{self.case_id}: 没有该工单 no such case")
        return case

    def verified(self, finding: str, **said: Any) -> None:
        """Assigned, contacted unless anonymous, verified."""
        self.unit("ASSIGN", person="李四")
        if self.case.is_real_name:
            self.unit("CONTACT", text="已电话联系评价人")
        self.unit("VERIFY", finding=finding, text="经核实情况属实", **said)

    def put_right(self) -> None:
        self.unit("ACT", **_DONE)
        self.unit("REPLY", text="您反映的问题已整改，感谢您的监督")

    def story(self, zh: str, en: str, ends: CaseState) -> Story:
        return Story(zh, en, ends, self.case, cases.history(self.case_id))


def play(results: Iterable[Result], say: Callable[[str], None]) -> list[Story]:
    """The stories, as far as the morning has cases for them. Raises Refused if one does not go as it should."""
    known, anonymous = _stages(results)
    at_once, late, appealed = known[:3] if len(known) > 3 else (None, None, None)
    say("当天 the same day")
    if at_once and late and appealed:
        _at_once(at_once)
        _extended(late)
        _excluded(appealed)
    if anonymous:
        _public(anonymous[0])
    say("40 天后 forty days later")
    advancing.advance(_MONTH, say)
    if late:
        _late(late)
    return list(_stories(at_once, late, appealed, anonymous[:1], known[3:4]))


def _stages(results: Iterable[Result]) -> tuple[list[_Stage], list[_Stage]]:
    found = {cases.of_receipt(receipt_hash(result.receipt)): result.receipt for result in results if result.receipt}
    stages = [_Stage(case_id, receipt) for case_id, receipt in sorted((id, receipt) for id, receipt in found.items() if id)]
    return [one for one in stages if one.case.is_real_name], [one for one in stages if not one.case.is_real_name]


def _at_once(stage: _Stage) -> None:
    stage.verified("SIMPLE")
    stage.put_right()
    stage.desk("CALL_BACK", verdict="CONFIRMED", text="评价人表示已解决")


def _extended(stage: _Stage) -> None:
    due = stage.case.clocks["rectify"].due_at  # type: ignore[index]  # a clock by its name
    stage.verified("COMPLEX", planned_day=last_day_before(due).isoformat())
    stage.unit("ASK_EXTENSION", text="需与两个部门会商")
    stage.supervisor("DECIDE_EXTENSION", granted=True, text="同意延期")


def _late(stage: _Stage) -> None:
    stage.put_right()
    stage.desk("CALL_BACK", verdict="DISSATISFIED", text="评价人认为没有解决")
    stage.unit("SET_TRACK", track="SIMPLE", text="重新整改")
    stage.put_right()
    stage.desk("CALL_BACK", verdict="CONFIRMED", text="评价人表示已解决")


def _excluded(stage: _Stage) -> None:
    stage.verified("SUSPECTED_MISTAKE")
    stage.unit("FILE_APPEAL", reason="MISTAKE", text="评价人误点", evidence=["监控-7"])
    stage.rater("OBJECT", text="我没有误点")
    stage.reviewer("reviewer-1", "DECIDE_APPEAL", granted=True, text="认定为误评")
    stage.rater("CONTEST", reason="NO_MISTAKE", text="确实等了两个小时")
    stage.reviewer("reviewer-2", "DECIDE_REVIEW", overturned=True, text="评价属实，恢复计分")
    stage.put_right()
    stage.desk("CALL_BACK", verdict="CONFIRMED", text="评价人表示已解决")


def _public(stage: _Stage) -> None:
    stage.verified("SIMPLE")
    stage.put_right()


def _stories(
    at_once: _Stage | None, late: _Stage | None, appealed: _Stage | None, anonymous: list[_Stage], left: list[_Stage]
) -> Iterator[Story]:
    if at_once and late and appealed:
        yield at_once.story("立行立改，回访确认", "put right at once, confirmed", CaseState.CLOSED)
        yield late.story("延期、超期、逐级提醒、重新整改", "extended, late, escalated, reopened", CaseState.CLOSED)
        yield appealed.story("申诉、异议、复核改变、恢复计分", "appealed, contested, overturned", CaseState.CLOSED)
    for stage in anonymous:
        yield stage.story("匿名，公开回复", "anonymous, public reply", CaseState.CLOSED_UNCONFIRMED)
    for stage in left:
        yield stage.story("无人办理，逐级提醒", "nobody acts, escalated", CaseState.RECEIVED)
