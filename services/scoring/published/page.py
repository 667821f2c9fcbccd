"""A published result as a page for everybody: Chinese first, one file, charts as inline SVG, no script, nothing loaded. Pure.

It is a function of the result alone. Every text that is not the code's own is escaped.
"""

from __future__ import annotations

from functools import cache
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from contract.codes import Aspect, ExclusionReason, Level
from scoring.figures.indicators import INDICATORS
from scoring.published import charts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scoring.published.results import Figure, Figures, Ranking, Result, Row

_HEADLINES = ("good_rate", "bad_rate", "participation_rate", "reply_rate", "callback_rate", "on_time_rate")
_MEANS = frozenset({"points"})
# Of more than so many organisations those of each region are folded away.
_MANY = 60
_MOST_TAGS = 10
_MOST_NAMED = 50
_ROWS = {
    "own": ("本人评价", "given by the raters themselves"),
    "assisted": ("代录评价", "taken down at the telephone or from paper"),
    "imported": ("导入评价", "held by another system"),
    "default": ("默认评价", "entered because nobody rated; in no rate"),
    "follow_ups": ("追评", "follow-ups, after the reply"),
    "general": ("综合点评", "general comments, bound to no service"),
    "supervisory": ("监督查评", "supervisory checks"),
}
_ACROSS = {
    "channel": ("评价渠道", "rating channels"),
    "service_channel": ("办理渠道", "service channels"),
    "base": ("同一事项", "the same item everywhere"),
}
_DEFINITIONS = {
    "good_rate": "有效首次评价中，达到好评等级的占比",
    "active_good_rate": "本人首次评价中，达到好评等级的占比",
    "bad_rate": "有效首次评价中，“不满意”和“非常不满意”的占比",
    "follow_up_good_rate": "追评中达到好评等级的占比；追评不改变首次评价",
    "points": "有效首次评价按分值表计算的平均分",
    "unrated_rate": "已办结的服务中，无人评价的占比；默认评价不算评价",
    "participation_rate": "已办结的服务中，由本人评价的占比",
    "appeal_rate": "已裁定的申诉中，予以支持的占比",
    "contact_rate": "联系期限已到的差评中，按时联系评价人的占比",
    "reply_rate": "回复期限已到的差评中，按时回复的占比",
    "callback_rate": "回访期限已到的实名差评中，已联系到评价人的占比",
    "rectification_rate": "需要整改的差评中，经回访核实已整改的占比",
    "rectification_satisfaction_rate": "整改后回访到的评价人中，表示满意的占比",
    "on_time_rate": "整改期限已到的差评中，在最初期限内整改的占比",
    "on_time_or_extended_rate": "整改期限已到的差评中，在最初期限或获准的延期内整改的占比",
    "within_limit_rate": "已办结的服务中，在期限内办结的占比",
    "explained_overrun_rate": "超期办结的服务中，公开说明理由的占比",
    "listed_rate": "有效首次评价中，属于清单内事项的占比",
}
_ORDER = (
    "点为好评率，线为置信区间。按区间下限排序，数量过少的不排名；▲▼为与上期相比的名次变化。",
    "Dot: the rate; line: its interval, whose lower bound gives the order; small numbers have no rank; ▲▼ places moved.",
)


def page(result: Result) -> str:
    """The whole page."""
    zh, en = titles(result)
    parts = (
        _headlines(result.region),
        _levels(result.region),
        _trend(result.of_kind("day", "month")),
        _indicators(result),
        _regions(result),
        _organisations(result),
        _across(result),
        _causes(result),
        _coverage(result),
        _signals(result),
        _definitions(),
    )
    head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'>"
    return (
        f"<!doctype html><html lang='zh-CN'><head>{head}<title>{escape(zh)}</title><style>{_style()}</style></head><body>"
        f"<header><div><h1>{escape(zh)}</h1><p lang='en'>{escape(en)}</p>{_edition(result)}</div></header>"
        f"<main>{''.join(parts)}</main>{_footer(result)}</body></html>\n"
    )


@cache
def _style() -> str:
    return resources.files("scoring.published").joinpath("page.css").read_text("utf-8")


def titles(result: Result) -> tuple[str, str]:
    """What the result is called, in Chinese and English."""
    edition = result.edition
    year, month, quarter = edition.first_day.year, edition.first_day.month, edition.last_day.month // 3
    if edition.period == f"{year}":
        zh, en = f"{year}年", f"{year}"
    elif "Q" in edition.period:
        zh, en = f"{year}年第{quarter}季度", f"quarter {quarter} of {year}"
    else:
        zh, en = f"{year}年{month}月", f"{edition.first_day:%B %Y}"
    return f"{edition.zh}政务服务“好差评”结果：{zh}", f"Ratings of government services in {edition.en}, {en}"


def _edition(result: Result) -> str:
    edition = result.edition
    said = [f"第{edition.revision}版，{edition.published_on} 公布 · Edition {edition.revision}, published on {edition.published_on}"]
    if edition.earlier:
        dates = "，".join(f"第{n}版 {on}" for n, on in enumerate(edition.earlier, 1))
        said.append(f"此前各版不变，仍可查阅 · Earlier editions stay as they were: {dates}")
    return "".join(f"<p class='edition'>{line}</p>" for line in said)


def _section(zh: str, en: str, body: str, note: tuple[str, str] | None = None, *, long: bool = False) -> str:
    told = _note(*note) if note else ""
    return f"<section{' class=long' if long else ''}><h2>{_both(zh, en)}</h2>{told}{body}</section>" if body else ""


def _note(zh: str, en: str) -> str:
    return f"<p class='note'>{zh}<br><span lang='en'>{en}</span></p>"


def _both(zh: str, en: str) -> str:
    return escape(zh) + (f" <small lang='en'>{escape(en)}</small>" if en and en != zh else "")


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table; headings and cells are HTML already. A first cell alone heads a group."""
    head = "".join(f"<th>{heading}</th>" for heading in headings)
    body = "".join(_line(first, cells, headings) for first, *cells in rows)
    return f"<div class='wide'><table class='{kind}'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _line(first: str, cells: Sequence[str], headings: Sequence[str]) -> str:
    if not cells:
        return f"<tr class='group'><th colspan='{len(headings)}'>{first}</th></tr>"
    of = [heading.partition(" <small")[0] for heading in headings[1:]]
    shown = "".join(f"<td data-of='{name}'>{cell}</td>" for name, cell in zip(of, cells, strict=True))
    return f"<tr><th>{first}</th>{shown}</tr>"


# ---------------------------------------------------------------- the province


def _headlines(region: Figures) -> str:
    return (
        "<div class='tiles'>" + "".join(_tile(name, region.indicators[name]) for name in _HEADLINES if name in region.indicators) + "</div>"
    )


def _tile(name: str, figure: Figure) -> str:
    named = INDICATORS[name]
    number = f"<b>{charts.rate(figure)}</b><i>{charts.counts(figure) or '&nbsp;'}</i>"
    return f"<div class='tile'><span>{_both(named.zh, named.en)}</span>{number}</div>"


def _levels(region: Figures) -> str:
    rows = region.rows
    bars = "".join(charts.bar(_both(*names), charts.stack(rows[row]), _total(rows[row])) for row, names in _ROWS.items())
    legend = "".join(_key(colour, _both(level.zh, level.en)) for level, colour in charts.COLOURS.items())
    cells = [(_both(*names), *(_cell(rows[row], level) for level in Level)) for row, names in _ROWS.items()]
    table = _table(("", *(_both(level.zh, level.en) for level in Level)), cells, "levels")
    note = "各来源的评价分列，互不相加；默认评价不计入任何比率。", "Ratings of different origin stand apart and are never added up."
    return _section("满意度", "levels", f"{bars}<p class='legend'>{legend}</p>{table}{_excluded(rows['excluded'])}", note)


def _key(colour: str, name: str) -> str:
    return f"<span><i style='background:{colour}'></i>{name}</span>"


def _total(row: Row) -> str:
    return charts.WITHHELD if row.total is None else f"{row.total:,}"


def _cell(row: Row, level: Level) -> str:
    return "—" if row.cells is None else f"{row.cells.get(level, 0):,}"


def _excluded(row: Row) -> str:
    if row.total == 0:
        return ""
    reasons = "，".join(f"{_reason(name)} {number:,}" for name, number in (row.cells or {}).items())
    number = f"{_total(row)}（{reasons}）" if reasons else _total(row)
    return f"<p class='note after'>经申诉排除、不计入以上各行的评价 · Excluded on appeal, in none of these rows: {number}</p>"


def _reason(name: str) -> str:
    known = ExclusionReason.__members__.get(name)
    return f"{known.zh} {known.en}" if known else "未注明 unstated"


def _trend(times: Sequence[Figures]) -> str:
    most = max((held.rows["own"].total or 0 for held in times), default=0)
    if not most:
        return ""
    legend = _key(charts.GOOD, "本人评价 own ratings") + _key(charts.BAD, "其中差评 bad ones") + _key(charts.FEW, "不公布 withheld")
    note = f"本人评价数，最高 {most:,} 条。", f"How many ratings the raters gave themselves; {most:,} at the most."
    by = ("逐日", "by day") if times[0].kind == "day" else ("逐月", "by month")
    return _section(*by, f"{charts.columns(times, most)}<p class='legend'>{legend}</p>", note)


def _indicators(result: Result) -> str:
    headings = (
        _both("指标", "indicator"),
        _both("比率", "rate"),
        _both("分子 / 分母", "of"),
        _both(f"{result.policy.confidence:.0%} 置信区间", "interval"),
        _both("调整后", "adjusted"),
    )
    rows = [row for aspect in Aspect for row in _aspect(aspect, result)]
    number = result.adjusted.left_out
    note = (
        f"“调整后”不含评价数据待复核的单位（{number} 个）；原始数据不作删改。",
        f"Adjusted figures leave out the organisations whose ratings ask for a look ({number}); nothing is deleted.",
    )
    return _section("指标", "indicators", _table(headings, rows, "stacked"), note, long=True)


def _aspect(aspect: Aspect, result: Result) -> list[tuple[str, ...]]:
    """The lines of an aspect under its name. A result that an earlier version began may lack an indicator."""
    rows: list[tuple[str, ...]] = []
    for name, raw in result.region.indicators.items():
        named, adjusted = INDICATORS.get(name), result.adjusted.indicators[name]
        if named and named.aspect is aspect:
            rate, other = (charts.rate(figure, is_mean=name in _MEANS) for figure in (raw, adjusted))
            cells = f"<b>{rate}</b>", charts.counts(raw), charts.interval(raw), f"{other} <small>{charts.counts(adjusted)}</small>"
            rows.append((_both(named.zh, named.en), *cells))
    return [(_both(aspect.zh, aspect.en),), *rows] if rows else []


# ---------------------------------------------------------------- siblings side by side


def _regions(result: Result) -> str:
    body = _lists(result, ("province", "city"), ("city", "county"))
    return _section("各地好评率", "good ratings by city and county", body, _ORDER, long=True)


def _organisations(result: Result) -> str:
    is_folded = len(result.of_kind("organisation")) > _MANY
    body = _lists(result, ("province", "city", "county"), ("organisation",), is_folded=is_folded)
    return _section("各单位好评率", "good ratings by organisation", body, _ORDER, long=True)


def _lists(result: Result, of: Sequence[str], kinds: Sequence[str], *, is_folded: bool = False) -> str:
    """Under each node its children of these kinds, all on one scale."""
    floor = charts.floor_of(_good(node) for node in result.of_kind(*kinds))
    children: dict[str | None, list[Figures]] = {}
    for node in result.of_kind(*kinds):
        children.setdefault(node.within, []).append(node)
    ranked = {(one.of, one.kind): one for one in result.rankings if one.indicator == "good_rate"}
    held = [(node, children.get(node.key, [])) for node in result.of_kind(*of)]
    lists = [(node, _bars(nodes, floor, ranked.get((node.key, nodes[0].kind)))) for node, nodes in held if nodes]
    return "".join(_list(_both(node.zh, node.en), bars, is_folded=is_folded) for node, bars in lists if bars)


def _list(name: str, bars: str, *, is_folded: bool = False) -> str:
    return f"<details><summary>{name}</summary>{bars}</details>" if is_folded else f"<h3>{name}</h3>{bars}"


def _bars(nodes: Sequence[Figures], floor: float, ranking: Ranking | None = None) -> str:
    """The good rates of nodes, in the order of the ranking if there is one; what was never rated is left out."""
    places = {place.id: place for place in (ranking.places if ranking else ())}
    shown = [node for node in nodes if _good(node).suppressed or _good(node).denominator]
    shown.sort(key=lambda node: (places[node.id].rank if node.id in places else len(nodes) + 1, _good(node).suppressed))
    lines = []
    for node in shown:
        place, figure = places.get(node.id), _good(node)
        rank, moved = (f"<span class='rank'>{place.rank}.</span>", _moved(place.moved)) if place else ("", "")
        index = f"<small>指数 index {node.index.score:.1f}</small>" if node.index else ""
        name = f"{rank}{escape(node.zh)}{moved}" + (f"<small lang='en'>{escape(node.en)}</small>" if node.en != node.zh else "")
        lines.append(charts.bar(name, charts.whisker(figure, floor), f"{charts.rate(figure)}<small>{charts.counts(figure)}</small>{index}"))
    return charts.axis(floor) + "".join(lines) if lines else ""


def _good(node: Figures) -> Figure:
    return node.indicators["good_rate"]


def _moved(moved: int | None) -> str:
    if not moved:
        return ""
    return f" <span class='up'>▲{moved}</span>" if moved > 0 else f" <span class='down'>▼{-moved}</span>"


def _across(result: Result) -> str:
    floor = charts.floor_of(_good(node) for node in result.of_kind(*_ACROSS))
    lists = [(names, _bars(result.of_kind(kind), floor)) for kind, names in _ACROSS.items()]
    body = "".join(_list(_both(*names), bars) for names, bars in lists if bars)
    return _section("渠道与事项好评率", "good ratings by channel and item", body, long=True)


# ---------------------------------------------------------------- causes, coverage, signs


def _causes(result: Result) -> str:
    bad = [tag for tag in result.tags if tag.level.is_bad][:_MOST_TAGS]
    most = max((tag.number for tag in bad), default=1)
    bars = "".join(
        charts.bar(_both(tag.zh, tag.tag), charts.length(tag.number / most, charts.COLOURS[tag.level]), f"{tag.number:,}") for tag in bad
    )
    return _section("差评原因", "reasons of bad ratings", bars + _gathered(result))


def _gathered(result: Result) -> str:
    names = {node.id: _both(node.zh, node.en) for node in result.of_kind("organisation")}
    rows = [
        (
            _both(cause.zh, cause.tag),
            f"{cause.number:,}",
            _both(cause.item_zh, cause.item_en),
            names[cause.organisation],
            " / ".join("—" if n is None else f"{n:,}" for n in (cause.confirmed, cause.not_confirmed, cause.not_checkable)),
        )
        for cause in result.causes
    ]
    checked = _both("属实 / 未证实 / 无从核对", "confirmed / not confirmed / not checkable")
    headings = (_both("原因", "reason"), _both("次数", "times"), _both("事项", "item"), _both("单位", "organisation"), checked)
    few = result.policy.min_n
    note = _note(f"同一单位同一事项满 {few} 次的原因。", f"Reasons given at least {few} times for one item of one organisation.")
    return f"<h3>{_both('集中之处', 'where they gather')}</h3>{note}{_table(headings, rows, 'stacked texts')}" if rows else ""


def _coverage(result: Result) -> str:
    held = result.coverage
    bars = "".join(
        charts.bar(
            _both(row.zh, row.en),
            charts.length(row.rate, charts.COLOURS[Level.VERY_SATISFIED]),
            f"{charts.share(row.rate)}<small>{row.numerator:,} / {row.denominator:,}</small>",
        )
        for row in held.rows
        if row.rate is not None
    )
    said = (
        ("没有任何评价的单位 · Organisations that nobody rated", _unrated(result)),
        ("指南未公布评价渠道的事项 · Items whose guide names no way to rate", held.items_without_channel),
        ("清单外事项的评价 · Ratings of unlisted items", held.unlisted_items),
        ("未登记单位的评价 · Ratings of unlisted organisations", held.unlisted_organisations),
    )
    notes = "".join(
        f"<p class='note after'>{what}: {f'{value:,}' if isinstance(value, int) else value}</p>" for what, value in said if value
    )
    note = "已登记的事项、单位、窗口、平台和渠道中，本期有人评价的占比。", "How much of what is registered somebody rated in this period."
    return _section("覆盖", "coverage", bars + notes, note)


def _unrated(result: Result) -> str:
    names = {node.id: node.zh for node in result.of_kind("organisation")}
    missing = [escape(names.get(id, id)) for id in result.coverage.unrated_organisations]
    more = len(missing) - _MOST_NAMED
    return "，".join(missing[:_MOST_NAMED]) + (f"，等，另有 {more} 个 and {more} more" if more > 0 else "")


def _signals(result: Result) -> str:
    rows = [(_both(one.zh, one.en), f"{one.organisations:,}") for one in result.adjusted.signals]
    note = "信号只提示复核，不是结论，不删除任何评价。", "A sign asks for a look; it is no finding, and takes no rating away."
    table = _table((_both("信号", "sign"), _both("单位数", "organisations")), rows)
    return _section("提示复核的信号", "signs that ask for a look", table if rows else "", note)


# ---------------------------------------------------------------- what it means


def _definitions() -> str:
    rows = "".join(
        f"<tr><th>{_both(held.zh, held.en)}</th><td class='text'>{escape(_DEFINITIONS.get(name, ''))}"
        f"<small lang='en'>{escape(_defined(name))}</small></td></tr>"
        for name, held in INDICATORS.items()
    )
    return _section("指标定义", "definitions", f"<table class='stacked'><tbody>{rows}</tbody></table>", long=True)


def _defined(indicator: str) -> str:
    """The first sentence of the indicator's own description, without its name."""
    text = " ".join((INDICATORS[indicator].of.__doc__ or "").split())
    return text.partition(": ")[2].partition(". ")[0].rstrip(".")


def _footer(result: Result) -> str:
    edition, policy = result.edition, result.policy
    rows = {
        "各版日期 editions": "，".join(f"{n}: {on}" for n, on in enumerate((*edition.earlier, edition.published_on), 1)),
        "好评等级 good levels": "、".join(level.zh for level in policy.good_levels),
        "有效评价 valid ratings": "、".join(one.zh for one in policy.valid_provenances),
        "规则版本 policy": policy.version,
        "程序版本 code": edition.code_version,
    }
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows.items())
    few = _note(
        f"少于 {policy.min_n} 条的数据不公布；由合计可以推算出来的相邻数据一并不公布。",
        f"What stands on fewer than {policy.min_n} is withheld, and so are the neighbours from which it would follow.",
    )
    files = "<a href='result.json'>result.json</a> · <a href='counts.csv'>counts.csv</a>"
    return f"<footer>{few}<dl>{listed}</dl><p>数据 Data: {files}</p></footer>"
