"""What rankings, coverage, signals and the index are read from: the register and the scores, as real messages left them."""

from __future__ import annotations

from datetime import date

import pytest

from bed import CONTEXT, lambda_record
from cloud import registry
from cloud.table import marshal
from contract.catalogue import Item
from contract.ledger import CountedRating, CountedService, RatingFacts
from contract.zone import day_of
from facts import rating_facts
from haochaping.measure.modelled import modelled
from policy.rules import Policy, SignalRules
from said import AT, ORGANISATION, event, letter, rating
from scoring.app import count
from scoring.figures.coverage import coverage_of
from scoring.figures.covered import Kind
from scoring.figures.evidence import signals_of
from scoring.figures.rankings import ranking
from scoring.figures.siblings import NoSiblings, siblings
from scoring.figures.systems import index_of, system
from scoring.period import Period
from scoring.scores import ratings_in

COUNTY, CITY, BASE = "330106000000", "330100000000", "330131001000"
BUREAU, ELSEWHERE = "11330106MB0000005W", "11330203MB0000007W"
DAY = ON = date(2026, 11, 24)
PERIOD = Period.of("2026-11")
POLICY = Policy(version="test", min_n=1)


def register(kind: str, id: str, **value) -> None:
    registry.add(registry.Record(kind=kind, id=id, valid_from="2020-01-01", value=value))
    registry.forget()


def guide(organisation: str, base: str = BASE, channels: tuple[str, ...] = ("QR", "HALL_TABLET")) -> str:
    """Registers an item with its guide; its task code."""
    item = Item(
        zh="营业执照登记",
        item_type="LICENCE",
        handling_type="INSTANT",
        accepting_unit="综合窗口",
        channels=("OFFLINE",),
        conditions="无",
        materials=("申请书",),
        procedure=("受理",),
        fee="不收费",
        rating_channels=channels,
        legal_basis="市场主体登记管理条例",
    )
    code = f"{organisation}4{base}"
    register("item", code, **item.plain())
    return code


def ledger(sk: str, entry: RatingFacts | CountedService, number: int) -> dict:
    """An entry of the Ledger as its stream hands it over."""
    item = marshal({"pk": f"P#{number}", "sk": sk, **entry.plain()})
    change = {"Keys": {name: item[name] for name in ("pk", "sk")}, "NewImage": item, "SequenceNumber": str(number)}
    return lambda_record(
        {"eventID": str(number), "eventName": "INSERT", "dynamodb": change | {"ApproximateCreationDateTime": 1}}, "LedgerTable"
    )


def served(number: int, organisation: str = ORGANISATION, level: str = "VERY_SATISFIED", **changes) -> list[dict]:
    """A service and its rating."""
    where = {"organisation": organisation, "task_code": f"{organisation}4{BASE}", "region_code": COUNTY, "window": "A01"} | changes
    event = CountedService(**where, status="FINISHED", day=DAY)
    rating = CountedRating(
        **rating_facts(**where, level=level, day=DAY, tags=["213"] if level == "DISSATISFIED" else []).model_dump(),
        delay="MINUTE_1",
        hour=10,
        service_day=DAY,
    )
    return [ledger("E#01#3", event, 2 * number), ledger("R#01#1", rating, 2 * number + 1)]


@pytest.fixture
def rated():
    """Two units of one county, and one elsewhere, have been rated; scoring has counted it."""
    records = [
        *served(1, staff_ref="v1:seven"),
        *served(2, staff_ref="v1:eight", level="DISSATISFIED"),
        *served(3, staff_ref="v1:seven", window="A02"),
        *served(4, BUREAU, window=None, staff_ref="v1:nine", level="DISSATISFIED"),
        *served(5, ELSEWHERE, region_code="330203000000"),
    ]
    with modelled() as model:
        count({"Records": records, "shardId": "shardId-1"}, CONTEXT)
        yield model


def counted(found) -> dict[str, int]:
    return {id: ratings_in(counts) for id, counts in found.items()}


def test_the_organisations_of_a_region_are_those_that_it_registered_rated_or_not(rated):
    found = counted(siblings("organisation", COUNTY, PERIOD, ON))
    assert found == {ORGANISATION: 3, BUREAU: 1, "11330106MB00000060": 0}


def test_the_regions_of_a_city_are_its_counties_and_not_their_townships(rated):
    register("region", "330106001000", zh="北山街道", en="Beishan")
    assert counted(siblings("region", CITY, PERIOD, ON)) == {"330102000000": 0, COUNTY: 4}


def test_the_cities_of_a_province_are_siblings(rated):
    found = counted(siblings("region", "330000000000", PERIOD, ON))
    assert (found[CITY], found["330200000000"], found["330300000000"]) == (4, 1, 0)


def test_windows_staff_and_items_are_those_of_one_organisation(rated):
    assert counted(siblings("window", ORGANISATION, PERIOD, ON)) == {"A01": 2, "A02": 1}
    assert sorted(counted(siblings("staff", ORGANISATION, PERIOD, ON)).values()) == [1, 2]
    assert counted(siblings("item", ORGANISATION, PERIOD, ON)) == {f"{ORGANISATION}4{BASE}": 3}


def test_who_sits_at_no_window_is_no_window(rated):
    assert siblings("window", BUREAU, PERIOD, ON) == {}
    assert list(counted(siblings("staff", BUREAU, PERIOD, ON)).values()) == [1]


def test_what_names_no_item_is_no_item(rated):
    general = rating_facts(kind="GENERAL", object_type="ORGANISATION", task_code=None, organisation=ORGANISATION, day=DAY)
    count({"Records": [ledger("R#1", general, 99)], "shardId": "shardId-1"}, CONTEXT)
    assert list(siblings("item", ORGANISATION, PERIOD, ON)) == [f"{ORGANISATION}4{BASE}"]


def test_the_same_item_is_compared_everywhere_it_is_registered(rated):
    here, there, nowhere = guide(ORGANISATION), guide(ELSEWHERE), guide("11330302MB00000138")
    assert counted(siblings("base", BASE, PERIOD, ON)) == {here: 3, there: 1, nowhere: 0}


def test_siblings_of_another_period_have_nothing(rated):
    assert set(counted(siblings("organisation", COUNTY, PERIOD.before, ON)).values()) == {0}


def test_siblings_can_be_ranked(rated):
    places = ranking(siblings("organisation", COUNTY, PERIOD, ON), siblings("organisation", COUNTY, PERIOD.before, ON), POLICY)
    assert [(place.id, place.rank, place.moved) for place in places] == [
        (ORGANISATION, 1, None),
        (BUREAU, 2, None),
        ("11330106MB00000060", None, None),
    ]


def test_there_are_no_siblings_of_another_kind():
    with pytest.raises(NoSiblings, match=r"no siblings of this kind: galaxy.*organisation"):
        siblings("galaxy", COUNTY, PERIOD, ON)


@pytest.mark.parametrize("kind", ["item", "window", "staff"])
def test_the_parts_of_an_organisation_cost_one_query_however_many_they_are(kind):
    with modelled() as model:
        parts = ({"window": f"A{n}", "staff_ref": f"v1:{n}", "task_code": f"{ORGANISATION}43301310{n:05}"} for n in range(50))
        records = [record for n, part in enumerate(parts) for record in served(n, **part)]
        count({"Records": records, "shardId": "shardId-1"}, CONTEXT)
        model.calls.clear()
        assert len(siblings(kind, ORGANISATION, PERIOD, ON)) == 50
        assert model.calls == {"Query": 1}


# ---------------------------------------------------------------- coverage


def test_the_coverage_of_a_region_is_that_of_everything_below_it(rated):
    task = guide(ORGANISATION)
    care = guide(ORGANISATION, "332014019000", channels=())
    register("window", f"{ORGANISATION}#A01", organisation=ORGANISATION, zh="一号窗口")
    register("window", f"{ORGANISATION}#A09", organisation=ORGANISATION, zh="九号窗口")
    register("platform", "app-1", organisation=ORGANISATION, region_code=COUNTY, zh="移动端")
    found = coverage_of(CITY, PERIOD, ON)
    shares = {one.kind.value: (one.numerator, one.denominator) for one in found.dimensions}
    assert shares == {"ITEM": (1, 2), "ORGANISATION": (2, 6), "WINDOW": (1, 2), "PLATFORM": (0, 1), "CHANNEL": (1, 2)}
    assert found.dimension(Kind.ITEM).missing == {care: 0}
    assert found.without_channel == (care,)
    assert found.unknown_windows == {f"{ORGANISATION}#A02": 1}
    assert task not in found.dimension(Kind.ITEM).missing


def test_the_coverage_of_an_organisation_is_its_own(rated):
    guide(ELSEWHERE, "332014019000")
    found = coverage_of(ELSEWHERE, PERIOD, ON)
    assert (found.of, found.period) == (ELSEWHERE, PERIOD.name)
    assert found.dimension(Kind.ORGANISATION).rate == 1
    assert found.dimension(Kind.ITEM).rate == 0


def test_what_a_message_names_that_no_register_knows_shows_in_the_coverage_of_its_region(bed):
    unknown = {"organisation": "11110000000021135M", "item_code": f"11110000000021135M4{BASE}01"}
    assert bed.accept(letter(event(**unknown)), letter(rating())) == []
    bed.flow()
    found = coverage_of(COUNTY, Period.of_month(day_of(AT)), day_of(AT))
    assert found.unlisted_organisations > 0
    assert found.dimension(Kind.ORGANISATION).numerator == 0


# ---------------------------------------------------------------- signals and index


def test_the_signals_of_an_organisation_are_read_from_its_items_desks_and_register(rated):
    register("window", f"{ORGANISATION}#A01", organisation=ORGANISATION, zh="一号窗口")
    policy = Policy(version="test", signals=SignalRules(unknown_window_n=1, delay_n=1))
    found = {one.signal.value: one for one in signals_of(ORGANISATION, PERIOD, policy, ON)}
    assert (found["UNKNOWN_WINDOW"].dominant, found["UNKNOWN_WINDOW"].numerator) == ("A02", 1)
    assert (found["CONSTANT_DELAY"].numerator, found["CONSTANT_DELAY"].denominator) == (3, 3)


def test_where_no_window_is_registered_none_is_unknown(rated):
    policy = Policy(version="test", signals=SignalRules(unknown_window_n=1))
    assert "UNKNOWN_WINDOW" not in {one.signal.value for one in signals_of(ORGANISATION, PERIOD, policy, ON)}


def test_the_signals_of_an_organisation_cost_two_queries_of_its_counts():
    with modelled() as model:
        registry.find("organisation", ORGANISATION, ON)
        model.calls.clear()
        signals_of(ORGANISATION, PERIOD, POLICY, ON)
        # Items, desks, and the list of windows.
        assert model.calls == {"Query": 3}


def test_the_index_of_an_organisation_goes_by_the_system_of_the_nation_and_its_own_region(rated):
    stricter = {"indicator": "bad_rate", "aspect": "SERVICE_QUALITY", "weight": 20, "floor": 0.01, "target": 0.0, "source": "test"}
    register("index", COUNTY, entries=[stricter])
    index = index_of(ORGANISATION, PERIOD, POLICY, ON)
    assert index.version == f"000000000000@2020-01-01 {COUNTY}@2020-01-01"
    bad = next(part for aspect in index.aspects for part in aspect.parts if part.indicator == "bad_rate")
    assert (bad.weight, bad.numerator, bad.denominator, bad.score) == (20, 1, 3, 0)
    assert index_of("11110000000021135M", PERIOD, POLICY, ON) is None


def test_a_sector_has_its_system_beside_its_region(rated):
    entry = {"indicator": "contact_rate", "aspect": "RECTIFICATION", "weight": 5, "floor": 0.5, "target": 1.0, "source": "test"}
    register("index", "sector:税务", entries=[entry])
    assert "contact_rate" in {one.indicator for one in system(COUNTY, "税务", ON).entries}
    assert "contact_rate" not in {one.indicator for one in system(COUNTY, None, ON).entries}
