"""抽样回访: the call-back sample of a day (国办发〔2019〕51号, 三(四)), drawn by a recorded seed, so that anybody can draw it again.

The population is the service events that were reported as finished on the day, as the raw segments hold them: whenever the service was
given, each is in the population of one day. Each has a number that the seed gives it; the smallest ones are drawn. The order in which they
are read does not matter.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ConfigDict

from cloud import segments
from contract.identifiers import ancestry
from contract.model import Model
from intake import ledger
from intake.places import service_of, survey_partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from cloud.segments import Line
    from intake.sealing import Keys
    from policy.rules import Policy


class Draw(Model):
    """A drawn sample, as recorded (`S#<survey>` / `DRAW`): from how many, how many, by which seed; `cut` is the largest number drawn."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: str
    survey: str
    day: str
    of_day: date
    region_code: str
    seed: str
    population: int
    drawn: int
    per_mille: int
    cut: str
    drawn_at: str

    def item(self) -> dict[str, Any]:
        """The item as stored."""
        return {"pk": survey_partition(self.survey), "sk": "DRAW", **self.plain()}


class Drawn(NamedTuple):
    """A service event that was drawn."""

    event_ref: str
    region_code: str
    organisation: str
    task_code: str


def survey_of(day: date, region_code: str) -> str:
    """The name of the sample of a region and day; it has one."""
    return f"callback-{day.isoformat()}-{region_code}"


def seed_of(survey: str, keys: Keys) -> str:
    """The seed that the stack gives a sample: nobody whose services are drawn can know it beforehand."""
    return keys.fingerprint("sample", survey)


def population(lines: Iterable[Line], region_code: str, day: date) -> dict[str, Drawn]:
    """The service events of a region that were reported as finished on a day among the lines, each once, by `event_ref`."""
    found = {}
    for line in lines:
        facts = line.facts
        is_of_day = line.entry == "E" and facts["status"] == "FINISHED" and facts["received_day"] == day.isoformat()
        if is_of_day and region_code in ancestry(facts["region_code"]):
            found[facts["event_ref"]] = Drawn(facts["event_ref"], facts["region_code"], facts["organisation"], facts["task_code"])
    return found


def choose(refs: Iterable[str], seed: str, per_mille: int) -> list[str]:
    """The drawn ones: a thousandth share of all, rounded up, those whose number under the seed is smallest."""
    numbered = sorted((number_of(ref, seed), ref) for ref in set(refs))
    return [ref for _, ref in numbered[: -(-len(numbered) * per_mille // 1000)]]


def number_of(ref: str, seed: str) -> str:
    """The number that the seed gives a service event."""
    return hashlib.sha256(f"{seed}|{ref}".encode()).hexdigest()


def draw(day: date, policy: Policy, region_code: str, per_mille: int, seed: str, now: datetime) -> tuple[Draw, list[Drawn]]:
    """The sample of a region (12 digits) and day (Asia/Shanghai), from the raw segments.

    An entry lies under the day that it counts for, which is up to the policy's skew before that of its receipt.
    """
    days = [day - timedelta(days=back) for back in range(policy.clock_skew_days + 1)]
    events = population(chain.from_iterable(segments.of_day(one.isoformat()) for one in days), region_code, day)
    chosen = [events[ref] for ref in choose(events, seed, per_mille)]
    survey = survey_of(day, region_code)
    head = Draw(
        event_id=survey,
        survey=survey,
        day=day.isoformat(),
        of_day=day,
        region_code=region_code,
        seed=seed,
        population=len(events),
        drawn=len(chosen),
        per_mille=per_mille,
        cut=max((number_of(each.event_ref, seed) for each in chosen), default=""),
        drawn_at=now.isoformat(),
    )
    return head, chosen


def record(head: Draw, chosen: Sequence[Drawn]) -> bool:
    """Puts the sample into the Ledger: what was drawn first, so that a head says that all of it is there. False if the day has another."""
    if (held := recorded(head.survey)) is not None:
        return held.seed == head.seed
    for each in chosen:
        item = {"pk": survey_partition(head.survey), "sk": f"C#{head.seed}#{each.event_ref}", "event_id": head.event_id}
        ledger.mark(item | each._asdict() | {"survey": head.survey, "day": head.day})
    return ledger.mark(head.item())


def recorded(survey: str) -> Draw | None:
    """The sample as recorded, None if none was drawn."""
    return next((Draw.model_validate(item) for item in ledger.of_survey(survey, "DRAW")), None)


def listed(draw: Draw, keys: Keys) -> Iterator[dict[str, Any]]:
    """The drawn service events with their case files, for the call-back desk that the operator entrusts."""
    # A draw that broke off may have left some that are beyond the cut of the one that was finished.
    found = ledger.of_survey(draw.survey, f"C#{draw.seed}#")
    for item in (item for item in found if number_of(item["event_ref"], draw.seed) <= draw.cut):
        project_no, service_number = service_of(keys.open_event_ref(item["event_ref"]))
        yield {
            "event_ref": item["event_ref"],
            "project_no": project_no,
            "service_number": service_number,
            **{name: item[name] for name in ("organisation", "region_code", "task_code")},
        }
