"""What a published result says, what it withholds, and how it reads."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import date
from fractions import Fraction
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.codes import Level, Provenance, RatingChannel, Signal
from policy.evaluation import Entry, Evaluation
from policy.rules import Policy
from scoring.figures.causes import Cause
from scoring.figures.covered import Coverage, Dimension, Kind
from scoring.figures.index import score_of
from scoring.figures.indicators import INDICATORS
from scoring.figures.signals import Found
from scoring.period import Period
from scoring.published.page import _DEFINITIONS, page, titles
from scoring.published.results import Edition, Material, Result, Subject, Unit, made
from scoring.published.sheets import sheet
from scoring.published.suppression import withheld

POLICY = Policy(version="330000000000@2020-01-01")
PROVINCE, CITY, COUNTY = "province#330000000000", "city#330100000000", "county#330106000000"
COVERAGE = Coverage(
    of="330000000000",
    period="2026-11",
    on=date(2026, 11, 30),
    dimensions=(Dimension(kind=Kind.ORGANISATION, numerator=1, denominator=2, missing={"unit-9": 3}),),
    without_channel=("item-1",),
    unlisted_items=3,
    unlisted_organisations=12,
    unknown_windows={},
)


def ratings(good: int, bad: int = 0, provenance: str = "SELF_DEVICE", **further: int) -> Counter[str]:
    said = {f"VISIT.1.{provenance}.SATISFIED": good, f"VISIT.1.{provenance}.VERY_DISSATISFIED": bad}
    return Counter(said | {name.replace("__", "."): amount for name, amount in further.items()})


def edition(period: str = "2026-11", revision: int = 1, **changes) -> Edition:
    held = Period.of(period)
    said = {
        "region_code": "330000000000",
        "zh": "浙江省",
        "en": "Zhejiang",
        "period": period,
        "first_day": held.first,
        "last_day": held.last,
        "revision": revision,
        "published_on": date(2026, 12, 4),
        "code_version": "0.1.0",
    }
    return Edition(**said | changes)


def subject(key: str, counts: Counter[str], within: str | None = None, table: str = "place", **names: str) -> Subject:
    kind, _, id = key.partition("#")
    return Subject(kind, id, names.get("zh", f"名{id}"), names.get("en", f"name {id}"), counts, within, table)


def tree(units: dict[str, Counter[str]], **beyond: Counter[str]) -> list[Subject]:
    """A province of one city and one county with these organisations, and what the county has beyond them."""
    whole = sum([*units.values(), *beyond.values()], Counter())
    places = [subject(PROVINCE, whole), subject(CITY, whole, PROVINCE), subject(COUNTY, whole, CITY)]
    return places + [subject(f"organisation#{id}", counts, COUNTY) for id, counts in units.items()]


def published(subjects: list[Subject], policy: Policy = POLICY, units: dict[str, Unit] | None = None, before=None, **changes) -> Result:
    return made(
        edition(**changes), Material(subjects, units or {}, COVERAGE, {"330131001000": ("营业执照登记", "licence")}), policy, before
    )


def own(result: Result) -> dict[str, int | None]:
    return {node.id: node.rows["own"].total for node in result.nodes}


# ---------------------------------------------------------------- what is withheld


def test_the_figures_of_few_ratings_are_withheld_and_so_is_the_next_smallest_sibling():
    result = published(tree({"a": ratings(300), "b": ratings(40), "c": ratings(4)}))
    assert own(result) == {"330000000000": 344, "330100000000": 344, "330106000000": 344, "a": 300, "b": None, "c": None}
    small = next(node for node in result.nodes if node.id == "c")
    assert (small.rows["own"].cells, small.rows["own"].suppressed) == (None, True)
    assert (small.indicators["good_rate"].numerator, small.indicators["good_rate"].rate, small.indicators["good_rate"].suppressed) == (
        None,
        None,
        True,
    )


def test_two_small_siblings_hide_each_other_only_if_together_they_are_enough():
    assert own(published(tree({"a": ratings(300), "b": ratings(40), "c": ratings(8), "d": ratings(7)})))["b"] == 40
    assert own(published(tree({"a": ratings(300), "b": ratings(40), "c": ratings(3), "d": ratings(2)})))["b"] is None


def test_so_many_siblings_of_one_rating_each_are_not_enough():
    ones = {f"one-{n}": ratings(1) for n in range(10)}
    assert own(published(tree({"a": ratings(300), "b": ratings(40), **ones})))["b"] is None


def test_an_organisation_without_ratings_is_shown_and_hides_nobody():
    result = own(published(tree({"a": ratings(300), "b": ratings(40), "c": ratings(4), "d": Counter()})))
    assert (result["d"], result["b"]) == (0, None)


def test_what_a_total_has_beyond_its_children_is_one_of_them():
    assert own(published(tree({"a": ratings(300)}, beyond=ratings(3))))["a"] is None
    assert own(published(tree({"a": ratings(300)}, beyond=ratings(30))))["a"] == 300
    assert own(published(tree({"a": ratings(300), "b": ratings(40), "c": ratings(4)}, beyond=ratings(30))))["b"] == 40


def test_what_lies_below_a_withheld_total_is_withheld():
    whole = ratings(404)
    far, other = "county#330102000000", "organisation#x"
    subjects = [subject(PROVINCE, whole), subject(CITY, whole, PROVINCE), subject(far, ratings(4), CITY)]
    subjects += [subject(COUNTY, ratings(400), CITY), subject(other, ratings(400), COUNTY)]
    assert own(published(subjects)) == {"330000000000": 404, "330100000000": 404, "330102000000": None, "330106000000": None, "x": None}


def test_an_only_child_takes_its_total_with_it():
    sizes = {"root": 500, "big": 400, "total": 100, "child": 100}
    tables = {"root": [["big", "total"]], "total": [["child"]]}
    assert withheld(tables, "root", sizes, 10) == frozenset()
    assert withheld(tables, "root", sizes, 10, frozenset({"child"})) == {"child", "total", "big"}


def test_rows_are_looked_at_one_by_one_and_levels_are_shown_however_few():
    mixed = ratings(300, 1) + ratings(4, provenance="PAPER_ENTERED")
    result = published(tree({"a": mixed, "b": ratings(50), "c": ratings(90)}))
    held = next(node for node in result.nodes if node.id == "a").rows
    assert held["own"].cells == {level.value: {"SATISFIED": 300, "VERY_DISSATISFIED": 1}.get(level, 0) for level in Level}
    assert (held["assisted"].total, held["assisted"].suppressed) == (None, True)
    assert (held["imported"].total, held["imported"].suppressed) == (0, False)


def test_an_indicator_is_withheld_where_a_row_of_it_is():
    telephone = Policy(version="1", valid_provenances=frozenset({Provenance.SELF_DEVICE, Provenance.HOTLINE_CALLBACK}))
    mixed = ratings(300) + ratings(4, provenance="HOTLINE_CALLBACK") + Counter({"finished": 400, "rated.SELF_DEVICE": 300})
    other = ratings(300) + ratings(20, provenance="HOTLINE_CALLBACK") + Counter({"finished": 400, "rated.SELF_DEVICE": 300})
    result = published(tree({"a": mixed, "b": other, "c": other + other}), telephone)
    shown = {node.id: {name for name, held in node.indicators.items() if not held.suppressed} for node in result.nodes}
    assert {name for name in ("good_rate", "bad_rate", "active_good_rate", "unrated_rate") if name in shown["a"]} == {"active_good_rate"}
    assert {"good_rate", "active_good_rate", "unrated_rate", "participation_rate"} <= shown["c"]


def test_overruns_are_a_part_of_the_finished_services():
    late = Counter({"finished": 100, "flag.OVERRUN": 2, "flag.OVERRUN_UNEXPLAINED": 1})
    shown = published(tree({"a": ratings(50) + late, "b": ratings(50) + late})).nodes[-1].indicators
    assert (shown["within_limit_rate"].numerator, shown["within_limit_rate"].denominator) == (97, 100)
    assert (shown["explained_overrun_rate"].numerator, shown["explained_overrun_rate"].denominator) == (2, 3)
    assert (shown["explained_overrun_rate"].rate, shown["explained_overrun_rate"].suppressed) == (None, False)


counts_of_a_unit = st.builds(
    lambda own, assisted, due: (
        ratings(own, min(own, 1)) + ratings(assisted, provenance="PAPER_ENTERED") + Counter({"case.REPLY_DUE": due, "finished": 2 * own})
    ),
    st.integers(0, 40),
    st.integers(0, 15),
    st.integers(0, 15),
)


@st.composite
def provinces(draw) -> list[Subject]:
    """A province with cities, counties, organisations, channels; and at each level something that lies in none of the parts, or nothing."""
    subjects: list[Subject] = []
    cities = []
    for city in range(draw(st.integers(1, 3))):
        counties = []
        for county in range(draw(st.integers(1, 3))):
            units = draw(st.lists(counts_of_a_unit, max_size=4))
            counts = sum(units, draw(st.sampled_from([Counter(), ratings(2), ratings(30)])))
            counties.append(counts)
            key = f"county#{city}{county}"
            subjects.append(subject(key, counts, f"city#{city}"))
            subjects += [subject(f"organisation#{city}{county}{n}", unit, key) for n, unit in enumerate(units)]
        counts = sum(counties, draw(st.sampled_from([Counter(), ratings(5)])))
        cities.append(counts)
        subjects.append(subject(f"city#{city}", counts, PROVINCE))
    whole = sum(cities, Counter())
    through = draw(st.integers(0, whole["VISIT.1.SELF_DEVICE.SATISFIED"]))
    split = [through, whole["VISIT.1.SELF_DEVICE.SATISFIED"] - through]
    channels = [subject(f"channel#{name}", ratings(n), PROVINCE, "channel") for name, n in zip(RatingChannel, split, strict=False)]
    return [subject(PROVINCE, whole), *subjects, *channels]


def determined(result: Result, subjects: list[Subject], shown: dict[str, int | None], sizes: dict[str, int]) -> set[str]:
    """The withheld numbers that follow from those shown, for somebody who knows which totals are no more than their parts."""
    tables: dict[tuple[str, str], list[str]] = {}
    for one in subjects:
        if one.within:
            tables.setdefault((one.within, one.table), []).append(one.key)
    unknown = sorted({key for key, number in shown.items() if number is None})
    rows = []
    for (total, table), parts in tables.items():
        beyond = [f"beyond {total} {table}"] if sizes[total] != sum(sizes[part] for part in parts) else []
        unknown += beyond
        rows.append({**dict.fromkeys((*parts, *beyond), 1), total: -1})
    matrix = [[Fraction(row.get(name, 0)) for name in unknown] for row in rows]
    return {unknown[alone[0]] for row in reduced(matrix) if len(alone := [n for n, value in enumerate(row) if value]) == 1}


def reduced(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """The reduced row echelon form."""
    done = 0
    for column in range(len(matrix[0]) if matrix else 0):
        pivot = next((n for n in range(done, len(matrix)) if matrix[n][column]), None)
        if pivot is None:
            continue
        matrix[done], matrix[pivot] = matrix[pivot], matrix[done]
        matrix[done] = [value / matrix[done][column] for value in matrix[done]]
        for n, row in enumerate(matrix):
            if n != done and row[column]:
                matrix[n] = [value - row[column] * by for value, by in zip(row, matrix[done], strict=True)]
        done += 1
    return matrix


@pytest.mark.property
@given(provinces(), st.integers(1, 12))
def test_no_withheld_number_follows_from_what_is_published(subjects, min_n):
    policy = Policy(version="1", min_n=min_n)
    result = published(subjects, policy)
    nodes = {node.key: node for node in result.nodes}
    for row in ("own", "assisted"):
        prefix = "VISIT.1.SELF_DEVICE." if row == "own" else "VISIT.1.PAPER_ENTERED."
        sizes = {one.key: sum(amount for name, amount in one.counts.items() if name.startswith(prefix)) for one in subjects}
        check(result, subjects, {key: nodes[key].rows[row].total for key in nodes}, sizes, min_n)
    for name in ("good_rate", "reply_rate", "unrated_rate", "within_limit_rate"):
        sizes = {one.key: INDICATORS[name].of(one.counts, policy).denominator for one in subjects}
        check(result, subjects, {key: nodes[key].indicators[name].denominator for key in nodes}, sizes, min_n)


def check(result: Result, subjects: list[Subject], shown: dict[str, int | None], sizes: dict[str, int], min_n: int) -> None:
    assert all(number == sizes[key] for key, number in shown.items() if number is not None)
    assert all(shown[key] is None for key, size in sizes.items() if 0 < size < min_n)
    assert all(shown[key] == 0 for key, size in sizes.items() if size == 0)
    withheld_and_known = {key for key in determined(result, subjects, shown, sizes) if not key.startswith("beyond")}
    assert withheld_and_known == set()
    for total in {one.within for one in subjects if one.within and shown[one.within] is not None}:
        hidden = [sizes[one.key] for one in subjects if one.within == total and one.table == "place" and shown[one.key] is None]
        beyond = abs(sizes[total] - sum(sizes[one.key] for one in subjects if one.within == total and one.table == "place"))
        if hidden:
            group = [*hidden, *([beyond] if beyond else [])]
            assert len(group) > 1
            assert sum(group) >= max(min_n, len(group) + 1)


# ---------------------------------------------------------------- what it says


def test_defaults_stand_apart_and_are_in_no_rate():
    result = published(tree({"a": ratings(20, 5) + ratings(500, provenance="DEFAULT")}))
    assert (result.region.rows["default"].total, result.region.rows["own"].total) == (500, 25)
    assert (result.region.indicators["good_rate"].numerator, result.region.indicators["good_rate"].denominator) == (20, 25)


def test_follow_ups_and_excluded_ratings_stand_apart():
    further = Counter({"VISIT.2.SELF_ONLINE.SATISFIED": 12, "excluded.MISTAKE.VISIT.1.SELF_DEVICE.DISSATISFIED": 11})
    rows = published(tree({"a": ratings(20) + further})).region.rows
    assert (rows["own"].total, rows["follow_ups"].cells, rows["excluded"].cells) == (20, {"SATISFIED": 12}, {"MISTAKE": 11})


def test_a_rate_stands_with_its_numbers_and_its_interval():
    figure = published(tree({"a": ratings(90, 10)})).region.indicators["good_rate"]
    assert (figure.numerator, figure.denominator, figure.rate) == (90, 100, 0.9)
    assert 0.82 < figure.low < 0.9 < figure.high < 0.95


def test_siblings_are_ranked_by_what_is_sure_and_few_are_not_ranked():
    units = {"good": ratings(990, 10), "small": ratings(12), "worse": ratings(900, 100), "few": ratings(9)}
    (places,) = [one.places for one in published(tree(units)).rankings if (one.kind, one.indicator) == ("organisation", "good_rate")]
    assert [(place.id, place.rank) for place in places] == [("good", 1), ("worse", 2)]


def test_places_move_against_what_was_published_before():
    before = published(tree({"a": ratings(90, 10), "b": ratings(99, 1), "c": ratings(50, 50)}))
    now = published(tree({"a": ratings(99, 1), "b": ratings(90, 10), "d": ratings(50, 50)}), before=before)
    (places,) = [one.places for one in now.rankings if (one.kind, one.indicator) == ("organisation", "good_rate")]
    assert [(place.id, place.moved) for place in places] == [("a", 1), ("b", -1), ("d", None)]


def flagged() -> Unit:
    return Unit(found=[Found(Signal.SAME_TAGS, 190, 200, 200, "510", "办事很顺利", "reasons 510")])


def test_raw_and_adjusted_figures_stand_side_by_side():
    result = published(tree({"a": ratings(200), "b": ratings(80, 20)}), units={"a": flagged(), "b": Unit()})
    raw, adjusted = result.region.indicators["good_rate"], result.adjusted.indicators["good_rate"]
    assert ((raw.numerator, raw.denominator), (adjusted.numerator, adjusted.denominator)) == ((280, 300), (80, 100))
    assert result.adjusted.left_out == 1
    assert [(one.signal, one.organisations) for one in result.adjusted.signals] == [(Signal.SAME_TAGS, 1)]


def test_an_adjusted_figure_is_withheld_where_it_would_tell_what_an_organisation_has():
    units = {"a": ratings(200) + Counter({"case.REPLY_DUE": 4}), "b": ratings(80, 20) + Counter({"case.REPLY_DUE": 40})}
    result = published(tree(units), units={"a": flagged(), "b": Unit()})
    assert result.region.indicators["reply_rate"].denominator == 44
    assert result.adjusted.indicators["reply_rate"].suppressed
    assert not result.adjusted.indicators["good_rate"].suppressed


def cause(number: int, organisation: str = "a", tag: str = "213") -> Cause:
    item = f"{'9' * 18}4330131001000"
    return Cause(tag, "业务不熟练", "x", item, organisation, "2026-11", number, 0, 3, number - 3, 77)


def test_causes_are_listed_from_the_minimum_on_and_without_the_ratings_of_their_item():
    units = {"a": ratings(200, 100), "b": ratings(200), "c": ratings(5)}
    held = {"a": Unit(causes=[cause(9), cause(31, tag="115")]), "b": Unit(), "c": Unit(causes=[cause(12, "c")])}
    (listed,) = published(tree(units), units=held).causes
    assert (listed.tag, listed.number, listed.item_zh) == ("115", 31, "营业执照登记")
    # Three that the facts do not confirm are too few to be told, and so are then the other two.
    assert (listed.confirmed, listed.not_confirmed, listed.not_checkable) == (None, None, None)
    assert "77" not in listed.model_dump_json()


def test_reasons_are_counted_for_the_province():
    said = {"tag.213": 20, "tag.209.CONFIRMED": 30, "tag.209.NOT_CONFIRMED": 10, "tag.208": 2}
    tags = published(tree({"a": ratings(200) + Counter(said)})).tags
    assert [(tag.tag, tag.number, tag.level) for tag in tags] == [("209", 40, Level.DISSATISFIED), ("213", 20, Level.DISSATISFIED)]
    assert published(tree({"a": ratings(5) + Counter({"tag.213": 20})})).tags == ()


def test_an_index_is_withheld_where_one_of_its_parts_is():
    entry = {"aspect": "SERVICE_QUALITY", "weight": 1, "floor": 0, "target": 1, "source": "x"}
    system = Evaluation(version="v1", entries=(Entry(indicator="good_rate", **entry),))
    units = {"a": ratings(300), "b": ratings(40), "c": ratings(4)}
    held = {id: Unit(score=score_of(counts, system, POLICY)) for id, counts in units.items()}
    indexes = {node.id: node.index for node in published(tree(units), units=held).nodes if node.kind == "organisation"}
    assert (indexes["a"].score, indexes["a"].version, indexes["b"], indexes["c"]) == (100, "v1", None, None)


def test_coverage_names_who_has_no_ratings_and_no_small_number():
    held = published(tree({"a": ratings(20)})).coverage
    assert (held.unrated_organisations, held.items_without_channel) == (("unit-9",), 1)
    assert (held.unlisted_items, held.unlisted_organisations) == (None, 12)
    assert '"missing"' not in held.model_dump_json()


def test_staff_are_nowhere_in_it():
    staff = Counter({"staff.v1:abcdef.VISIT.1.SELF_DEVICE.SATISFIED": 50, "hour.T1.09": 50, "set.510+517": 50, "delay.SECONDS_10": 50})
    result = published(tree({"a": ratings(50) + staff}))
    for text in (result.text(), page(result), sheet(result)):
        assert not any(name in text for name in ("staff", "v1:abcdef", "hour.", "T1", "510+517", "SECONDS_10"))


def test_the_same_counts_are_the_same_text_whatever_their_order():
    mixed = ratings(50, 3) + ratings(20, provenance="PAPER_ENTERED") + Counter({"tag.213": 2, "tag.115": 2, "flag.OVERRUN": 1})
    turned = Counter(dict(reversed(mixed.items())))
    assert published(tree({"a": mixed})).text() == published(tree({"a": turned})).text()


def test_the_digest_is_of_the_figures_alone():
    subjects = tree({"a": ratings(90, 10), "b": ratings(99, 1)})
    first = published(subjects)
    before = published(tree({"a": ratings(99, 1), "b": ratings(90, 10)}))
    again = published(subjects, revision=2, published_on=date(2027, 1, 1), earlier=(date(2026, 12, 4),), code_version="9", before=before)
    assert again.text() != first.text()
    assert again.digest() == first.digest()
    assert published(tree({"a": ratings(90, 10), "b": ratings(99, 2)})).digest() != first.digest()


def test_a_result_is_read_as_it_was_written():
    result = published(tree({"a": ratings(90, 10), "b": ratings(5)}))
    assert Result.model_validate_json(result.text()) == result
    assert json.loads(result.text())["format"] == "haochaping.result.v1"


# ---------------------------------------------------------------- how it reads

_VOID = {"meta", "br"}


class Checked(HTMLParser):
    """Reads a page and notes what is wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.wrong += [f"{tag} {name}={value}" for name, value in attrs if name.startswith("on") or name == "src" or "//" in (value or "")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"/{tag}")

    def handle_data(self, data):
        self.text += data


def read(html: str) -> Checked:
    checked = Checked()
    checked.feed(html)
    checked.close()
    assert (checked.wrong, checked.open) == ([], [])
    return checked


def a_full_result(**changes) -> Result:
    units = {"a": ratings(200, 30) + Counter({"tag.213": 12, "tag.115": 4}), "b": ratings(300, 3), "c": ratings(5), "d": ratings(60)}
    subjects = tree(units)
    subjects += [subject(f"day#2026-11-{day:02}", ratings(10 * day), PROVINCE, "time") for day in range(1, 31)]
    subjects += [subject("channel#QR", ratings(100, 10), PROVINCE, "channel", zh="二维码", en="QR code")]
    held = {"a": Unit(found=flagged().found, causes=[cause(12)]), "b": Unit(), "c": Unit()}
    return published(subjects, units=held, **changes)


def test_the_page_is_well_formed_and_loads_nothing():
    checked = read(page(a_full_result()))
    assert checked.tags["script"] == checked.tags["img"] == checked.tags["link"] == 0
    assert checked.tags["svg"] > 10
    assert "url(" not in page(a_full_result())


def test_the_page_says_the_headline_with_its_numbers_in_chinese_first():
    text = read(page(a_full_result())).text
    assert text.index("浙江省政务服务“好差评”结果：2026年11月") < text.index("Ratings of government services in Zhejiang, November 2026")
    assert "565 / 598" in text
    assert "94.48%" in text
    for said in ("不公布", "二维码", "业务不熟练", "营业执照登记", "330000000000@2020-01-01", "0.1.0", "提示复核的信号", "指标定义"):
        assert said in text


def test_what_is_withheld_is_not_on_the_page_either():
    units = {"a": ratings(300), "b": ratings(47), "c": ratings(5)}
    text = read(page(published(tree(units)))).text
    assert "47 / 47" not in text
    assert "5 / 5" not in text
    assert "300 / 300" in text


def test_a_revision_names_the_earlier_ones_and_their_dates():
    text = read(page(a_full_result(revision=2, published_on=date(2026, 12, 9), earlier=(date(2026, 12, 4),)))).text
    assert "第2版，2026-12-09 公布" in text
    assert "第1版 2026-12-04" in text


@pytest.mark.parametrize(
    ("period", "zh", "en"),
    [("2026-11", "2026年11月", "November 2026"), ("2026-Q4", "2026年第4季度", "quarter 4 of 2026"), ("2026", "2026年", "2026")],
)
def test_a_period_has_its_name(period, zh, en):
    assert titles(published(tree({"a": ratings(20)}), period=period)) == (
        f"浙江省政务服务“好差评”结果：{zh}",
        f"Ratings of government services in Zhejiang, {en}",
    )


NASTY = "<script>alert('x')</script>\"&"


def test_names_are_text_and_nothing_else():
    subjects = tree({"a": ratings(100), "b": ratings(200, 1)})
    subjects[3] = subjects[3]._replace(zh=NASTY, en=NASTY)
    held = {"a": Unit(causes=[cause(12)._replace(zh=NASTY, tag=NASTY[:3])])}
    html = page(published(subjects, units=held, zh=NASTY, code_version=NASTY))
    checked = read(html)
    assert checked.tags["script"] == 0
    assert NASTY in checked.text


@pytest.mark.property
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_whatever_a_name_holds_the_page_stays_well_formed(name):
    subjects = tree({"a": ratings(100), "b": ratings(200, 1)})
    subjects[3] = subjects[3]._replace(zh=name, en=name)
    read(page(published(subjects)))


def test_every_indicator_is_explained_in_chinese():
    assert _DEFINITIONS.keys() == INDICATORS.keys()


def test_a_result_that_an_earlier_version_began_can_be_finished():
    result = a_full_result()
    node = result.region.model_copy(update={"indicators": {"good_rate": result.region.indicators["good_rate"]}})
    older = result.model_copy(update={"nodes": (node, *result.nodes[1:])})
    assert "565 / 598" in read(page(older)).text
    assert sheet(older).count("\r\n") == 1 + (len(result.nodes) - 1) * len(INDICATORS) + 1


def test_a_province_of_many_organisations_folds_them_away():
    many = published(tree({f"unit-{n}": ratings(50, n % 7) for n in range(80)}))
    assert read(page(many)).tags["details"] == 1


def test_the_table_has_a_row_for_each_node_and_indicator():
    result = published(tree({"a": ratings(300), "b": ratings(40), "c": ratings(4)}))
    text = sheet(result)
    assert text.startswith("\ufeff周期 period,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == len(result.nodes) * len(INDICATORS)
    found = {row["编码 id"]: row for row in rows if row["指标 indicator"] == "good_rate"}
    assert (found["a"]["分子 numerator"], found["a"]["分母 denominator"], found["a"]["比率 rate"]) == ("300", "300", "1.0")
    assert (found["c"]["分子 numerator"], found["c"]["分母 denominator"], found["c"]["数量过少不公布 suppressed"]) == ("", "", "是 yes")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_name_is_no_formula(name):
    subjects = tree({"a": ratings(300)})
    subjects[3] = subjects[3]._replace(zh=name, en=name)
    rows = list(csv.reader(io.StringIO(sheet(published(subjects)), newline="")))
    assert {(row[4], row[5]) for row in rows if row[3] == "a"} == {(f"'{name}", f"'{name}")}
