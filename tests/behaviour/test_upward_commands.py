"""`haochaping upstream`, as an operator types it: right, wrong, and about what is not there."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from typer.testing import CliRunner

from above import ZHANG, one_service, reporting, services
from cloud import clock, registry, secrets
from contract.zone import day_of
from haochaping import cli, provinces
from haochaping.stack import NoStack
from said import event, letter, rating


@pytest.fixture
def above(bed, monkeypatch):
    for module in ("upstreams", "upstream_setup"):
        monkeypatch.setattr(f"haochaping.{module}.connect", lambda: None)
    monkeypatch.setattr("haochaping.stack.connect", lambda: None)
    return reporting(bed, monkeypatch)


def ask(*arguments: str, said: str = "") -> Any:
    return CliRunner().invoke(cli.app, ["upstream", *arguments], input=said)


def answer(*arguments: str, exits: int = 0) -> Any:
    done = ask(*arguments, "--json")
    assert done.exit_code == exits, done.output
    return json.loads(done.stdout)


def today() -> str:
    return day_of(clock.now()).isoformat()


def test_a_level_above_stands_in_the_province_file_and_is_off_until_it_is_switched_on(above):
    (entry,) = provinces.read("zhejiang").upstreams
    assert (entry.profile, entry.enabled) == ("national", False)
    assert answer("list")[0] | {"segment": 0, "behind": 0} == {
        "id": "national",
        "profile": "national",
        "url": entry.url,
        "state": "off",
        "reason": None,
        "since": None,
        "failures": 0,
        "segment": 0,
        "behind": 0,
        "waiting": 0,
        "settled_through": None,
    }


def test_a_province_file_with_a_profile_that_there_is_not_is_refused():
    whole = tomllib.loads((provinces.PROVINCES / "zhejiang.toml").read_text("utf-8"))
    whole["upstreams"][0]["profile"] = "atlantis"
    with pytest.raises(ValueError, match=r"没有该上报格式 no such upstream profile: atlantis; 可用 available: fujian, national, zhejiang"):
        provinces.Province.model_validate(whole)


def test_reported_now_listed_and_reconciled(above):
    services(above.bed, 10)
    with above.listening() as server:
        above.seal()
        assert "state up, ACCEPTED 20" in ask("report", "nation").output
        rows = {row["id"]: row for row in answer("list")}
        assert (rows["nation"]["state"], rows["nation"]["behind"], rows["nation"]["waiting"]) == ("up", 0, 0)
        found = answer("reconcile", "nation", "--day", today())
        assert found["difference"] == 0
        assert found["levels"]["DISSATISFIED"]["accepted"] == 1
        shown = ask("reconcile", "nation", "--day", today()).output
        assert "不上报 not reported 0, 差 difference 0" in shown
        assert ask("reconcile", "nation").output.strip() == "没有差异 no difference"
        server.is_down = True
        services(above.bed, 1, first=50)
        above.seal()
        assert answer("report", "nation", exits=1) == {"state": "down", "reason": "no_connection"}
        assert answer("report", "nation", exits=1)["state"] == "down"  # without waiting for the end of the pause
        down = ask("list").output
        assert "no_connection" in "".join(down.split())
        assert answer("reconcile", "nation", "--day", today(), exits=1)["services"]["missing"] == 1


def test_receipts_of_a_day_lead_to_nobody(above):
    one_service(above.bed)
    above.bed.accept(letter(event(project_no="33-2")), letter(rating(project_no="33-2")))
    with above.listening():
        above.seal()
        ask("report", "nation")
    found = answer("receipts", "nation", "--day", today())
    assert {row["outcome"] for row in found} == {"ACCEPTED", "INCOMPLETE", "WAITING"}
    assert [row["code"] for row in answer("receipts", "nation", "--day", today(), "--outcome", "INCOMPLETE")] == ["missing:mobile"]
    shown = ask("receipts", "nation", "--day", today()).output
    assert "上级已接收 ACCEPTED  不满意" in shown
    for canary in (*ZHANG.values(), event().project_no):
        assert canary not in shown or canary == "111"
    assert ask("receipts", "nation", "--day", "yesterday").exit_code == 2


def test_results_are_exported_for_a_level_above_whose_format_is_not_known(above, tmp_path):
    from test_upward_settled import close_a_case

    close_a_case(above)
    file = tmp_path / "results.ndjson"
    with above.listening(cases=True):
        assert ask("check", "nation").exit_code == 1
        assert "整改结果 the profile has no format for rectification results" in "".join(ask("check", "nation").output)
        assert "已导出 exported: 1" in ask("export", "nation", str(file), "--from", today(), "--to", today()).output
        above.register("elsewhere", regions=["330200000000"])
        assert "exported: 0" in ask("export", "elsewhere", str(tmp_path / "none"), "--from", today(), "--to", today()).output
        assert "exported: 0" in ask("export", "nation", str(tmp_path / "none"), "--from", "2026-01-01", "--to", "2026-01-02").output
    (line,) = [json.loads(text) for text in file.read_text("utf-8").splitlines()]
    assert (line["type"], line["data"]["closure"]) == ("CaseClosed.v1", "RECTIFIED")


# ---------------------------------------------------------------- profiles and secrets


def test_a_profile_is_checked_without_a_stack(monkeypatch, tmp_path):
    def none():
        raise NoStack

    monkeypatch.setattr("haochaping.stack.connect", none)
    assert answer("check", "zhejiang")["records"] == ["rating"]
    assert "certkeyGOV" in ask("check", "national").output
    file = tmp_path / "mine.toml"
    from importlib import resources

    text = resources.files("notify.upward").joinpath("upstreams", "national.toml").read_text("utf-8")
    file.write_text(text.replace('DISSATISFIED = "2"', ""), "utf-8")
    done = ask("check", str(file))
    assert (done.exit_code, "national: [codes.level] says nothing of DISSATISFIED" in done.output) == (1, True)
    assert answer("check", str(file), exits=1)["faults"] == ["national: [codes.level] says nothing of DISSATISFIED"]
    file.write_text("no toml", "utf-8")
    assert ask("check", str(file)).exit_code == 1
    assert ask("check", "atlantis").exit_code == 1


def test_a_secret_is_put_checked_and_never_shown(above, tmp_path):
    with above.listening(secret={}) as server:
        assert "密钥缺 the secret lacks app_word" in ask("check", "nation").output
        needed = {name: server.secret[name] for name in ("app_mark", "app_word", "public_key", "tenancy")}
        file = tmp_path / "secret.json"
        file.write_text(json.dumps(needed), "utf-8")
        done = ask("secret", "nation", str(file))
        assert done.exit_code == 0, done.output
        assert needed["app_word"] not in done.output
        secrets.forget()
        assert answer("check", "nation")["faults"] == []
        assert ask("secret", "nation", "-", said=json.dumps(needed | {"header:x-app-key": "1"})).exit_code == 0
        for wrong in ("{}", "[]", "no json", json.dumps(needed | {"other": "1"}), json.dumps(needed | {"tenancy": 1})):
            assert ask("secret", "nation", "-", said=wrong).exit_code == 1


@pytest.mark.parametrize(
    "command",
    [["report", "atlantis"], ["receipts", "atlantis", "--day", "2026-11-24"], ["reconcile", "atlantis"], ["secret", "atlantis", "-"]],
)
def test_a_level_above_that_is_not_registered_is_named(above, command):
    done = ask(*command)
    assert (done.exit_code, "没有登记该上级平台 no such level above is registered: atlantis" in done.output) == (1, True)


def test_one_that_is_switched_off_is_not_reported_to(above):
    assert answer("report", "national", exits=1) == {"state": "off"}


def test_one_whose_profile_is_gone_is_said_to_be_so(above):
    value = {"profile": "atlantis", "url": "https://a.example", "regions": ["330000000000"], "since": "2026-01-01", "enabled": True}
    registry.add(registry.Record(kind="upstream", id="gone", valid_from="2020-01-01", value=value))
    registry.forget()
    assert answer("report", "gone", exits=1) == {"state": "down", "reason": "profile:atlantis"}
    assert ask("reconcile", "gone", "--day", "2026-11-24").exit_code == 1
    assert ask("reconcile", "gone").exit_code == 1
    assert ask("check", "gone").exit_code == 1
