"""The main job: one morning of a province through the local stack, every message accounted for."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cloud import clock
from contract.identifiers import city_of
from contract.zone import day_of
from haochaping import local, provinces, sending, stack, views
from haochaping.casework import history_table
from haochaping.demo import casework, morning, outward, report
from haochaping.demo.played import Checked, Played
from haochaping.demo.receiver import Receiver
from haochaping.demo.upstream import UpstreamServer
from notify import feed
from scoring import recount, scores
from scoring.nodes import Node
from scoring.period import Period

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console

    from haochaping.demo.casework import Story
    from haochaping.demo.morning import Morning
    from haochaping.provinces import Province
    from rectify.case import Case

_SETTLED_WITHIN = 240.0
_TOLD_WITHIN = 20.0


def play(province_name: str, *, ratings: int, seed: int, console: Console) -> tuple[Played, Path]:
    """Brings a local stack up, plays the morning, prints it and writes the report; leaves no process behind.

    The stack is one of the demo's own: a local stack that is running goes on.
    """
    os.environ["HAOCHAPING_HOME"] = str(local.home() / "demo")
    started = time.monotonic()
    province = provinces.read(province_name)
    console.rule(f"{province.province.zh} {province.province.en}: 一个上午 one morning")
    with Receiver() as receiver, UpstreamServer("zhejiang", answers_each=True) as above:
        try:
            with console.status("") as status:
                running = local.up(province_name, lambda step: status.update(f"启动本地栈 starting the local stack: {step}"))
                stack.connect_to(running)
                provinces.load(province)
                casework.register(province)
                outward.register(province, receiver, above)
            played = _play(province, receiver, above, ratings, seed, console, started)
            _print(played, console)  # while the register can be asked for names
            path = report.write(played, local.home() / f"report-{province_name}.html")
        finally:
            local.down()
    console.print(f"报告 report: {path}")
    return played, path


def _play(
    province: Province, receiver: Receiver, above: UpstreamServer, ratings: int, seed: int, console: Console, started: float
) -> Played:
    drawn = morning.draw(province, ratings=ratings, seed=seed, now=clock.now())
    console.print(
        f"种子 seed {seed}; 差评按 {morning.BAD_SHARE:.0%} 抽取，其余按广东 2023 年 7 月公布的比例\n"
        f"Bad ratings are drawn at {morning.BAD_SHARE:.0%}; everything else as Guangdong published for July 2023 (bad there: 0.0095 %)"
    )
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console) as progress:
        sent = _task(progress, "发送 sent", len(drawn.letters))
        known = _task(progress, "已有结果 accounted for", len(drawn.letters))
        counted = _task(progress, "已计分 counted", drawn.ratings)
        told = _task(progress, "已通知 delivered", 0)
        sending.send(drawn.letters, lambda n: progress.advance(sent, n))
        results = sending.settle(drawn.letters, _SETTLED_WITHIN, lambda n: progress.update(known, completed=n))
        node = f"province#{province.province.region}"
        _wait(lambda: _counted(node), drawn.ratings, lambda n: progress.update(counted, completed=n))
        _wait(lambda: len(views.open_cases()), drawn.bad, lambda _: None)
        expected = 2 * drawn.bad
        progress.update(told, total=expected)
        _wait(lambda: _cases_told(receiver), expected, lambda n: progress.update(told, completed=n))
        _wait_until(lambda: _refusals_told(receiver) >= drawn.expected["refused"] and _feed_ids() <= receiver.events.keys())
    tally = sending.tally(results)
    codes = Counter(code for result in results for code in result.codes)
    cases = views.open_cases()
    checks, boards = _checks(drawn, tally, codes, node, cases, receiver), _boards(province)
    with console.status("") as status:
        stories = casework.play(results, lambda step: status.update(f"工单 cases: {step}"))
        _wait_until(lambda: _feed_ids() <= receiver.events.keys())
        status.update("封存与上报 sealing and reporting")
        outgoing = outward.checks(drawn.ratings, above)
    return Played(
        province,
        drawn,
        tally,
        codes,
        [*checks, *_checks_of_cases(stories, receiver), *outgoing],
        boards,
        cases,
        stories,
        dict(receiver.events),
        time.monotonic() - started,
    )


# Not of facts: an answer to a command, and what intake hears of an overturned exclusion beside ReviewDecided.
_BESIDE_FACTS = {"CommandAccepted.v1", "AppealOverturned.v1"}


def _checks_of_cases(stories: list[Story], receiver: Receiver) -> list[Checked]:
    ended, facts = sum(story.case.state is story.ends for story in stories), sum(len(story.history) for story in stories)
    played = {story.case.case_id for story in stories}
    of_rectify = [event for event in list(receiver.events.values()) if event["source"] == "haochaping.rectify"]
    told = sum(event["data"].get("case_id") in played and event["type"] not in _BESIDE_FACTS for event in of_rectify)
    return [
        Checked("工单按预期结束", "cases that ended as they should", len(stories), ended),
        Checked("工单事实各通报一次", "facts of these cases told once", facts, told),
    ]


def _counted(node: str) -> int:
    return scores.ratings_in(scores.counts(Node.of(node), Period.of(f"{day_of(clock.now()):%Y}")))


def _recounted() -> int:
    """How many counters of today differ from a recount. Nothing is 26 hours old yet: it is judged as if it were, once all has been told."""
    found: list[int] = []

    def agrees() -> bool:
        later = clock.wall() + timedelta(days=2)
        found.append(recount.recount(day_of(clock.now()), "demo", correct=False, now=later).differences)
        return not found[-1]

    _wait_until(agrees)
    return found[-1]


def _task(progress: Progress, name: str, total: int) -> Any:
    return progress.add_task(name, total=total)


def _wait(found: Callable[[], int], expected: int, show: Callable[[int], None]) -> None:
    """Until at least so many are found; what is missing after the time is left to the checks."""

    def enough() -> bool:
        number = found()
        show(number)
        return number >= expected

    _wait_until(enough)


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _TOLD_WITHIN
    while not true() and time.monotonic() < deadline:
        time.sleep(0.3)


def _cases_told(receiver: Receiver) -> int:
    return sum(event["type"] in {"BadRatingAccepted.v1", "CaseOpened.v1"} for event in list(receiver.events.values()))


def _refusals_told(receiver: Receiver) -> int:
    told = [event["data"] for event in list(receiver.events.values()) if event["type"] == "MessagesRefused.v1"]
    return sum(data["count"] for data in told)


def _feed_ids() -> set[str]:
    return {event["id"] for event in feed.everything()}


def _checks(drawn: Morning, tally: Counter[str], codes: Counter[str], node: str, cases: list[Case], receiver: Receiver) -> list[Checked]:
    outcomes = ("accepted", "duplicate", "parked", "refused")
    words = {"accepted": "接受", "duplicate": "重复", "parked": "暂存", "refused": "拒绝"}
    return [
        Checked("有结果的消息", "messages with an outcome", len(drawn.letters), sum(tally[name] for name in outcomes)),
        *(Checked(words[name], name, drawn.expected[name], tally[name]) for name in outcomes),
        Checked("按预期代码拒绝", "refused with the expected code", drawn.codes.total(), (drawn.codes & codes).total()),
        Checked("计分的评价", "ratings counted", drawn.ratings, _counted(node)),
        Checked("重新计数的差异", "differences in a recount", 0, _recounted()),
        Checked("差评工单", "cases of bad ratings", drawn.bad, len(cases)),
        Checked("拒绝已通报", "refusals announced", drawn.expected["refused"], _refusals_told(receiver)),
        Checked("推送的事件", "events delivered and verified", len(_feed_ids()), len(_feed_ids() & receiver.events.keys())),
        Checked("验签失败", "deliveries that did not verify", 0, receiver.refused),
    ]


def _boards(province: Province) -> dict[str, list[dict[str, Any]]]:
    policy = views.policy_of(f"province#{province.province.region}")
    month = f"{day_of(clock.now()):%Y}"
    nodes = {
        "城市 by city": [f"city#{code}" for code in province.regions if city_of(code) == code],
        "评价渠道 by rating channel": [f"channel#{way.channel}" for way in morning.WAYS],
        "单位 by organisation": [f"organisation#{uscc}" for uscc in province.organisations],
    }
    return {title: [views.score(node, month, policy) for node in of_title] for title, of_title in nodes.items()}


def _print(played: Played, console: Console) -> None:
    table = Table(title="每条消息的去向 what became of every message", title_justify="left")
    for heading in ("", "", "应有 expected", "实有 found", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for check in played.checks:
        table.add_row(check.zh, check.en, f"{check.expected:,}", f"{check.found:,}", "✓" if check.holds else "✗")
    console.print(table)
    console.print("拒绝代码 refusals: " + ", ".join(f"{code} {count}" for code, count in sorted(played.codes.items())))
    for title, rows in played.boards.items():
        console.print(views.score_table(title, [row for row in rows if row["total"]]))
    console.print(views.case_table(played.cases))
    for story in played.stories:
        console.rule(f"{story.zh} {story.en}")
        console.print(f"{story.case.case_id}: {story.case.state.zh} {story.case.state}")
        console.print(history_table(story.history))
    kinds = Counter(event["type"] for event in played.events.values())
    console.print("已验签的推送 verified deliveries: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    verdict = "每条消息都有着落 every message is accounted for" if played.exact else "有出入 something is missing"
    console.print(f"{verdict} ({played.seconds:.0f} s)", style="green" if played.exact else "bold red")
