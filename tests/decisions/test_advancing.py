"""How far the clock is moved, and what comes round in the time that is skipped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haochaping.advancing import NoLength, length_of
from haochaping.schedules import UnreadableSchedule, last_between
from template_file import resources

MORNING = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
SCHEDULES = [
    event["Properties"]["Schedule"]
    for function in resources("AWS::Serverless::Function").values()
    for event in function["Properties"].get("Events", {}).values()
    if event["Type"] == "Schedule"
]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("3d", timedelta(days=3)),
        ("36h", timedelta(hours=36)),
        ("2w", timedelta(weeks=2)),
        ("90m", timedelta(minutes=90)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("1w2d3h4m", timedelta(weeks=1, days=2, hours=3, minutes=4)),
        ("3653d", timedelta(days=3653)),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text, length):
    assert length_of(text) == length


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0d",
        "0w0d",
        "-3d",
        "+3d",
        "3",
        "3x",
        "d",
        "1.5d",
        "3D",
        "12h1d",
        "1d1d",
        " 3d",
        "3d\n",
        "1d 12h",
        "３d",
        "3654d",
        "99999w",
        "9999999d",
    ],
)
def test_what_is_no_time_forward_is_refused_in_both_languages(text):
    with pytest.raises(NoLength) as refused:
        length_of(text)
    said = str(refused.value)
    assert "时钟只能向前" in said
    assert "the clock only goes forward" in said


@pytest.mark.parametrize(
    ("schedule", "until", "expected"),
    [
        ("rate(5 minutes)", MORNING + timedelta(minutes=4), None),
        ("rate(5 minutes)", MORNING + timedelta(minutes=12), MORNING + timedelta(minutes=10)),
        ("rate(1 hour)", MORNING + timedelta(minutes=90), datetime(2026, 11, 24, 3, tzinfo=UTC)),
        ("rate(2 days)", MORNING + timedelta(days=3), datetime(2026, 11, 27, tzinfo=UTC)),
        ("cron(0 19 * * ? *)", MORNING + timedelta(hours=17), None),
        ("cron(0 19 * * ? *)", MORNING + timedelta(days=3), datetime(2026, 11, 26, 19, tzinfo=UTC)),
        ("cron(30 1 * * ? *)", MORNING + timedelta(hours=23), None),
        ("cron(30 1 * * ? *)", MORNING + timedelta(days=1), MORNING + timedelta(days=1)),
        ("cron(0 21-23 * * ? *)", MORNING + timedelta(hours=21), datetime(2026, 11, 24, 22, tzinfo=UTC)),
        ("cron(0/20 8,20 * * ? *)", MORNING + timedelta(days=1), datetime(2026, 11, 24, 20, 40, tzinfo=UTC)),
        ("cron(0 4 1 * ? *)", MORNING + timedelta(weeks=2), datetime(2026, 12, 1, 4, tzinfo=UTC)),
        ("cron(0 1 ? * MON-FRI *)", MORNING + timedelta(days=5), datetime(2026, 11, 27, 1, tzinfo=UTC)),
        ("cron(0 1 ? * 1 *)", MORNING + timedelta(weeks=1), datetime(2026, 11, 29, 1, tzinfo=UTC)),
        ("cron(0 4 1 1 ? 2028)", MORNING + timedelta(weeks=52), None),
    ],
)
def test_a_schedule_comes_round_when_eventbridge_says(schedule, until, expected):
    assert last_between(schedule, MORNING, until) == expected


@pytest.mark.parametrize(
    "schedule",
    [
        "at(2026-11-24T00:00:00)",
        "rate(5)",
        "cron(0 19 * *)",
        "cron(0 25 * * ? *)",
        "cron(0 19 L * ? *)",
        "cron(0 19 ? * 2#1 *)",
        "cron(5-1 1 * * ? *)",
    ],
)
def test_a_schedule_that_is_not_understood_is_no_schedule_that_never_comes(schedule):
    with pytest.raises(UnreadableSchedule, match="a schedule that cannot be read"):
        last_between(schedule, MORNING, MORNING + timedelta(days=1))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_of_the_template_comes_round_within_a_year(schedule):
    assert last_between(schedule, MORNING, MORNING + timedelta(days=366))


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is beside


@pytest.mark.property
@given(
    st.sampled_from([*SCHEDULES, "cron(15 1 1,15 * ? *)", "cron(0 4 ? * MON *)", "rate(7 days)"]), st.lists(MOMENTS, min_size=3, max_size=3)
)
def test_moving_the_clock_in_two_steps_skips_and_repeats_nothing(schedule, moments):
    first, between, last = sorted(moments)
    in_one = last_between(schedule, first, last)
    assert (last_between(schedule, between, last) or last_between(schedule, first, between)) == in_one
    assert in_one is None or first < in_one <= last
