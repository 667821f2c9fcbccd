"""The read API: `read` answers over HTTPS what may be seen of the counts. Who may see what stands in `scoring.api.access`.

The header `party` names a registered party, and the IAM caller must be one of its `principals`: a GET carries no signature, so that a
party without principals reads published results alone, which are for everybody. A node is `<kind>/<id>`, or `<kind>/<id>/<code>` for a
window and a member of staff of an organisation, each part percent-encoded: no `#` stands in a path.

Every answer has a strong ETag. Beside party, names and policy, which Registry gives and which are held for a minute, a route reads:

| route | reads |
|---|---|
| `/scores/…` | one query of Scores; of an item or a window its days by their keys, twenty-five days to a call; `by=day` one query more |
| `/rankings/{kind}/{of}` | those of `figures.siblings`, for the period and the one before; one query of Registry for their number |
| `/coverage/{kind}/{id}` | those of `scoring.figures.coverage` |
| `/causes/{organisation}` | two queries of Scores: the month and the one before |
| `/signals/{organisation}` | two queries of Scores, and those of `scoring.figures.evidence` in Registry |
| `/index/{organisation}` | one query of Scores, and those of `scoring.figures.systems` in Registry |
| `/results`, `/results/{period}`, `/results/{period}/page` | one query of Scores, and the file |

A question that would need many more is refused (`sum_over_too_much`); the bounds are named below.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from cloud import clock, origin, registry
from cloud.answers import answer, lasting, refusal
from cloud.clients import s3
from cloud.settings import settings
from cloud.table import query
from contract.refusals import Refused, refuse
from contract.zone import day_of
from scoring import counters, scores
from scoring.api import access, questions
from scoring.api.access import Place, Reader, Sight, Subject, subject_of
from scoring.api.registered import names_of, place_of, policy_of
from scoring.figures import indicators, rankings
from scoring.figures.causes import compared
from scoring.figures.coverage import coverage_of
from scoring.figures.evidence import signals_of
from scoring.figures.index import score_of
from scoring.figures.siblings import siblings
from scoring.figures.systems import system
from scoring.nodes import OF_AN_ORGANISATION, REGIONS, Node
from scoring.published.publishing import Revision, revisions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from aws_lambda_powertools.event_handler.exceptions import NotFoundError
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from policy.rules import Policy
    from scoring.period import Period

logger = Logger(service="scoring")
app = APIGatewayRestResolver()

# Counts are some seconds behind anyway.
LIVE_SECONDS = 30
# The last revision of a result may give way to another; a revision itself never changes.
LATEST_SECONDS = 300
FOR_EVER_SECONDS = 365 * 24 * 3600
# A function answers with 6 MB at most, and quotation marks take two bytes on the way.
MOST_BYTES = 4_000_000
# Days of what lies packed within an organisation, or of a division by day: a quarter.
MOST_DAYS = 92
# Siblings by days: four hundred organisations of a month, thirty-three of a year.
MOST_SIBLING_DAYS = 400 * 31
# Organisations of one coverage, each of which takes a read for every item that it has registered.
MOST_ORGANISATIONS = 40

_TOLD = {"period", "revision", "published_on", "sha256", "policy_version", "code_version"}


class Question(NamedTuple):
    """Who asks, about which period, on which day (Asia/Shanghai)."""

    reader: Reader
    period: Period
    today: date

    @property
    def day(self) -> date:
        """By whose rules and register the figures are told: the last day of the period, today while it has not ended."""
        return min(self.today, self.period.last)


@logger.inject_lambda_context
def read(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers a request of API Gateway."""
    return app.resolve(event, context)


@app.get("/scores/<kind>/<id>")
@app.get("/scores/<kind>/<id>/<code>")
def get_scores(kind: str, id: str, code: str = "") -> Response[str]:
    """The figures of a node over a period, with `by=day` those of each of its days too."""
    asked, node, by_day = _question(), questions.node(kind, id, code), questions.is_by_day(_parameter("by"))
    seen, policy = _sight(asked, subject_of(kind), place_of(node, asked.today)), policy_of(node, asked.today, asked.day)
    if by_day or kind in {"staff", "organisation"}:
        _check_days(asked.period)
    body = _head(node, asked, policy) | _figures(scores.counts(node, asked.period), policy, seen)
    if by_day:
        days = _by_day(node, asked.period).items()
        body["days"] = [{"day": day.isoformat(), **_figures(counts, policy, seen)} for day, counts in days]
    return _live(body)


@app.get("/rankings/<kind>/<of>")
def get_ranking(kind: str, of: str) -> Response[str]:
    """The siblings by an indicator, each as far as it may be seen, with their movement since the period before."""
    asked, owner, indicator = _question(), questions.owner(kind, of), questions.indicator(_parameter("indicator"))
    if kind in OF_AN_ORGANISATION:
        _sight(asked, subject_of(kind), place_of(owner, asked.today))
    _check_siblings(kind, owner, asked.period)
    policy = policy_of(owner, asked.today, asked.day)
    now, before = (siblings(kind, owner.id, period, asked.day) for period in (asked.period, asked.period.before))
    ranked = rankings.ranking(now, before, policy, indicator)

    def large(place: rankings.Place) -> dict[str, Any]:
        return access.large_place(place.plain(), indicator, now[place.id], policy)

    places = list(_places(asked, kind, owner, ranked, large))
    told = {"kind": kind, "before": asked.period.before.name, **rankings.plain(ranked, policy, indicator)}
    return _live(_head(owner, asked, policy) | told | {"places": places})


@app.get("/coverage/<kind>/<id>")
def get_coverage(kind: str, id: str) -> Response[str]:
    """What nobody has rated, and what was rated without being listed, in a region or at an organisation."""
    asked, node = _question(), questions.covered(kind, id)
    subject = Subject.OPEN if kind in REGIONS else Subject.INNER
    seen, policy = _sight(asked, subject, place_of(node, asked.today)), policy_of(node, asked.today, asked.day)
    _check_days(asked.period)
    if kind in REGIONS:
        _check_organisations(node.id)
    found = coverage_of(node.id, asked.period, asked.day).plain()
    shown = found if seen is Sight.WHOLE else access.large_coverage(found, subject, policy.min_n)
    return _live(_head(node, asked, policy) | {"coverage": shown})


@app.get("/causes/<organisation>")
def get_causes(organisation: str) -> Response[str]:
    """The reasons of bad ratings by item in a month, beside the month before, with what the facts say of them."""
    asked, node, seen, policy = _of_organisation(organisation)
    month = questions.month(asked.period)
    now, before = (scores.parts(node.partition, period) for period in (month, month.before))
    found = [change.plain() for change in compared(now, before, node.id, month.name)]
    shown = found if seen is Sight.WHOLE else access.large_causes(found, policy.min_n)
    for cause in shown:
        names = names_of(Node("item", f"{node.id}#{cause['item']}"), asked.today)
        cause |= {"item_zh": names["zh"], "item_en": names["en"]}
    return _live(_head(node, asked, policy) | {"causes": shown})


@app.get("/signals/<organisation>")
def get_signals(organisation: str) -> Response[str]:
    """What asks for a look at the ratings of an organisation; it takes nothing away."""
    asked, node, seen, policy = _of_organisation(organisation)
    _check_days(asked.period)
    found = [signal.plain() for signal in signals_of(node.id, asked.period, policy, asked.day)]
    shown = found if seen is Sight.WHOLE else access.large_signals(found, policy.min_n)
    return _live(_head(node, asked, policy) | {"signals": shown})


@app.get("/index/<organisation>")
def get_index(organisation: str) -> Response[str]:
    """The index of an organisation with its parts under the six aspects."""
    asked, node, seen, policy = _of_organisation(organisation)
    _check_days(asked.period)
    place, counts = place_of(node, asked.today), scores.counts(node, asked.period)
    found = score_of(counts, system(place.region, place.sector or None, asked.day), policy).plain()
    shown = found if seen is Sight.WHOLE else access.large_index(found, counts, policy)
    return _live(_head(node, asked, policy) | {"index": shown})


@app.get("/results")
def get_results() -> Response[str]:
    """What is published of a region, of the province where none is named: every revision of every period, in the order of periods."""
    region = questions.region(_parameter("region") or settings().province)
    rows = query(settings().scores_table, f"RESULTS#{region}")
    told = [Revision.model_validate_json(row["said"]).model_dump(mode="json", include=_TOLD) for row in rows]
    return _live({"region": region, "results": told})


@app.get("/results/<period>")
def get_result(period: str) -> Response[str]:
    """A published result as it stands in its file, the last revision where none is named."""
    return _published(period, "application/json")


@app.get("/results/<period>/page")
def get_page(period: str) -> Response[str]:
    """The same as a page to read."""
    return _published(period, "text/html")


@app.get("/openapi/scores.json")
def get_openapi() -> Response[str]:
    """What this door answers."""
    from scoring.api import openapi  # for a route that is seldom asked

    return answer(HTTPStatus.OK, openapi.document())


@app.exception_handler(Refused)  # type: ignore[untyped-decorator]  # Powertools has no types for it
def refused(reasons: Refused) -> Response[str]:
    """The answer to what is refused."""
    return refusal(reasons)


@app.not_found
def nothing_there(_: NotFoundError) -> Response[str]:
    """The answer to a path that can lead to no node."""
    return refusal(refuse("unknown_node"))


# ---------------------------------------------------------------- who asks what, and may see it


def _question() -> Question:
    """Raises Refused (`unknown_party`, `wrong_sender`, `bad_period`)."""
    on = day_of(clock.now())
    party = origin.asking(app.current_event, on)
    reader = Reader(party.role, party.regions, party.organisations, party.sectors)
    return Question(reader, questions.period(_parameter("period")), on)


def _parameter(name: str) -> str:
    return (app.current_event.query_string_parameters or {}).get(name) or ""


def _of_organisation(uscc: str) -> tuple[Question, Node, Sight, Policy]:
    """The question about the inside of an organisation, and how much of it is seen. Raises Refused."""
    asked, node = _question(), questions.node("organisation", uscc)
    return asked, node, _sight(asked, Subject.INNER, place_of(node, asked.today)), policy_of(node, asked.today, asked.day)


def _sight(asked: Question, subject: Subject, place: Place) -> Sight:
    seen = access.sight(asked.reader, subject, place)
    if seen is Sight.NOTHING:
        raise refuse("out_of_scope", "party")
    return seen


def _check_days(period: Period) -> None:
    if len(period.days) > MOST_DAYS:
        raise refuse("sum_over_too_much", "period", "at most a quarter")


def _check_siblings(kind: str, owner: Node, period: Period) -> None:
    if kind in OF_AN_ORGANISATION:
        return _check_days(period)
    under = f"base#{owner.id}" if kind == "base" else f"region#{owner.id}"
    listed = registry.listed("item" if kind == "base" else kind, under)
    if len(listed) * len(period.days) > MOST_SIBLING_DAYS:
        raise refuse("sum_over_too_much", "period")
    return None


def _check_organisations(region: str) -> None:
    found = (uscc for code in registry.regions_from(region) for uscc in registry.listed("organisation", f"region#{code}"))
    if len(list(islice(found, MOST_ORGANISATIONS + 1))) > MOST_ORGANISATIONS:
        raise refuse("sum_over_too_much", "id", f"a region of at most {MOST_ORGANISATIONS} organisations")


# ---------------------------------------------------------------- what is answered


def _live(body: dict[str, Any]) -> Response[str]:
    return lasting(app.current_event, json.dumps(body, ensure_ascii=False), seconds=LIVE_SECONDS)


def _published(period: str, media: str) -> Response[str]:
    asked, revision = questions.period(period), questions.revision(_parameter("revision"))
    region = questions.region(_parameter("region") or settings().province)
    held = [one for one in revisions(region, asked.name) if revision in (None, one.revision)]
    if not held:
        raise refuse("not_published", "period")
    place: Any = {"Bucket": settings().results_bucket, "Key": held[-1].files[media]}
    file = s3().get_object(**place)
    if file["ContentLength"] > MOST_BYTES:
        return _elsewhere(place)
    seconds = FOR_EVER_SECONDS if revision else LATEST_SECONDS
    return lasting(app.current_event, file["Body"].read().decode(), seconds=seconds, content_type=f"{media}; charset=utf-8")


def _elsewhere(place: Any) -> Response[str]:
    """Where a file can be had that is too long for an answer, for five minutes."""
    link = s3().generate_presigned_url("get_object", Params=place, ExpiresIn=LATEST_SECONDS)
    return Response(HTTPStatus.SEE_OTHER.value, None, "", headers={"Location": link, "Cache-Control": "no-store"})


def _head(node: Node, asked: Question, policy: Policy) -> dict[str, Any]:
    return {
        "node": {"kind": node.kind, "id": node.id, **names_of(node, asked.today)},
        "period": asked.period.name,
        "policy_version": policy.version,
        "min_n": policy.min_n,
    }


def _places(
    asked: Question, kind: str, owner: Node, ranked: list[rankings.Place], large: Callable[[rankings.Place], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The rows of a ranking. Those that may not be seen are left out, and leave a gap in the ranks."""
    for place in ranked:
        node = questions.sibling(kind, owner, place.id)
        seen = access.sight(asked.reader, subject_of(node.kind), place_of(node, asked.today))
        if seen is not Sight.NOTHING:
            yield (place.plain() if seen is Sight.WHOLE else large(place)) | names_of(node, asked.today)


def _by_day(node: Node, period: Period) -> dict[date, Counter[str]]:
    if node.kind not in OF_AN_ORGANISATION:
        return scores.by_day(node, period)
    found: dict[date, Counter[str]] = {day: Counter() for day in period.days}
    for item in scores.items_of(node.partition, period):
        day, _, part = item["sk"].partition("#")
        if node.kind == "staff":
            found[date.fromisoformat(day)].update(counters.under(scores.counters_of(item), counters.of_staff(node.part, "")))
        elif part == node.part:
            found[date.fromisoformat(day)].update(scores.counters_of(item))
    return found


def _figures(counts: Mapping[str, int], policy: Policy, seen: Sight) -> dict[str, Any]:
    whole = {"total": scores.ratings_in(counts), "figures": indicators.figures(counts, policy)}
    return whole if seen is Sight.WHOLE else access.large_node(whole, policy)
