"""Registries come from a sheet: every row is registered, or reported with its reason; a change is a new version."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from cloud import registry
from haochaping import cli, provinces, stack
from haochaping.registries.columns import KINDS
from haochaping.registries.findings import CATALOGUE
from said import ORGANISATION, event, letter
from template_file import ROOT

if TYPE_CHECKING:
    from pathlib import Path

REGION = "330106000000"
UNKNOWN = "11330199MB00000017"
WINDOW = {"organisation": ORGANISATION, "window": "A01", "zh": "窗口一", "en": "Window 1", "valid_from": "2026-01-01"}
CODE = f"{ORGANISATION}4330131001000"


def region(code: str, valid_from: str = "2020-01-01", **more: str) -> dict[str, str]:
    return {"code": code, "zh": f"区{code}", "en": f"District {code}", "valid_from": valid_from} | more


def organisation(**changes: str) -> dict[str, str]:
    return {"uscc": UNKNOWN, "region_code": REGION, "zh": "局", "en": "Bureau", "valid_from": "2026-01-01"} | changes


def item(**changes: str) -> dict[str, str]:
    kind = KINDS["item"]
    return dict(zip([column.name for column in kind.columns], kind.example, strict=True)) | {"item_code": CODE} | changes


class Desk:
    """An operator with a folder and the command line."""

    def __init__(self, bed: Any, folder: Path) -> None:
        self.bed, self.folder = bed, folder

    def run(self, *arguments: str) -> Any:
        registry.forget()
        return CliRunner().invoke(cli.app, ["registry", *arguments])

    def csv(self, *rows: dict[str, str], encoding: str = "utf-8") -> Path:
        names = list(dict.fromkeys(name for row in rows for name in row))
        return self.text([names, *([row.get(name, "") for name in names] for row in rows)], encoding)

    def text(self, lines: list[list[str]], encoding: str = "utf-8") -> Path:
        text = io.StringIO()
        csv.writer(text).writerows(lines)
        path = self.folder / "file.csv"
        path.write_bytes(text.getvalue().encode(encoding))
        return path

    def load(self, kind: str, path: Path, *options: str) -> dict[str, Any]:
        """The command's answer, its exit code beside it."""
        done = self.run("load", kind, str(path), "--json", *options)
        return json.loads(done.stdout) | {"exit": done.exit_code}

    def rejected(self, kind: str, path: Path, *options: str) -> list[tuple[int, str, str]]:
        answer = self.load(kind, path, *options)
        assert answer["exit"] == 1
        return [(found["row"], found["column"], found["code"]) for found in answer["findings"]]

    def held(self, kind: str, id: str, on: str = "2026-11-24") -> Any:
        registry.forget()
        return registry.find(kind, id, date.fromisoformat(on))


@pytest.fixture
def desk(bed, monkeypatch, tmp_path):
    monkeypatch.setattr(stack, "connect", lambda: None)
    return Desk(bed, tmp_path)


def test_the_templates_load_one_after_another(desk):
    for kind in ("region", "organisation", "window", "staff", "platform", "item"):
        path = desk.folder / f"{kind}.csv"
        path.write_text(desk.run("template", kind).stdout, "utf-8")
        assert desk.load(kind, path) == {"rows": 1, "new": 1, "known": 0, "rejected": 0, "written": True, "findings": [], "exit": 0}
    assert desk.held("window", f"{UNKNOWN}#A01")["zh"] == "综合窗口一"
    guide = desk.held("item", f"{UNKNOWN}4330131001000")
    assert guide["promised_limit"] == {"value": 3, "unit": "WORKDAY"}
    assert (guide["materials"], guide["item_type"], guide["channels"]) == (["申请书", "身份证件"], "LICENCE", ["ONLINE", "OFFLINE"])


def test_a_spreadsheet_loads_with_numbers_and_dates_as_cells(desk):
    book = Workbook()
    book.active.append(["行政区划代码", "中文名称", "英文名称", "生效日期"])
    book.active.append([330199000000, "甲区", "A", datetime(2026, 1, 1)])  # noqa: DTZ001 - a cell has no zone
    book.active.append([None, None, None, None])
    book.active.append([330198, "乙区", "B", "2026/1/1"])
    book.active.append(["33", "丙区", "C", "2026/1/1"])
    book.save(desk.folder / "regions.xlsx")
    assert desk.rejected("region", desk.folder / "regions.xlsx") == [(5, "code", "bad_region_code")]
    assert [desk.held("region", code)["zh"] for code in ("330199000000", "330198000000")] == ["甲区", "乙区"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_is_read_as_the_spreadsheets_of_the_country_write_it(desk, encoding):
    assert desk.load("window", desk.csv(WINDOW, encoding=encoding))["new"] == 1
    assert desk.held("window", f"{ORGANISATION}#A01")["zh"] == "窗口一"


def test_a_row_without_a_date_begins_when_the_command_says(desk):
    row = WINDOW | {"valid_from": ""}
    assert desk.rejected("window", desk.csv(row)) == [(2, "valid_from", "missing_field")]
    assert desk.load("window", desk.csv(row), "--valid-from", "2026-05-01")["new"] == 1
    assert desk.held("window", f"{ORGANISATION}#A01", "2026-04-30") is None
    assert desk.held("window", f"{ORGANISATION}#A01", "2026-05-01") is not None


def test_a_change_is_a_new_version_and_the_old_one_stays(desk):
    desk.load("item", desk.csv(item()))
    assert desk.load("item", desk.csv(item()))["known"] == 1
    changed = item(promised_limit="1 WORKDAY")
    assert desk.rejected("item", desk.csv(changed)) == [(2, "valid_from", "registered_otherwise")]
    assert desk.load("item", desk.csv(changed | {"valid_from": "2026-07-01"}))["new"] == 1
    assert desk.held("item", CODE, "2026-06-30")["promised_limit"]["value"] == 3
    assert desk.held("item", CODE, "2026-07-01")["promised_limit"]["value"] == 1


def test_a_rejected_row_holds_up_no_other(desk):
    rows = [WINDOW | {"window": f"A{n:03}", "organisation": UNKNOWN if n % 100 == 7 else ORGANISATION} for n in range(250)]
    answer = desk.load("window", desk.csv(*rows))
    assert (answer["rows"], answer["new"], answer["rejected"], answer["exit"]) == (250, 247, 3, 1)
    assert [found["row"] for found in answer["findings"]] == [9, 109, 209]
    assert (
        len(
            desk.bed.dynamodb.scan(
                TableName="RegistryTable", FilterExpression="begins_with(pk, :p)", ExpressionAttributeValues={":p": {"S": "window#"}}
            )["Items"]
        )
        == 247
    )


def test_a_dry_run_says_what_would_come_of_it_and_writes_nothing(desk):
    answer = desk.load("window", desk.csv(WINDOW, WINDOW | {"window": "A02", "organisation": UNKNOWN}), "--dry-run")
    assert (answer["new"], answer["rejected"], answer["written"]) == (1, 1, False)
    assert desk.held("window", f"{ORGANISATION}#A01") is None


def test_the_report_names_row_column_and_both_sentences_and_repeats_no_content(desk):
    report = desk.folder / "report.csv"
    done = desk.run(
        "load",
        "staff",
        str(desk.csv({"organisation": "张三丰", "staff_no": "1 2", "zh": "李四", "valid_from": "2026-01-01"})),
        "--report",
        str(report),
    )
    rows = list(csv.DictReader(report.read_text("utf-8-sig").splitlines()))
    assert [(row["row"], row["column"], row["code"]) for row in rows] == [
        ("2", "organisation", "bad_credit_code"),
        ("2", "staff_no", "malformed_field"),
    ]
    assert all(row["zh"] and row["en"] for row in rows)
    assert not any(secret in text for secret in ("张三丰", "李四", "1 2") for text in (report.read_text("utf-8-sig"), done.output))


# ------------------------------------------------------------------ every rejection

CLOSING = {"closed": "MERGE", "successors": "330102"}
REJECTED: dict[str, tuple[str, dict[str, str], str]] = {
    "bad_date": ("window", WINDOW | {"valid_from": "2026-02-30"}, "valid_from"),
    "bad_limit": ("item", item(promised_limit="3天"), "promised_limit"),
    "bad_succession": ("region", region(REGION, "2026-01-01", **CLOSING | {"closed": "SPLIT"}), "successors"),
    "promised_longer_than_statutory": ("item", item(promised_limit="20个工作日", statutory_limit="20自然日"), "promised_limit"),
    "unknown_organisation": ("item", item(item_code=f"{UNKNOWN}4330131001000"), "item_code"),
    "nothing_to_close": ("region", region("330199", "2026-01-01", **CLOSING), "closed"),
    "unknown_region": ("organisation", organisation(region_code="330199"), "region_code"),
    "missing_field": ("item", item(fee=""), "fee"),
    "malformed_field": ("window", WINDOW | {"zh": "长" * 201}, "zh"),
    "unknown_code": ("item", item(channels="ONLINE;空中"), "channels"),
    "unknown_channel": (
        "platform",
        {
            "platform": "app",
            "organisation": ORGANISATION,
            "region_code": REGION,
            "zh": "移动端",
            "en": "App",
            "rating_channel": "鸽子",
            "valid_from": "2026-01-01",
        },
        "rating_channel",
    ),
    "bad_credit_code": ("organisation", organisation(uscc=f"{UNKNOWN[:17]}8"), "uscc"),
    "bad_item_code": ("item", item(item_code=ORGANISATION), "item_code"),
    "bad_region_code": ("region", region("3301"), "code"),
}
OF_THE_FILE = {
    "unreadable_file",
    "missing_column",
    "unknown_column",
    "repeated_column",
    "cell_without_column",
    "repeated_row",
    "registered_otherwise",
}


def test_every_code_of_the_loader_is_reached_here_and_documented():
    assert CATALOGUE.keys() <= REJECTED.keys() | OF_THE_FILE
    operations = (ROOT / "docs" / "operations.md").read_text("utf-8")
    for code, sentence in CATALOGUE.items():
        assert f"| `{code}` | {sentence.zh} | {sentence.en} |" in operations


@pytest.mark.parametrize("code", REJECTED)
def test_a_row_is_rejected(desk, code):
    kind, row, column = REJECTED[code]
    assert desk.rejected(kind, desk.csv(row)) == [(2, column, code)]


def test_every_reason_against_a_row_is_named(desk):
    row = item(item_type="许可", promised_limit="soon", legal_basis="", handling_type="承诺件")
    found = {(column, code) for _, column, code in desk.rejected("item", desk.csv(row))}
    assert found == {("item_type", "unknown_code"), ("promised_limit", "bad_limit"), ("legal_basis", "missing_field")}


def test_a_rejected_code_is_answered_once_with_those_that_exist(desk):
    (found,) = desk.load("item", desk.csv(item(channels="空中")))["findings"]
    assert (found["code"], found["accepts"]) == ("unknown_code", "ONLINE 线上, OFFLINE 线下")


def test_the_first_of_two_rows_for_one_id_and_date_counts(desk):
    path = desk.csv(WINDOW, WINDOW | {"zh": "别的"}, WINDOW | {"valid_from": "2026-02-01"})
    assert desk.rejected("window", path) == [(3, "window", "repeated_row")]
    assert desk.held("window", f"{ORGANISATION}#A01", "2026-01-01")["zh"] == "窗口一"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], ["organisation", "window", "zh", "valid_from"]),
        ([["机构", "window", "ZH", "en", "valid_from", "colour"]], ["6"]),
        ([["机构", "organisation", "window", "zh", "en", "valid_from"]], ["organisation"]),
    ],
)
def test_a_file_with_other_columns_is_not_read(desk, lines, found):
    rejected = desk.rejected("window", desk.text(lines))
    assert [column for _, column, _ in rejected] == found
    assert {code for _, _, code in rejected} < OF_THE_FILE


def test_a_cell_under_no_heading_is_not_passed_over(desk):
    head, row = ["organisation", "window", "zh", "en", "valid_from"], [*WINDOW.values(), "left over"]
    assert desk.rejected("window", desk.text([head, row])) == [(2, "6", "cell_without_column")]


@pytest.mark.parametrize("content", [b"PK\x03\x04 damaged", b"\xd0\xcf\x11\xe0old", b"\xff\xff\xff", b'a,"b\n'])
def test_a_file_that_is_no_sheet_is_said_to_be_none(desk, content):
    (desk.folder / "file").write_bytes(content)
    assert desk.rejected("window", desk.folder / "file") == [(0, "", "unreadable_file")]


# ------------------------------------------------------------------ regions and organisations


def test_a_region_that_was_merged_is_known_until_that_day(desk):
    merged = region("330198", "2021-04-09", closed="合并", successors="330199")
    path = desk.csv(region("330198"), merged, region("330199", "2021-04-09"))
    assert desk.load("region", path)["new"] == 3
    registry.forget()
    assert registry.knows_region("330198000000", date(2021, 4, 8))
    assert not registry.knows_region("330198000000", date(2021, 4, 9))
    assert desk.held("region", "330198000000")["closed"] == {"kind": "MERGE", "successors": ["330199000000"]}


def test_a_service_in_a_region_that_has_ended_is_refused(desk):
    desk.load("region", desk.csv(region(REGION, "2021-01-01", closed="RENAME", successors="330102")))
    registry.forget()
    desk.bed.accept(letter(event()))
    assert desk.bed.codes() == ["unknown_region"]


def test_a_successor_must_be_there_on_the_day(desk):
    late = [region("330199", "2021-05-01"), region(REGION, "2021-04-09", closed="RENAME", successors="330199")]
    assert desk.rejected("region", desk.csv(*late)) == [(3, "successors", "unknown_region")]


def test_organisations_may_come_in_any_order_and_fall_with_what_they_rest_on(desk):
    child = organisation(uscc=ORGANISATION, parent=UNKNOWN, line="垂直管理")
    assert desk.load("organisation", desk.csv(child, organisation()))["new"] == 2
    assert desk.held("organisation", ORGANISATION)["parent"] == UNKNOWN
    later = {"valid_from": "2026-06-01"}
    orphan = organisation(uscc="11330199MB0000002A", parent="11330199MB0000003D", **later)
    lost = organisation(uscc="11330199MB0000003D", region_code="330197", **later)
    assert desk.rejected("organisation", desk.csv(orphan, lost)) == [
        (2, "parent", "unknown_organisation"),
        (3, "region_code", "unknown_region"),
    ]


def test_a_province_that_is_loaded_already_can_be_loaded_again_from_a_sheet(desk):
    uscc, (code, zh, en) = next(iter(desk.bed.province.organisations.items()))
    row = organisation(uscc=uscc, region_code=code, zh=zh, en=en, valid_from=desk.bed.province.province.valid_from.isoformat())
    assert desk.load("organisation", desk.csv(row))["known"] == 1
    assert provinces.load(desk.bed.province).differing == []


# ------------------------------------------------------------------ showing


def test_a_record_is_shown_as_it_was_on_a_day(desk):
    desk.load("window", desk.csv(WINDOW, WINDOW | {"zh": "[bold]二", "valid_from": "2026-06-01"}))
    id = f"{ORGANISATION}#A01"
    shown = json.loads(desk.run("show", "window", id, "--on", "2026-05-31", "--json").stdout)
    assert (shown["value"]["zh"], shown["valid_from"], shown["versions"]) == ("窗口一", "2026-01-01", ["2026-01-01", "2026-06-01"])
    assert "[bold]二" in desk.run("show", "window", id).stdout
    assert desk.run("show", "window", id, "--on", "2025-12-31").exit_code == 1
    assert desk.run("show", "region", "330106").exit_code == 0
    assert desk.run("show", "weather", "330106").exit_code == 2


def test_a_gap_that_intake_reported_is_listed_on_its_day(desk):
    gap = {"kind": "item", "id": CODE, "organisation": ORGANISATION, "first_seen": "2026-11-24T01:30:00+00:00"}
    entry = {"pk": "gap#2026-11-24", "sk": f"item#{CODE}", "value": json.dumps(gap)}
    desk.bed.dynamodb.put_item(TableName="RegistryTable", Item={name: {"S": value} for name, value in entry.items()})
    assert [found["id"] for found in json.loads(desk.run("gaps", "--day", "2026-11-24", "--json").stdout)] == [CODE]
    assert "2026-11-24 09:30:00" in desk.run("gaps", "--day", "2026-11-24").stdout
    assert json.loads(desk.run("gaps", "--day", "2026-11-25", "--json").stdout) == []


# ------------------------------------------------------------------ what the functions remember


def test_what_is_not_listed_is_asked_for_once_a_minute_and_a_party_every_time(bed):
    asked = []
    with bed.hooked(_client(), "before-send.dynamodb.Query", lambda request, **_: asked.append(request)):
        for kind, times in (("item", 1), ("organisation", 1), ("window", 1), ("platform", 1), ("party", 3)):
            asked.clear()
            assert [registry.find(kind, "nobody", date(2026, 11, 24)) for _ in range(3)] == [None] * 3
            assert len(asked) == times


def test_the_memory_of_a_function_is_bounded_and_keeps_what_is_in_use(bed, monkeypatch):
    monkeypatch.setattr(registry, "_MOST_REMEMBERED", 3)
    asked = []
    with bed.hooked(_client(), "before-send.dynamodb.Query", lambda request, **_: asked.append(request)):
        for n in range(10):
            registry.find("item", f"item-{n}", date(2026, 11, 24))
            registry.find("region", REGION, date(2026, 11, 24))
    assert len(asked) == 11
    assert len(registry._cache) == 3


def _client() -> Any:
    from cloud.clients import dynamodb

    return dynamodb()
