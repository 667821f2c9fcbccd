"""Moves the one clock of a local stack forward and lets happen what has come due meanwhile (design, 6.13).

Nothing is back-dated and no deadline is shortened: the stack's own parameter says that it is later, to every function alike.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.config import Config
from rich.markup import escape
from rich.table import Table

from cloud import clock
from cloud.settings import NotOnLoopback, settings
from haochaping import resting, schedules, stack, views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

_FORM = re.compile(r"(?:(?P<weeks>\d{1,5})w)?(?:(?P<days>\d{1,5})d)?(?:(?P<hours>\d{1,5})h)?(?:(?P<minutes>\d{1,5})m)?", re.ASCII)
# A slip of the finger cannot be taken back, and calendars are known for a year or two.
_LONGEST = timedelta(days=3653)
_PARAMETER = "ClockOffsetSeconds"
# What the deployed template asks for: it names roles, and is one of SAM.
_CAPABILITIES: list[CapabilityType] = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
# Longer than a queue hides a message whose function has died.
_AT_REST_WITHIN = 240.0
# As long as the longest function may take; a run is never repeated because its answer is slow.
_PATIENT = Config(read_timeout=900, retries={"total_max_attempts": 1})


class NoLength(ValueError):
    """Not a length of time by which the clock can go forward. Says what is one."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text}: 时钟只能向前，最多十年，写作 3d、36h、2w、90m 或 1d12h\n"
            f"{text}: the clock only goes forward, by at most ten years, written as 3d, 36h, 2w, 90m or 1d12h"
        )


class StillBusy(Exception):
    """Messages are being worked on: moving the clock would end the functions that have them in hand. Says where."""

    def __init__(self, waiting: dict[str, int]) -> None:
        queues = ", ".join(f"{name} {count}" for name, count in waiting.items())
        super().__init__(f"仍有消息在处理，时钟未动\nMessages are still being worked on; the clock was not moved: {queues}")


class Run(NamedTuple):
    """A schedule that came round in the skipped time: of which function, when last, and what the function answered."""

    function: str
    schedule: str
    due: datetime
    answer: Any
    failed: bool


class Advanced(NamedTuple):
    """What moving the clock led to. `waiting` names the queues that were not empty in time, with how much is left in each."""

    before: datetime
    now: datetime
    runs: list[Run]
    waiting: dict[str, int]

    @property
    def went_well(self) -> bool:
        """Whether everything that came due has happened."""
        return not self.waiting and not any(run.failed for run in self.runs)

    def plain(self) -> dict[str, Any]:
        """As it is printed for programs."""
        return {
            "before": views.local(self.before),
            "now": views.local(self.now),
            "offset_seconds": settings().clock_offset_seconds,
            "runs": [run._asdict() | {"due": views.local(run.due)} for run in self.runs],
            "waiting": self.waiting,
        }

    def table(self) -> Table:
        """As it is printed for people: from when to when, and what ran."""
        shown = Table(title=f"{views.minute(self.before)} → {views.minute(self.now)} Asia/Shanghai", title_justify="left")
        for heading in ("到期 due", "函数 function", "定时 schedule", "回答 answer"):
            shown.add_column(heading)
        for run in self.runs:
            answer = escape(json.dumps(run.answer, ensure_ascii=False))
            shown.add_row(views.minute(run.due), run.function, run.schedule, answer, style="red" if run.failed else "")
        for queue, count in self.waiting.items():
            shown.add_row("", queue, "", f"未处理完 not emptied: {count}", style="red")
        return shown


def length_of(text: str) -> timedelta:
    """A length of time as people write it: weeks, days, hours and minutes, in this order. Raises NoLength."""
    found = _FORM.fullmatch(text)
    length = timedelta(**{unit: int(number) for unit, number in found.groupdict("0").items()}) if found else timedelta()
    if not timedelta() < length <= _LONGEST:
        raise NoLength(text)
    return length


def advance(by: timedelta, say: Callable[[str], None] = lambda _: None) -> Advanced:
    """Moves the clock of the connected stack, runs what is scheduled in the skipped time, once each, and waits for its effects.

    What comes round all the time goes first: in life it has run before what has its hour. Deliveries to subscribers are not waited for.
    Raises NotOnLoopback, StillBusy and UnreadableSchedule, all before anything has moved; WaiterError if the stack refuses.
    """
    if not settings().on_loopback:
        raise NotOnLoopback("只有本地栈的时钟可以拨动\nOnly the clock of a local stack can be moved")
    rules, before = list(_rules()), clock.now()
    _due(rules, before, before + by)  # an expression that cannot be read is told now
    say("等待在途消息 waiting for what is under way")
    if waiting := resting.until_at_rest(_AT_REST_WITHIN):
        raise StillBusy(waiting)
    before = clock.now()
    say(f"拨动时钟 moving the clock: {by}")
    _move(by)
    due, runs = _due(rules, before, clock.now()), []
    for steady in (True, False):
        if together := [each for each in due if each.rule.is_steady is steady]:
            runs += _run(together, say, abreast=steady)
            say("等待处理完毕 waiting for what follows from it")
            waiting = resting.until_at_rest(_AT_REST_WITHIN)
    return Advanced(before, clock.now(), runs, waiting)


REFUSED = (NoLength, NotOnLoopback, StillBusy, schedules.UnreadableSchedule)


class _Rule(NamedTuple):
    """A rule of the stack that runs one of its functions by the clock."""

    arn: str
    schedule: str
    function: str
    target: str
    input: str | None

    @property
    def is_steady(self) -> bool:
        """Whether it comes round all the time, rather than at an hour of its own."""
        return schedules.is_steady(self.schedule)


class _Due(NamedTuple):
    """A rule that came round, and when it last did."""

    rule: _Rule
    at: datetime

    @property
    def event(self) -> str:
        """What the function is told."""
        told = {"source": "aws.events", "detail-type": "Scheduled Event", "time": self.at.isoformat(), "resources": [self.rule.arn]}
        return self.rule.input or json.dumps(told | {"detail": {}})


def _rules() -> Iterator[_Rule]:
    """Every schedule of the stack as it is deployed; they are all on the default bus."""
    events, functions = boto3.client("events"), _functions()
    for page in events.get_paginator("list_rules").paginate(NamePrefix=f"{settings().stack_name}-"):
        for rule in page["Rules"]:
            if schedule := rule.get("ScheduleExpression"):
                for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                    yield _Rule(rule["Arn"], schedule, functions[_name_of(target["Arn"])], target["Arn"], target.get("Input"))


def _functions() -> dict[str, str]:
    """The functions of the stack: by the name that each was given, the name that the template has for it."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=settings().stack_name)
    found = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return {each["PhysicalResourceId"]: each["LogicalResourceId"] for each in found if each["ResourceType"] == "AWS::Lambda::Function"}


def _name_of(arn: str) -> str:
    return arn.rpartition(":")[2]


def _due(rules: Iterable[_Rule], after: datetime, until: datetime) -> list[_Due]:
    """What comes round in a span of time, in the order in which it last does. Raises UnreadableSchedule."""
    found = [(rule, schedules.last_between(rule.schedule, after, until)) for rule in rules]
    return sorted((_Due(rule, at) for rule, at in found if at), key=lambda due: due.at)


def _move(by: timedelta) -> None:
    """Deploys the stack as it is, with a later clock, and connects to it again, so that this process goes by the same clock."""
    client, name = boto3.client("cloudformation"), settings().stack_name
    held = {each["ParameterKey"]: each["ParameterValue"] for each in client.describe_stacks(StackName=name)["Stacks"][0]["Parameters"]}
    ahead = int(held.pop(_PARAMETER)) + int(by.total_seconds())
    parameters: list[ParameterTypeDef] = [{"ParameterKey": key, "UsePreviousValue": True} for key in held]
    parameters.append({"ParameterKey": _PARAMETER, "ParameterValue": str(ahead)})
    client.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=parameters, Capabilities=_CAPABILITIES)
    client.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600})
    stack.connect()


def _run(due: Sequence[_Due], say: Callable[[str], None], *, abreast: bool) -> list[Run]:
    """Runs what is due, one after the other or all abreast: a function starts afresh after the move, which takes seconds."""
    client = boto3.client("lambda", config=_PATIENT)

    def run(each: _Due) -> Run:
        say(f"运行 running: {each.rule.function}")
        answered = client.invoke(FunctionName=each.rule.target, Payload=each.event)
        answer = json.loads(answered["Payload"].read())
        return Run(each.rule.function, each.rule.schedule, each.at, answer, "FunctionError" in answered)

    with ThreadPoolExecutor(4 if abreast else 1) as pool:
        return list(pool.map(run, due))
