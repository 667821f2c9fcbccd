"""Results of months, quarters and years: what is due, and how it is published once (design, 6.8).

A period is closed when the policy's `publish_after_days` natural days after its end have passed (Asia/Shanghai), and looked at again every
week for three months. If its figures are others by then, a revision of that date stands beside the first; nothing that was published is
changed.

| step | after a crash behind it |
|---|---|
| 1. `result.json`, put only where nothing is | found by its prefix and gone on from; what it says is what is published |
| 2. `counts.csv` and `index.html`, made of it | put where they are missing |
| 3. the row `RESULTS#<region>` / `<period>#<revision>` in Scores, put once | found, and told |
| 4. `ResultsPublished` on the bus, its id of region, period and revision | told again, with the same id |
| 5. the row marked as told | |

An examination that runs out of time is gone on with by the next run. What has never been published comes first, then what was begun, then
what was looked at longest ago. What was looked at within a week rests: late ratings move some figure every day, and a revision a day
would help nobody.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError
from pydantic import AwareDatetime, ValidationError

from cloud import bus, clock, registry
from cloud.clients import s3
from cloud.settings import settings
from cloud.table import get, put, put_new, query
from contract.events import ResultsPublished, event_id
from contract.model import Model
from contract.zone import day_of
from policy.rules import in_force
from scoring.period import NoPeriod, Period
from scoring.published.gathering import OutOfTime, Reading, gather
from scoring.published.page import page
from scoring.published.results import Edition, Result, made
from scoring.published.sheets import sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policy.rules import Policy

_LOOKED_AT = timedelta(days=92)
# The latest that a policy can have a period published is 60 days after its end.
_LOOKED_BACK_MONTHS = 6
_REST = timedelta(days=6, hours=12)
_FILES = {"application/json": "result.json", "text/csv": "counts.csv", "text/html": "index.html"}


class NotYet(Exception):
    """The period is not over, or not long enough."""


class Revision(Model):
    """A result as it was published: the keys of its files by media type, the SHA-256 of the JSON file, and a hash of its figures alone."""

    region_code: str
    period: str
    revision: int
    published_on: date
    published_at: AwareDatetime
    files: dict[str, str]
    sha256: str
    figures: str
    policy_version: str
    code_version: str

    def event(self) -> ResultsPublished:
        """What is told of it, however often."""
        return ResultsPublished(
            event_id=event_id("ResultsPublished", self.region_code, self.period, str(self.revision)),
            happened_at=self.published_at,
            **self.model_dump(include={"region_code", "period", "revision", "files", "sha256", "policy_version", "code_version"}),
        )


class _Due(NamedTuple):
    """A period to be looked at. `label` says when it was last, empty for never; whether that came to its end is `is_finished`."""

    period: Period
    is_new: bool
    label: str
    is_finished: bool


def publish_due(is_time: Callable[[], bool]) -> list[ResultsPublished]:
    """Closes the periods that are due, and publishes anew those whose figures are now others. Returns what it told of.

    It stops when `is_time` says no, and may be killed anywhere: the next run goes on.
    """
    region = settings().province
    news: list[ResultsPublished] = []
    for due in _in_turn(region, clock.now()):
        if not is_time():
            break
        try:
            news += _examine(due, region, is_time)
        except OutOfTime:
            break
    return news


def publish(period: Period, region: str | None = None) -> ResultsPublished | None:
    """Publishes a month, quarter or year of the province by the same rules, reading all counts and the register afresh; however long ago.

    None if the figures are those last published, or if nothing was counted. Raises NotYet before its time, NoPeriod for a day.
    """
    code = region or settings().province
    if len(period.days) == 1:
        raise NoPeriod(period.name)
    if day_of(clock.now()) < _closes(period, _policy(code, period)):
        raise NotYet(period.name)
    label = clock.now().isoformat()
    news = _go_through(period, code, Reading(label, label), lambda: True)
    return news[-1] if news else None


def revisions(region: str, period: str) -> list[Revision]:
    """What was published of a period, the oldest first."""
    return [Revision.model_validate_json(row["said"]) for row in _rows(region, period)]


def _rows(region: str, period: str) -> list[dict[str, Any]]:
    return list(query(settings().scores_table, f"RESULTS#{region}", sk_prefix=f"{period}#", consistent=True))


# ---------------------------------------------------------------- what is due


def _in_turn(region: str, now: datetime) -> list[_Due]:
    found = [due for period in _periods(day_of(now)) if (due := _due(period, region, now))]
    # Sorting keeps the order of periods: months before the quarter and the year that are put together from them.
    return sorted(found, key=lambda due: (not due.is_new, due.is_finished, due.label))


def _due(period: Period, region: str, now: datetime) -> _Due | None:
    closes = _closes(period, _policy(region, period))
    if not closes <= day_of(now) < closes + _LOOKED_AT:
        return None
    held = get(settings().scores_table, {"pk": f"EXAMINED#{region}", "sk": period.name}) or {}
    due = _Due(period, not _rows(region, period.name), held.get("label", ""), held.get("finished", True))
    rests = due.label and due.is_finished and now - datetime.fromisoformat(due.label) < _REST
    return None if rests and not due.is_new else due


def _periods(today: date) -> Iterator[Period]:
    """The last months, behind each the quarter and the year that end with it."""
    month, months = Period.of_month(today), []
    for _ in range(_LOOKED_BACK_MONTHS):
        month = month.before
        months.append(month)
    for month in reversed(months):
        yield month
        if month.last.month % 3 == 0:
            yield Period.of(f"{month.last:%Y}-Q{month.last.month // 3}")
        if month.last.month == 12:
            yield Period.of(f"{month.last:%Y}")


def _policy(region: str, period: Period) -> Policy:
    return in_force(registry.rules(region), region, period.last)


def _closes(period: Period, policy: Policy) -> date:
    return period.end + timedelta(days=policy.publish_after_days)


def _examine(due: _Due, region: str, is_time: Callable[[], bool]) -> list[ResultsPublished]:
    label = clock.now().isoformat() if due.is_finished else due.label
    state = {"pk": f"EXAMINED#{region}", "sk": due.period.name, "label": label}
    put(settings().scores_table, {**state, "finished": False})
    # Later a quarter or a year is put together from its months, which are looked at by themselves.
    is_read = due.is_new or len(due.period.months) == 1
    news = _go_through(due.period, region, Reading(label if is_read else None, None), is_time)
    put(settings().scores_table, {**state, "finished": True})
    return news


# ---------------------------------------------------------------- how it is published


def _go_through(period: Period, region: str, reading: Reading, is_time: Callable[[], bool]) -> list[ResultsPublished]:
    rows = _rows(region, period.name)
    held = [Revision.model_validate_json(row["said"]) for row in rows]
    news = [_tell(revision) for row, revision in zip(rows, held, strict=True) if not row.get("told")]
    result = _begun(region, period, len(held) + 1) or _made(period, region, held, reading, is_time)
    if result is None or (held and result.digest() == held[-1].figures):
        return news
    return [*news, _tell(_issue(result))]


def _made(period: Period, region: str, held: list[Revision], reading: Reading, is_time: Callable[[], bool]) -> Result | None:
    policy = _policy(region, period)
    material = gather(period, region, policy, reading, is_time)
    if material is None:
        return None
    edition = Edition(
        region_code=region,
        zh=material.subjects[0].zh,
        en=material.subjects[0].en,
        period=period.name,
        first_day=period.first,
        last_day=period.last,
        revision=len(held) + 1,
        published_on=day_of(clock.now()),
        earlier=tuple(revision.published_on for revision in held),
        code_version=settings().code_version,
    )
    return made(edition, material, policy, _last_of(region, period.before))


def _last_of(region: str, period: Period) -> Result | None:
    found = revisions(region, period.name)
    return _read(found[-1].files["application/json"]) if found else None


def _prefix(region: str, period: str, revision: int) -> str:
    return f"results/{region}/{period}/r{revision}-"


def _begun(region: str, period: Period, revision: int) -> Result | None:
    """The result of which a run that died left the JSON file."""
    listed = s3().list_objects_v2(Bucket=settings().results_bucket, Prefix=_prefix(region, period.name, revision))
    found = (_read(held["Key"]) for held in listed.get("Contents", []) if held["Key"].endswith(_FILES["application/json"]))
    return next(filter(None, found), None)


def _read(key: str) -> Result | None:
    """A result as it lies there, None if it was written by code that said other things."""
    try:
        return Result.model_validate_json(s3().get_object(Bucket=settings().results_bucket, Key=key)["Body"].read())
    except ValidationError:
        return None


def _issue(result: Result) -> Revision:
    """Puts the files, then the row. Where another run was first, its files and its row are what counts."""
    edition = result.edition
    folder = f"{_prefix(edition.region_code, edition.period, edition.revision)}{edition.published_on}/"
    keys = {media: folder + name for media, name in _FILES.items()}
    text = _put_once(keys["application/json"], result.text(), "application/json")
    result = Result.model_validate_json(text)
    _put_once(keys["text/csv"], sheet(result), "text/csv")
    _put_once(keys["text/html"], page(result), "text/html")
    revision = Revision(
        region_code=edition.region_code,
        period=edition.period,
        revision=edition.revision,
        published_on=edition.published_on,
        published_at=clock.now(),
        files=keys,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        figures=result.digest(),
        policy_version=result.policy.version,
        code_version=result.edition.code_version,
    )
    taken = put_new(settings().scores_table, _row(revision))
    return Revision.model_validate_json(taken["said"]) if taken else revision


def _put_once(key: str, text: str, media: str) -> str:
    """Puts the file unless there is one; answers with what stands there."""
    place: Any = {"Bucket": settings().results_bucket, "Key": key}
    try:
        s3().put_object(**place, Body=text.encode(), ContentType=f"{media}; charset=utf-8", IfNoneMatch="*")
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "PreconditionFailed":
            raise
        return s3().get_object(**place)["Body"].read().decode()
    return text


def _row(revision: Revision) -> dict[str, Any]:
    said = revision.model_dump_json()
    return {"pk": f"RESULTS#{revision.region_code}", "sk": f"{revision.period}#{revision.revision:03}", "said": said}


def _tell(revision: Revision) -> ResultsPublished:
    """Tells of it, and marks it as told: between the two a crash has it told twice, by one id."""
    event = revision.event()
    bus.publish([event])
    put(settings().scores_table, _row(revision) | {"told": True})
    return event
