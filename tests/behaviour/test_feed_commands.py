"""`haochaping feed` and `haochaping subscription`, as an operator types them: right, wrong, and about what is not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook
from typer.testing import CliRunner

from asking import dispatched, register, told
from bed import CONTEXT, be_local, be_without_a_stack
from cloud import secrets
from haochaping import cli
from notify import subscriptions, sweeping
from notify.app import deliver
from told import overdue, progressed

if TYPE_CHECKING:
    from haochaping.demo.receiver import Receiver

URL = "https://portal.example.cn/events"
ADD = ["subscription", "add", "portal", "--party", "data-centre", "--target", URL]


@pytest.fixture
def stack(bed, monkeypatch):
    for module in ("feeds", "subscribers"):
        monkeypatch.setattr(f"haochaping.{module}.connect", lambda: None)
    register(bed)
    be_local(monkeypatch)
    return bed


def ask(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, list(arguments))


def answer(*arguments: str) -> Any:
    done = ask(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def listening(receiver: Receiver, *further: str) -> str:
    secret = answer("subscription", "add", "portal", "--party", "data-centre", "--target", receiver.url, *further)["secret"]
    receiver.verifier = Webhook(secret)
    subscriptions.forget()
    return secret


def handed_over(bed) -> None:
    deliver({"Records": bed.messages("DeliveryQueue")}, CONTEXT)


COMMANDS = [
    *(["feed", "pull"], ["feed", "show", "ev_1"], ADD),
    *(["subscription", name, "portal"] for name in ("show", "change", "remove", "test", "rotate", "deliveries")),
    *(["subscription", "list"], ["subscription", "replay", "portal", "--stop"]),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments[:2]))
def test_without_a_stack_every_command_says_so_in_a_line(arguments, monkeypatch, tmp_path):
    be_without_a_stack(monkeypatch, tmp_path)
    done = ask(*arguments)
    assert (done.exit_code, "haochaping local up" in done.output) == (1, True)


# ---------------------------------------------------------------- the feed


def test_events_are_printed_a_line_each_and_the_cursor_beside_them(stack):
    dispatched(*(progressed(n, rating=f"r_{n}") for n in range(3)))
    done = ask("feed", "pull")
    assert sorted(json.loads(line)["id"] for line in done.stdout.splitlines()) == ["ev_0", "ev_1", "ev_2"]
    cursor = done.stderr.split()[-1]
    dispatched(overdue(7))
    assert [json.loads(line)["id"] for line in ask("feed", "pull", "--cursor", cursor).stdout.splitlines()] == ["ev_7"]


def test_it_ends_at_the_limit_or_goes_to_the_end(stack, monkeypatch):
    monkeypatch.setattr("haochaping.feeds._PAGE", 3)
    dispatched(*(progressed(n, rating=f"r_{n}") for n in range(10)))
    assert len(ask("feed", "pull", "--limit", "4").stdout.splitlines()) == 4
    assert len(ask("feed", "pull", "--all").stdout.splitlines()) == 10


def test_some_kinds_alone_and_the_end_of_the_feed_can_be_asked_for(stack):
    dispatched(progressed(1), overdue(2))
    assert [json.loads(line)["id"] for line in ask("feed", "pull", "--types", "CaseOverdue").stdout.splitlines()] == ["ev_2"]
    assert ask("feed", "pull", "--cursor", "latest").stdout == ""


@pytest.mark.parametrize("arguments", [["--types", "Rumour"], ["--cursor", "yesterday"], ["--limit", "0"]])
def test_what_cannot_be_pulled_is_said(stack, arguments):
    done = ask("feed", "pull", *arguments)
    assert done.exit_code != 0
    assert done.stdout == ""


def test_an_event_is_shown_with_what_became_of_it_for_each_subscriber(stack, receiver):
    listening(receiver)
    dispatched(overdue(1))
    handed_over(stack)
    shown = answer("feed", "show", "ev_1")
    assert (shown["event"]["id"], shown["position"]) == ("ev_1", 1)
    assert [(row["subscription"], row["state"], row["answer"]) for row in shown["deliveries"]] == [("portal", "DELIVERED", "204")]
    said = ask("feed", "show", "ev_1").output
    assert all(word in said for word in ("CaseOverdue", "portal", "DELIVERED", "204"))


def test_an_event_that_is_not_there_is_said(stack):
    done = ask("feed", "show", "ev_9")
    assert (done.exit_code, "没有该事件 no such event" in done.output) == (1, True)


# ---------------------------------------------------------------- subscriptions


def test_a_subscription_is_added_and_its_secret_printed_once(stack):
    done = ask(*ADD, "--types", "CaseOpened, CaseClosed", "--regions", "330106", "--severity", "NOTICE", "--in-order")
    assert done.exit_code == 0
    assert secrets.signing_secrets("subscription/portal")[0] in done.output
    held = answer("subscription", "show", "portal")
    assert (held["types"], held["regions"], held["severity"], held["in_order"]) == (
        ["CaseOpened", "CaseClosed"],
        ["330106000000"],
        "NOTICE",
        True,
    )
    assert "whsec" not in ask("subscription", "list").output


def test_it_is_the_party_s_own_at_the_door(stack):
    ask(*ADD)
    assert [one["id"] for one in told("GET", "/subscriptions")["subscriptions"]] == ["portal"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--party", "nobody"], "unknown_party"),
        (["--target", "http://portal.example.cn/"], "bad_target"),
        (["--kind", "QUEUE"], "bad_target"),
        (["--types", "Rumour"], "unknown_code"),
        (["--party", "city", "--regions", "330203"], "out_of_scope"),
        (["--party", "hall", "--organisations", "11330106MB0000005W"], "out_of_scope"),
    ],
)
def test_what_a_party_could_not_subscribe_to_its_operator_cannot_either(stack, arguments, code):
    done = ask(*ADD, *arguments)
    assert (done.exit_code, code in done.output) == (1, True)
    assert answer("subscription", "list") == []


def test_an_id_that_is_taken_is_said(stack):
    ask(*ADD)
    done = ask(*ADD)
    assert (done.exit_code, "subscription_exists" in done.output, "该订阅编号已被使用" in done.output) == (1, True, True)


def test_a_change_leaves_what_it_does_not_name(stack):
    ask(*ADD, "--types", "CaseOpened", "--regions", "330106")
    changed = answer("subscription", "change", "portal", "--regions", "", "--paused", "--target", "https://other.example.cn/")
    assert (changed["types"], changed["regions"], changed["paused"], changed["target"]) == (
        ["CaseOpened"],
        [],
        True,
        "https://other.example.cn/",
    )
    assert answer("subscription", "change", "portal", "--running")["paused"] is False
    assert "out_of_scope" in ask("subscription", "change", "portal", "--regions", "110000").output


@pytest.mark.parametrize("command", ["show", "change", "remove", "test", "rotate", "deliveries"])
def test_what_is_not_there_is_said(stack, command):
    done = ask("subscription", command, "none")
    assert (done.exit_code, "unknown_subscription" in done.output) == (1, True)


def test_subscriptions_are_listed_of_all_parties_or_one(stack):
    ask(*ADD)
    ask("subscription", "add", "city", "--party", "city", "--target", URL)
    assert [one["id"] for one in answer("subscription", "list")] == ["city", "portal"]
    assert [one["id"] for one in answer("subscription", "list", "--party", "city")] == ["city"]


def test_a_subscription_is_ended_when_the_operator_says_yes(stack):
    ask(*ADD)
    assert CliRunner().invoke(cli.app, ["subscription", "remove", "portal"], input="n\n").exit_code == 1
    assert ask("subscription", "remove", "portal", "--yes").exit_code == 0
    assert answer("subscription", "list") == []


def test_a_test_says_what_was_answered(stack, receiver):
    listening(receiver)
    assert answer("subscription", "test", "portal")["answer"] == "204"
    receiver.verifier = Webhook("whsec_b3RoZXI=")
    done = ask("subscription", "test", "portal")
    assert (done.exit_code, "未接收 not taken: 401" in done.output) == (1, True)


def test_a_secret_is_rotated_and_the_old_one_ends_when_that_is_finished(stack, receiver):
    before = listening(receiver)
    fresh = answer("subscription", "rotate", "portal")["secret"]
    assert secrets.signing_secrets("subscription/portal") == [fresh, before]
    assert fresh not in ask("subscription", "rotate", "portal", "--finish").output
    assert secrets.signing_secrets("subscription/portal") == [fresh]


def test_a_replay_sends_once_more_and_can_be_stopped(stack, receiver):
    dispatched(progressed(1), progressed(2))
    listening(receiver)
    assert ask("subscription", "replay", "portal", "--cursor", "").exit_code == 0
    assert "f1." in ask("subscription", "list").output
    sweeping.sweep()
    handed_over(stack)
    assert sorted(receiver.events) == ["ev_1", "ev_2"]
    ask("subscription", "replay", "portal", "--cursor", "")
    assert ask("subscription", "replay", "portal", "--stop").exit_code == 0
    assert "replay" not in answer("subscription", "show", "portal")


@pytest.mark.parametrize("arguments", [[], ["--stop", "--set-aside"], ["--cursor", "yesterday"]])
def test_a_replay_is_asked_for_in_one_way(stack, arguments):
    ask(*ADD)
    assert ask("subscription", "replay", "portal", *arguments).exit_code != 0


def test_what_was_given_up_is_listed_and_put_back(stack, receiver, later, monkeypatch):
    monkeypatch.setattr("notify.owning.REVIVED", 1)
    listening(receiver)
    receiver.verifier = Webhook("whsec_b3RoZXI=")
    dispatched(progressed(1), progressed(2))
    handed_over(stack)
    assert {row["answer"] for row in answer("subscription", "deliveries", "portal", "--state", "WAITING")} == {"401"}
    assert "失败 failing: 2" in ask("subscription", "list").output
    later(days=5)
    sweeping.sweep()
    assert len(answer("subscription", "deliveries", "portal", "--state", "SET_ASIDE")) == 2
    assert "2" in ask("subscription", "replay", "portal", "--set-aside").output
    assert answer("subscription", "deliveries", "portal", "--state", "SET_ASIDE") == []


def test_deliveries_are_listed_up_to_a_limit_in_a_state_or_of_one_event(stack, receiver):
    listening(receiver)
    dispatched(progressed(1), progressed(2))
    handed_over(stack)
    assert len(answer("subscription", "deliveries", "portal", "--limit", "1")) == 1
    assert len(answer("subscription", "deliveries", "portal", "--state", "DELIVERED")) == 2
    assert [row["event_id"] for row in answer("subscription", "deliveries", "portal", "--event", "ev_2")] == ["ev_2"]
    assert "DELIVERED" in ask("subscription", "deliveries", "portal").output
