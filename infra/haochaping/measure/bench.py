"""What a rating and a case cost: calls and units by our own arithmetic, CPU time, beside other ways of doing the same; import times.

The others: one put and one update per node for every entry (which counts a redelivered rating twice), the same wrapped in Powertools
Idempotency (which does not), and one transaction per entry. All run against the same model, over the same entries.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from cloud.stream import parse
from contract.ledger import counted
from haochaping.measure import casework, delivery, growth, others, ours, report, reporting, windows
from haochaping.measure.modelled import modelled, pretend_an_account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from rich.console import Console

    from haochaping.measure.others import Take
    from haochaping.measure.ours import Cost, Visit
    from haochaping.measure.windows import Window
    from haochaping.sending import Letter

_HANDLERS = ("intake.app", "intake.gateway", "scoring.app", "rectify.app", "notify.app")
# The other ways take some ten times as long, and every entry costs them the same.
_OF_THE_OTHERS = 200
_PROCESSES = 2


def run(
    ratings: int,
    console: Console,
    per_day: Sequence[int] = (1_000_000, 5_000_000),
    lanes: int = 4,
    other_lanes: Sequence[int] = (1, 16),
    in_office_hours: int = 2,
) -> None:
    """Measures and prints: `ratings` through the handlers; days of `per_day` ratings in so many lanes, at the times that `windows` takes.

    `in_office_hours` is the number of windows there; of a day of more than two million ratings one is taken.
    """
    with ProcessPoolExecutor(_PROCESSES, initializer=_start) as pool:
        days = [_days(pool, each, lanes, other_lanes, in_office_hours) for each in sorted(per_day, reverse=True)]
        taken = pool.submit(_costs, ratings)
        grown = [pool.submit(growth.measure, size, ratings) for size in growth.SIZES]
        of_cases, swept = pool.submit(casework.commands), [pool.submit(casework.sweep, size) for size in casework.SIZES]
        told, reported = pool.submit(delivery.measure), pool.submit(reporting.measure)
        console.print(report.costs(ratings, taken.result()))
        measured = [report.Day(each, lanes, [one.result() for one in day]) for each, day in sorted(days, key=lambda day: day[0])]
        for day in measured:
            console.print(report.day(day))
        console.print(report.kinds(measured), report.load(measured), report.how(measured), sep="\n")
        console.print(report.growth([one.result() for one in grown], ratings))
        console.print(report.commands(of_cases.result(), casework.CASES))
        console.print(report.sweeps([one.result() for one in swept], casework.DUE))
        console.print(report.deliveries(told.result(), delivery.EVENTS))
        console.print(report.reports(reported.result(), reporting.RATINGS))
    console.print(_imports())


def _start() -> None:
    """Readies a process: no account, no warnings of what is meant, and nothing of what the handlers print."""
    pretend_an_account()
    warnings.filterwarnings("ignore", "No application metrics to publish")
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - for as long as the process lives


def _days(
    pool: ProcessPoolExecutor, per_day: int, lanes: int, other_lanes: Sequence[int], in_office_hours: int
) -> tuple[int, list[Future[Window]]]:
    times = windows.moments(in_office_hours if per_day <= 2_000_000 else 1)
    return per_day, [pool.submit(windows.measure, per_day, moment, lanes, other_lanes) for moment in times]


def _costs(ratings: int) -> list[Cost]:
    visits = ours.visits(ratings)
    with modelled() as model:
        intake, entries = ours.admitted(model, visits)
        scoring = ours.counted(model, entries)
    both = ours.together("本系统合计 ours, together", intake, scoring)
    return [intake, _parked(visits), scoring, both, *_beside(entries[:_OF_THE_OTHERS])]


def _parked(visits: list[Visit]) -> Cost:
    """Ratings that come before their event: parked, and admitted when it comes. What the event itself costs is taken off."""

    def take(*parts: list[Letter]) -> Cost:
        def work() -> None:
            for letters in parts:
                ours.accept(letters)

        with modelled() as model:
            return ours.measured("接收 intake.accept (parked, then admitted)", model, len(visits), work)

    ratings, events = [visit.rating for visit in visits], [visit.event for visit in visits]
    whole, alone = take(ratings, events), take(events)
    return ours.Cost(whole.name, *(a - b for a, b in zip(whole[1:], alone[1:], strict=True)))


def _beside(entries: list[dict[str, Any]]) -> list[Cost]:
    """The same entries, each taken by itself, in the other ways."""
    records = [parse(entry) for entry in entries]
    costs = []
    for name, made in others.WAYS.items():
        with modelled() as model:

            def work(take: Take) -> None:
                for record in records:
                    if entry := counted(record.sk, record.new):
                        take({"pk": record.pk, "sk": record.sk} | record.new, entry)

            costs.append(ours.measured(name, model, len(records), partial(work, made())))
    return costs


def _imports() -> Any:
    """The median of three fresh interpreters per module."""
    rows = []
    for module in _HANDLERS:
        code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(3)]
        rows.append([module, round(statistics.median(times) * 1000)])
    return report.table("导入时间 import time", ("模块 module", "ms"), rows)
