"""`haochaping policy`, as an operator types it: a file checked, the rules in force, presets, and what a change would do to open cases."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from bed import be_without_a_stack
from cloud import clock, registry
from contract.codes import Code
from contract.zone import day_of, last_day_before
from haochaping import cli, provinces
from haochaping.wording import NAMES, said
from policy.presets import presets, rules_of
from policy.rules import Policy, Rules
from rectify import cases
from said import bad_rating, event, letter

HANGZHOU, XIHU = "330100000000", "330106000000"


def ask(*arguments: str) -> Any:
    registry.forget()
    return CliRunner().invoke(cli.app, ["policy", *arguments])


def answer(*arguments: str) -> Any:
    done = ask(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def rules(tmp_path):
    """Writes a file of rules."""

    def write(text: str) -> str:
        path = tmp_path / "rules.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return write


@pytest.fixture
def stack(bed, monkeypatch):
    monkeypatch.setattr("haochaping.policies.connect", lambda: None)
    return bed


# ---------------------------------------------------------------- check


def faults(path: str) -> dict[str, tuple[str, str]]:
    done = ask("check", path, "--json")
    assert done.exit_code == 1
    return {fault["field"]: (fault["value"], fault["accepts"]) for fault in json.loads(done.stdout)["faults"]}


@pytest.mark.parametrize("name", provinces.available())
def test_the_files_of_the_provinces_have_no_fault(name):
    done = ask("check", str(provinces.PROVINCES / f"{name}.toml"))
    assert (done.exit_code, "没有问题" in done.output, "no fault" in done.output) == (0, True, True)


def test_every_fault_is_told_with_its_field_its_value_and_what_would_be_accepted(rules):
    found = faults(
        rules(
            """
            [[policy]]
            region = "33x"
            rectify_simpel = { value = 5, unit = "DAY" }
            rectify_complex = { value = -1, unit = "MONTH" }
            min_n = "many"
            follow_up_ratings = 2
            unrated_policy = "DEFAULT"
            appeal = { window = { value = 5, unit = "DAY" }, decid = 1 }
            escalation = [{ level = "BOSS", share = 1.5 }]
            preset = "guangxi"
            opening_hours = { opens = 18, closes = 8 }
            points = { VERY_SATISFIED = 10 }
            valid_provenances = ["DEFAULT"]
            """
        )
    )
    accepted = {field: accepts for field, (_, accepts) in found.items()}
    assert accepted.pop("preset").endswith(", ".join(presets()))
    assert accepted == {
        "region": "6 或 12 位数字 6 or 12 digits",
        "valid_from": "必填 required",
        "rectify_simpel": "rectify_simple, rectify_complex, rectify_from",
        "rectify_complex.value": "≥ 0",
        "rectify_complex.unit": "HOUR, WORKHOUR, DAY, WORKDAY",
        "min_n": "整数 an integer",
        "follow_up_ratings": "≤ 1",
        "unrated_policy": "DEFAULT 须有 default_level 与 default_after DEFAULT needs default_level and default_after",
        "appeal.decide": "必填 required",
        "appeal.decid": "decide",
        "escalation.1.level": "PERSON, UNIT_HEAD, SUPERVISOR, LEVEL_ABOVE",
        "escalation.1.share": "< 1",
        "opening_hours": "opens 须早于 closes opens must be before closes",
        "points": "五个等级各一值 a value for each of the five levels",
        "valid_provenances": "默认评价不得计入 a default is nobody's rating and is never valid",
    }
    assert (found["rectify_complex.value"][0], found["rectify_complex.unit"][0], found["min_n"][0]) == ("-1", "MONTH", "many")


def test_a_laxer_rule_is_refused_with_both_values_and_the_record_above(rules):
    path = rules(
        """
        [[policy]]
        region = "330000"
        valid_from = 2026-01-01
        preset = "full-example"
        min_n = 20

        [[policy]]
        region = "330100"
        valid_from = 2026-06-01
        rectify_simple = { value = 8, unit = "DAY" }
        extension = { max_count = 2, value = 5, unit = "WORKDAY" }
        rectify_from = "VERIFIED"
        escalation = [{ level = "PERSON", share = 0.9 }]
        min_n = 10
        reply = { value = 20, unit = "DAY" }
        """
    )
    above = "(330000000000@2026-01-01)"
    found = faults(path)
    assert found.keys() == {"rectify_simple", "extension.max_count", "rectify_from", "escalation", "min_n"}
    assert found["rectify_simple"] == ("8 自然日 DAY", f"从不晚于 never later than 5 工作日 WORKDAY {above}")
    assert found["extension.max_count"] == ("2", f"不大于 at most 1 {above}")
    assert found["rectify_from"] == ("自核实 VERIFIED", f"自收到评价 RECEIVED {above}")
    assert found["min_n"] == ("10", f"不小于 at least 20 {above}")
    table = ask("check", path)
    assert (table.exit_code, "330100@2026-06-01" in table.output, "never later than" in table.output) == (1, True, True)


def test_a_region_that_the_file_does_not_have_and_an_entry_that_stands_twice_are_faults(rules):
    entry = '[[policy]]\nregion = "{}"\nvalid_from = 2026-01-01\n'
    path = rules('[regions]\n330000000000 = ["浙江省", "Zhejiang"]\n' + entry.format("330000") * 2 + entry.format("370000"))
    assert faults(path) == {
        "valid_from": ("2026-01-01", "每区划每日一条 one entry for a region and a date"),
        "region": ("370000000000", "文件 [regions] 中的区划 a region of the file's [regions]"),
    }


@pytest.mark.parametrize("text", ["", "policy = 3", "policy = []", "[policy]\nregion = '33'", "[[polic]]"])
def test_a_file_without_entries_is_a_fault(rules, text):
    assert faults(rules(text)).keys() == {"policy"}


def test_a_file_that_is_no_toml_says_where(rules):
    assert "line 2, column 1" in faults(rules("a = 1\n= 2"))[""][1]


def test_a_file_in_another_encoding_is_said_to_be_one(tmp_path):
    (tmp_path / "gb.toml").write_bytes("# 规则".encode("gb18030"))
    done = ask("check", str(tmp_path / "gb.toml"))
    assert (done.exit_code, "UTF-8" in done.output) == (1, True)


# ---------------------------------------------------------------- show


def test_each_rule_in_force_says_from_which_record_it_comes(stack):
    stack.policy(HANGZHOU, rectify_simple={"value": 7, "unit": "DAY"}, min_n=20)
    found = answer("show", "330106", "--on", "2026-11-24")
    assert (found["region"], found["version"]) == (XIHU, "330000000000@2020-01-01 330100000000@2026-01-01")
    by = {
        rule["field"]: (rule["value"], rule["from"] and f"{rule['from']['region']}@{rule['from']['valid_from']}") for rule in found["rules"]
    }
    assert by.keys() == Rules.model_fields.keys()
    assert by["first_contact"] == ({"value": 1, "unit": "DAY"}, "330000000000@2020-01-01")
    assert by["rectify_simple"] == ({"value": 7, "unit": "DAY"}, "330100000000@2026-01-01")
    assert by["max_text_length"] == (1000, None)
    assert by["verify"] == (None, None)


def test_what_is_in_force_is_that_of_the_day(stack):
    stack.policy(HANGZHOU, min_n=20)
    stack.policy(HANGZHOU, min_n=30)
    minimum = {
        day: next(rule["value"] for rule in answer("show", HANGZHOU, "--on", day)["rules"] if rule["field"] == "min_n")
        for day in ("2025-12-31", "2026-01-01", "2026-01-02")
    }
    assert list(minimum.values()) == [10, 20, 30]


def test_the_table_names_places_rules_and_defaults_in_both_languages(stack):
    shown = ask("show", "330106").output
    for text in ("杭州市西湖区", "立行立改", "15 自然日", "浙江省", "系统默认", "our default"):
        assert text in shown


@pytest.mark.parametrize(
    ("arguments", "said_why"),
    [
        (["show", "339999"], "not registered"),
        (["show", "330106", "--on", "2019-01-01"], "not registered"),
        (["show", "33"], "6 or 12 digits"),
        (["show", "330106", "--on", "2026-02-30"], "no such date"),
    ],
)
def test_what_cannot_be_shown_says_why(stack, arguments, said_why):
    done = ask(*arguments)
    assert done.exit_code != 0
    assert said_why in " ".join(done.output.replace("│", " ").split())


def test_the_nation_may_be_asked_for_too(stack):
    stack.policy("000000000000", min_n=15)
    found = answer("show", "000000000000")
    assert [rule["from"]["region"] for rule in found["rules"] if rule["from"]] == ["000000000000"]


# ---------------------------------------------------------------- presets


def test_the_presets_are_listed_with_what_they_rest_on():
    found = {preset["id"]: preset for preset in answer("presets")}
    assert found.keys() == presets().keys()
    assert found["zhejiang-1-15"]["rules"]["first_contact"]["value"] == {"value": 1, "unit": "DAY"}
    assert found["shanghai-1-5-15"]["rules"]["rectify_simple"]["confirmed"] is False
    shown = ask("presets").output
    assert all(name in shown for name in presets())
    assert "未确认" in shown


# ---------------------------------------------------------------- what if

PLAN = """
[[policy]]
region = "330000"
valid_from = 2030-01-01
first_contact = { value = 3, unit = "DAY" }
rectify_simple = { value = 10, unit = "DAY" }
verify = { value = 2, unit = "DAY" }
"""


@pytest.fixture
def rated(stack):
    stack.accept(letter(event()), letter(bad_rating()))
    stack.flow()
    (case,) = cases.all_open()
    return case


def test_what_if_says_when_each_open_deadline_would_be_and_changes_nothing(rated, rules):
    found = answer("what-if", rules(PLAN))
    received = day_of(rated.rating.received_hour)
    days = {one["clock"]: (one["change"], last_day(one["now"], received), last_day(one["then"], received)) for one in found["clocks"]}
    assert days == {"first_contact": ("LATER", 1, 3), "rectify": ("EARLIER", 15, 10), "verify": ("NEW", None, 2)}
    assert (found["rules"], found["totals"]) == (
        ["330000000000@2030-01-01"],
        {"cases": 1, "clocks": 3, "earlier": 1, "later": 1, "unchanged": 0, "gone": 0, "new": 1, "past_now": 0, "past_then": 0},
    )
    assert cases.find(rated.case_id) == rated


def last_day(end: str | None, received: Any) -> int | None:
    return (last_day_before(datetime.fromisoformat(end)) - received).days if end else None


def test_what_if_tells_totals_first_and_then_what_moves(rated, rules):
    shown = ask("what-if", rules(PLAN)).output
    assert shown.index("工单 cases") < shown.index("延后 later") < shown.index(rated.case_id)
    assert "现到期" in shown


def test_what_if_counts_what_would_have_run_out_already(rated, rules, monkeypatch):
    moment = clock.now() + timedelta(days=12)
    monkeypatch.setattr(clock, "now", lambda: moment)
    totals = answer("what-if", rules(PLAN))["totals"]
    assert (totals["past_now"], totals["past_then"]) == (1, 3)


def test_the_file_of_the_province_as_it_is_loaded_moves_nothing(rated):
    totals = answer("what-if", str(provinces.PROVINCES / "zhejiang.toml"))["totals"]
    assert (totals["clocks"], totals["unchanged"]) == (2, 2)


def test_rules_of_another_place_move_nothing_here(rated, rules):
    totals = answer("what-if", rules(PLAN.replace("330000", "330200")))["totals"]
    assert (totals["clocks"], totals["unchanged"]) == (2, 2)


def test_a_file_with_a_fault_is_not_tried_out(rated, rules):
    done = ask("what-if", rules(PLAN.replace("10", "-10")))
    assert (done.exit_code, "rectify_simple.value" in done.output) == (1, True)


@pytest.mark.parametrize("command", [["show", "330106"], ["what-if", "FILE"]])
def test_without_a_stack_a_command_that_needs_one_says_so(command, rules, monkeypatch, tmp_path):
    be_without_a_stack(monkeypatch, tmp_path)
    done = ask(*(rules(PLAN) if part == "FILE" else part for part in command))
    assert (done.exit_code, "haochaping local up" in done.output) == (1, True)


# ---------------------------------------------------------------- words


def test_every_rule_has_its_name_and_every_value_its_words():
    assert NAMES.keys() == Rules.model_fields.keys()
    everything = [Policy(version="test"), *(rules_of(name) for name in presets())]
    words = [said(value) for model in everything for _, value in model]
    assert not any(word.startswith(("value=", "frozenset", "<")) or "=<" in word for word in words)
    assert said(Policy(version="test").good_levels) == "非常满意 VERY_SATISFIED, 满意 SATISFIED, 基本满意 BASICALLY_SATISFIED"
    assert all(said(part) == f"{part.zh} {part}" for model in everything for _, part in model if isinstance(part, Code))
