"""What was measured, as tables for people."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.table import Table

from haochaping.measure import ours, windows

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Sequence

    from haochaping.measure.casework import Spent, Swept
    from haochaping.measure.delivery import Spent as Told
    from haochaping.measure.growth import Grown
    from haochaping.measure.reporting import Spent as Reported
    from haochaping.measure.windows import Counted, Window

_KINDS = {
    "organisation": "单位的事项 items of organisations",
    "desks": "窗口与人员 windows and staff",
    "base": "基本事项 base items",
    "township": "乡镇街道 townships",
    "county": "区县 counties",
    "city": "市 cities",
    "province": "省 the province",
    "platform": "平台 platforms",
    "channel": "评价渠道 rating channels",
    "service_channel": "办理渠道 service channels",
    "earlier": "前一天的各节点 all of them, of the day before",
}


class Day(NamedTuple):
    """A day of so many ratings: its windows, counted in so many lanes and worked out for others."""

    per_day: int
    lanes: int
    windows: list[Window]

    def mean(self, of: Callable[[Window], float], *, in_office_hours: bool | None = None) -> float:
        """The mean over the day's ratings, or over those of one part of the day."""
        some = [one for one in self.windows if in_office_hours in {None, one.moment.in_office_hours}]
        return sum(one.moment.weight * of(one) for one in some) / sum(one.moment.weight for one in some)


def table(title: str, headings: Iterable[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table whose first column is text and whose others are numbers."""
    made = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="right" if number else "left", no_wrap=not number)
    for row in rows:
        made.add_row(*(_shown(value) for value in row))
    return made


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def costs(taken: int, measured: Iterable[ours.Cost]) -> Table:
    """Ways of taking and counting a rating, as their handlers cost."""
    headings = ("", "调用 API calls", "写 writes", "其中人员 of it persons", "写单位 WCU", "读单位 RCU", "CPU ms", "CPU ms / 10")
    rows = [[*cost, cost.cpu_ms_per_batch] for cost in measured]
    title = (
        f"每条评价（不含办件）的成本 Cost per rating, without its service event ({taken:,} ratings, stream batches of {ours.STREAM_BATCH})"
    )
    return table(title, headings, rows)


# ---------------------------------------------------------------- a day


def day(measured: Day) -> Table:
    """Calls and write units per rating: ours in several numbers of lanes, and the other ways."""
    headings = (
        "",
        "调用 calls",
        "更新 updates",
        "评价 rating",
        "办件 event",
        "计分 scores",
        "合计 WCU",
        "上班 office hours",
        "其余 other hours",
    )
    rows = [_ours(measured, measured.lanes, lambda one: one.counted)]
    rows += [_ours(measured, lanes, partial(_of_lanes, lanes)) for lanes in measured.windows[0].by_lanes]
    rows += [_other(measured, name) for name in measured.windows[0].others]
    zh = f"每天 {measured.per_day:,} 条评价、{windows.SECONDS} 秒窗口：每条（连同办件）的写单位"
    en = f"Write units per rating with its service event, {measured.per_day:,} a day, windows of {windows.SECONDS} s"
    return table(f"{zh}\n{en}", headings, rows)


def _of_lanes(lanes: int, one: Window) -> Counted:
    return one.by_lanes[lanes]


def _ours(measured: Day, lanes: int, counted: Callable[[Window], Counted]) -> list[Any]:
    def stored(one: Window, name: str) -> float:
        return one.stored[name] / one.ratings

    def together(one: Window) -> float:
        return (one.stored.total() + counted(one).units.total()) / one.ratings

    updates = measured.mean(lambda one: counted(one).updates.total() / one.ratings)
    puts = measured.mean(lambda one: one.records / one.ratings)
    return [
        f"本系统 ours, {lanes} {'通道 lanes' if lanes > 1 else '通道 lane'}",
        puts + updates,
        updates,
        measured.mean(lambda one: stored(one, "rating")),
        measured.mean(lambda one: stored(one, "event")),
        measured.mean(lambda one: counted(one).units.total() / one.ratings),
        measured.mean(together),
        measured.mean(together, in_office_hours=True),
        measured.mean(together, in_office_hours=False),
    ]


def _other(measured: Day, name: str) -> list[Any]:
    calls = measured.mean(lambda one: one.others[name][0])
    units = [measured.mean(lambda one: one.others[name][1], in_office_hours=part) for part in (None, True, False)]
    return [name, calls, None, None, None, None, *units]


def kinds(days: Sequence[Day]) -> Table:
    """Which nodes cost how much."""
    headings = ["节点 nodes"]
    for measured in days:
        headings += [f"{measured.per_day:,}: 更新 updates", "WCU", "每次 WCU each"]
    rows = [[label, *(value for measured in days for value in _of_kind(measured, kind))] for kind, label in _KINDS.items()]
    rows.append(["合计 together", *(value for measured in days for value in _of_kind(measured))])
    return table(f"每条评价在各类节点上的更新 Updates per rating by kind of node ({days[0].lanes} lanes)", headings, rows)


def _of_kind(measured: Day, kind: str | None = None) -> list[float]:
    def per_rating(one: Window, held: Counter[str]) -> float:
        return (held[kind] if kind else held.total()) / one.ratings

    updates = measured.mean(lambda one: per_rating(one, one.counted.updates))
    units = measured.mean(lambda one: per_rating(one, one.counted.units))
    return [updates, units, units / updates if updates else 0.0]


def load(days: Sequence[Day]) -> Table:
    """What a window is for the function that counts it."""
    headings = ("", "评价 ratings", "条目 entries", "批 batches", "更新 updates", "秒 s", "最热项 busiest, writes/s", "最大项 largest, KB")
    rows = [_load_of(measured, in_office_hours) for measured in days for in_office_hours in (True, False)]
    return table(f"一个 {windows.SECONDS} 秒窗口 One window of {windows.SECONDS} s, all lanes together", headings, rows)


def _load_of(measured: Day, in_office_hours: bool) -> list[Any]:
    some = [one for one in measured.windows if one.moment.in_office_hours is in_office_hours]

    def mean(of: Callable[[Window], float]) -> float:
        return measured.mean(of, in_office_hours=in_office_hours)

    return [
        f"{measured.per_day:,}, {'上班 office hours' if in_office_hours else '其余 other hours'}",
        round(mean(lambda one: one.ratings)),
        round(mean(lambda one: one.records)),
        round(mean(lambda one: one.batches)),
        round(mean(lambda one: one.counted.updates.total())),
        mean(lambda one: one.seconds),
        max(one.busiest for one in some) / windows.SECONDS,
        max(one.largest for one in some) / 1024,
    ]


def how(days: Sequence[Day]) -> str:
    """What these figures rest on."""
    times = "; ".join(f"{measured.per_day:,}: {', '.join(_clock(one) for one in measured.windows)}" for measured in days)
    lanes = days[0].lanes
    least = ", ".join(f"{measured.mean(lambda one: one.organisations / one.ratings):.2f} ({measured.per_day:,})" for measured in days)
    return (
        f"抽取全天中的若干整窗（{times}），各代表其前后时段；窗口之前的分值按同一流量规律预先填入，分片约四小时一换。\n"
        "Whole windows were taken at these times, each for the part of the day around it, against items filled with what the day and the "
        "day before had brought by then; shards are taken to give way every four hours.\n"
        f"只有 {lanes} 条通道经过真实的处理函数，其余为推算（推算 {lanes} 条时结果相同）。\n"
        f"Only {lanes} lanes went through the handler; other numbers of lanes are worked out, which for {lanes} gives the same.\n"
        f"每批每单位更新一次，每条评价就需 {least} 次更新，任何含单位数据的布局都不能再少。\n"
        f"One update per organisation and batch, the fewest of any layout that has figures of organisations, is {least} per rating.\n"
        "秒数为本机逐条通道的处理时间，不含网络。\n"
        "Seconds are the handler's own on this machine, lane after lane, without network: on AWS lanes run side by side, and an update "
        "takes some milliseconds, eight at a time."
    )


def _clock(one: Window) -> str:
    minutes = int(one.moment.second) // 60
    return f"{minutes // 60:02}:{minutes % 60:02}"


# ---------------------------------------------------------------- growth


def growth(measured: Iterable[Grown], ratings: int) -> Table:
    """What a rating costs after 10³ to 10⁶ others."""
    headings = ("此前评价数 ratings before", "调用 calls", "WCU", "RCU", "若都在同一天，计分 WCU of counting, were they of the same day")
    rows = [[f"{one.history:,}", one.cost.calls, one.cost.write_units, one.cost.read_units, one.same_day.write_units] for one in measured]
    return table(f"成本不随历史增长 Cost per rating after so many others ({ratings:,} ratings, accepted and counted)", headings, rows)


# ---------------------------------------------------------------- cases


def commands(measured: Iterable[Spent], cases: int) -> Table:
    """What each kind of message costs."""
    headings = ("", "调用 API calls", "写 writes", "写单位 WCU", "其中索引 of it indexes", "读单位 RCU", "CPU ms")
    return table(f"工单：每条消息的成本 Cases: cost per message ({cases} cases)", headings, measured)


def sweeps(measured: Iterable[Swept], due: int) -> Table:
    """What a sweep costs beside ever more open cases."""
    headings = ("在办工单 open cases", "消息 messages", "调用 API calls", "读单位 RCU", "CPU ms", "若逐件查看 RCU of looking at each")
    rows = [[f"{one.open_cases:,}", *one[1:]] for one in measured]
    return table(f"扫描成本不随在办工单增长 A sweep that finds {due} cases due, beside so many open ones", headings, rows)


# ---------------------------------------------------------------- deliveries


def deliveries(measured: Iterable[Told], events: int) -> Table:
    """What each step of an event on its way out costs."""
    headings = ("", "调用 API calls", "写 writes", "写单位 WCU", "读单位 RCU", "CPU ms")
    return table(f"事件推送：每个事件的成本 Deliveries: cost per event ({events} events)", headings, measured)


def reports(measured: Iterable[Reported], ratings: int) -> Table:
    """What it costs to report a rating to the level above."""
    headings = ("", "调用 calls", "其中向接收端 to intake", "上报 posts", "写 writes", "写单位 WCU", "读单位 RCU", "CPU ms")
    return table(f"上报：每条评价的成本 Reporting: cost per rating ({ratings} ratings)", headings, measured)
