"""The profiles of levels above: each says everything that it uses, says it rightly, and one that leaves something open is refused."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest
from pydantic import ValidationError

from contract.codes import Level
from contract.messages import Rating, ServiceEvent
from contract.upward import Known, Names, Revealed, SaidRating, SaidService
from intake.profile import load as intake_profile
from intake.translate import translate
from notify.upward.answers import Down, Verdict, read, token_in
from notify.upward.encoding import Incomplete, encode, wanted
from notify.upward.envelopes import Sealed, batches
from notify.upward.gaps import LISTS
from notify.upward.profile import UpstreamProfile, available, load
from said import APPLICANT, bad_rating, event, rating

PROFILES = ["fujian", "national", "zhejiang"]
PERSON = Known(name="张三", phone="13800000000", certificate_type="111", certificate_number=APPLICANT["certificate_number"])


def text_of(id: str) -> str:
    return resources.files("notify.upward").joinpath("upstreams", f"{id}.toml").read_text("utf-8")


def declared(id: str = "national") -> dict:
    return tomllib.loads(text_of(id))


def revealed(said: Rating | None = None, about: ServiceEvent | None = None, **further) -> Revealed:
    """What intake answers for a rating with its event, or for an event."""
    about = about or event()
    fields = about.plain()
    service = SaidService(**{name: fields[name] for name in SaidService.model_fields if name in fields})
    opinion = SaidRating(**{name: value for name, value in said if name in SaidRating.model_fields}) if said else None
    names = Names(organisation="示例中心", region="西湖区", item="营业执照登记")
    return Revealed(**{"ref": "R#r_1", "rating": opinion, "event": service, "person": PERSON, "names": names} | further)


def test_every_format_that_is_asked_for_is_there():
    assert list(available()) == PROFILES


# ---------------------------------------------------------------- what they say


@pytest.mark.parametrize("id", PROFILES)
@pytest.mark.parametrize("level", list(Level))
def test_a_rating_is_understood_below_as_it_was_meant_above(id, level):
    """The wire formats that partners send by run the same way: what is reported upward reads there as what it was."""
    tags = {"tags": [f"{level.rank}10"]} if level.is_bad or level.rank > 3 else {"tags": []}
    said = rating(level=level, comment="等了两个小时", **tags) if level.rank != 2 else bad_rating()
    profile = load(id)
    wire = encode(profile, profile.rating, revealed(said), "33")
    understood = translate(intake_profile(id), wire, "33")
    assert isinstance(understood, Rating)
    for name in ("project_no", "service_number", "round", "level", "tags", "comment", "rating_channel", "occurred_at"):
        assert getattr(understood, name) == getattr(said, name), name


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": "ACCEPTED", "finished_at": None, "handling_type": "PROMISED", "promised_limit": {"value": 5, "unit": "WORKDAY"}},
        {"status": "PENDING", "service_channel": "ONLINE", "applicant_type": "SOCIAL_ORGANISATION", "handling_type": "OTHER"},
    ],
)
def test_a_service_event_is_understood_below_as_it_was_meant_above(changes):
    said, profile = event(**changes), load("national")
    wire = encode(profile, profile.event, revealed(about=said), "33")
    understood = translate(intake_profile("national"), wire, "33")
    assert isinstance(understood, ServiceEvent)
    beside = {"applicant", "window", "staff_no", "item_name"}
    assert understood.model_dump(exclude=beside) == said.model_dump(exclude=beside)
    assert understood.applicant.name == "张三"
    assert wire["proStatus"] == {"PENDING": "1", "ACCEPTED": "2", "FINISHED": "3"}[said.status]


def test_what_runs_the_other_way_in_one_place_does_so():
    promised = revealed(rating(), event(handling_type="PROMISED"))
    by_sms = revealed(rating(rating_channel="SMS", provenance="SELF_ONLINE"))
    assert encode(load("zhejiang"), load("zhejiang").rating, promised, "33")["promiseTime"] == "1"
    assert encode(load("national"), load("national").event, promised, "33")["projectType"] == "2"
    assert encode(load("zhejiang"), load("zhejiang").rating, by_sms, "33")["pf"] == "6"
    assert encode(load("national"), load("national").rating, by_sms, "33")["pf"] == "7"
    assert encode(load("fujian"), load("fujian").rating, by_sms, "33")["regionCode"] == "330106"
    assert encode(load("zhejiang"), load("zhejiang").rating, by_sms, "33")["areaCode"] == "330106000000"


def test_a_scale_that_runs_the_other_way_is_declared_and_used():
    turned = declared("zhejiang") | {"satisfaction_direction": "1_is_best"}
    turned["codes"]["level"] = {level.value: str(6 - level.rank) for level in Level}
    profile = UpstreamProfile.model_validate(turned)
    assert encode(profile, profile.rating, revealed(rating()), "33")["satisfaction"] == "1"


def test_times_are_told_in_the_zone_of_the_place():
    said = rating(occurred_at="2026-11-24T16:30:00+00:00")
    assert encode(load("national"), load("national").rating, revealed(said), "33")["assessTime"] == "2026-11-25 00:30:00"


def test_a_length_whose_unit_has_no_word_there_is_left_out():
    said = event(promised_limit={"value": 4, "unit": "HOUR"})
    assert not {"promiseDay", "promiseType"} & encode(load("national"), load("national").event, revealed(about=said), "33").keys()


# ---------------------------------------------------------------- what is asked of persons


@pytest.mark.parametrize("id", PROFILES)
def test_only_what_is_mandatory_is_asked_of_a_person(id):
    for name, section in load(id).sections.items():
        personal = {field for field, source in section.sources.items() if source.part == "person"}
        assert personal <= set(section.mandatory)
        assert bool(wanted(section).fields) == (id == "national" and name == "event")


def test_a_personal_field_that_is_not_mandatory_is_refused():
    whole = declared()
    whole["rating"]["fields"]["userName"] = "person.name"
    with pytest.raises(ValidationError, match="userName is of a person and not mandatory"):
        UpstreamProfile.model_validate(whole)
    whole["rating"]["mandatory"].append("userName")
    profile = UpstreamProfile.model_validate(whole)
    assert wanted(profile.rating).fields == {"name"}
    with pytest.raises(Incomplete, match="missing:userName"):
        encode(profile, profile.rating, revealed(rating(), person=None), "33")


def test_how_somebody_unknown_is_told_of_can_be_declared():
    whole = declared()
    whole["rating"] |= {"fields": {**whole["rating"]["fields"], "userName": "person.name"}, "anonymous": {"userName": "匿名"}}
    whole["rating"]["mandatory"].append("userName")
    profile = UpstreamProfile.model_validate(whole)
    assert encode(profile, profile.rating, revealed(rating(), person=None), "33")["userName"] == "匿名"
    assert encode(profile, profile.rating, revealed(rating()), "33")["userName"] == "张三"


# ---------------------------------------------------------------- what is left open


def without(whole: dict, *path: str) -> dict:
    *steps, last = path
    part = whole
    for step in steps:
        part = part[step]
    del part[last]
    return whole


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (("satisfaction_direction",), "satisfaction_direction is not declared"),
        (("tag_separator",), "tag_separator is not declared"),
        (("dict_version",), "dict_version is not declared"),
        (("region_width",), "region_width is not declared"),
        (("project_no_rule",), "project_no_rule is not declared"),
        (("codes", "level"), r"\[codes.level\] is missing"),
        (("codes", "rating_channel"), r"\[codes.rating_channel\] is missing"),
        (("codes", "handling_type"), r"\[codes.handling_type\] is missing"),
        (("codes", "service_name"), r"\[codes.service_name\] is missing"),
        (("codes", "certificate_type"), r"\[codes.certificate_type\] is missing"),
        (("codes", "rating_channel", "PAPER"), r"\[codes.rating_channel\] says nothing of PAPER"),
        (("codes", "level", "SATISFIED"), r"\[codes.level\] says nothing of SATISFIED"),
        (("rating", "fields", "satisfaction"), "satisfaction is filled with nothing"),
        (("envelope", "time_format"), "time_format is not declared"),
        (("envelope", "cipher"), "cipher is not declared"),
        (("time_format",), "time_format"),
        (("unconfirmed",), "unconfirmed"),
        (("reports_defaults",), "reports_defaults"),
        (("batch",), "batch"),
        (("answers", "duplicates"), "duplicates"),
        (("answers", "no_event"), "no_event"),
        (("answers", "faults"), "faults"),
        (("answers", "errors"), "errors"),
    ],
)
def test_what_is_left_open_is_named(path, named):
    with pytest.raises(ValidationError, match=named):
        UpstreamProfile.model_validate(without(declared(), *path))


@pytest.mark.parametrize(
    ("section", "changes", "named"),
    [
        ("codes", {"level": {level.value: str(6 - level.rank) for level in Level}}, "contradicts satisfaction_direction"),
        ("codes", {"round": {"1": "1", "2": "2", "3": "3"}}, "3 is not in the list round"),
        ("rating", {"fields": {"x": "rating.rater"}}, "there is no rating.rater"),
        ("rating", {"fields": {"x": "case.result"}}, "there is no case.result"),
        ("rating", {"constants": {"pf": "1"}}, "pf is a field as well"),
        ("rating", {"anonymous": {"pf": "1"}}, "pf is of no person"),
        ("envelope", {"key": "other"}, "secrets lack other"),
        ("answers", {"records_at": "results"}, "records_at needs"),
        ("batch", {"records": 101}, "records"),
    ],
)
def test_what_contradicts_itself_is_named(section, changes, named):
    whole = declared()
    whole[section] = whole[section] | changes
    with pytest.raises(ValidationError, match=named):
        UpstreamProfile.model_validate(whole)


def test_a_profile_without_records_and_one_of_another_dictionary_are_refused():
    for whole, named in [
        (without(without(declared(), "rating"), "event"), "neither"),
        (declared() | {"dict_version": "national-1999-01"}, "is not in the dictionary"),
        (declared() | {"satisfactionDirection": "5_is_best"}, "Extra inputs"),
    ]:
        with pytest.raises(ValidationError, match=named):
            UpstreamProfile.model_validate(whole)


@pytest.mark.parametrize("id", PROFILES)
def test_no_value_of_a_list_is_forgotten(id):
    for name, held in load(id).codes.items():
        if name in LISTS:
            assert set(held) == set(LISTS[name]), name


# ---------------------------------------------------------------- what cannot be said, and what is answered


@pytest.mark.parametrize(
    ("said", "about", "code"),
    [
        ({"rating_channel": "PAPER", "provenance": "PAPER_ENTERED", "entered_by": "7"}, {}, "no_code:pf"),
        ({"project_no": "A-1"}, {}, "project_no"),
    ],
)
def test_what_cannot_be_said_there_is_not_sent(said, about, code):
    profile = load("national")
    with pytest.raises(Incomplete, match=code):
        encode(profile, profile.rating, revealed(rating(**said), event(**about)), "33")


def answer(body: str, status: int = 200, count: int = 2, id: str = "national"):
    return read(load(id).answers, status, body.encode(), count)


def national(text: str, *, success: bool = False) -> str:
    return f'{{"C-Response-Desc": "", "C-Response-Body": {{"success": {str(success).lower()}, "message": "{text}"}}}}'


@pytest.mark.parametrize(
    ("text", "verdict", "code"),
    [
        ("评价数据不可重复", Verdict.DUPLICATE, "duplicate"),
        ("办件服务数据已存在，请勿重复上报", Verdict.DUPLICATE, "duplicate"),
        ("办件服务不存在", Verdict.NO_EVENT, "no_event"),
        ("mobile不能为空", Verdict.REFUSED, "mandatory"),
        ("张三的评价不符合要求", Verdict.REFUSED, "other"),
    ],
)
def test_what_is_answered_is_understood_and_no_text_of_it_kept(text, verdict, code):
    assert answer(national(text)) == (verdict, code)
    assert answer(national("success", success=True)).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (national("签名错误"), 200, "fault"),
        (national("时间戳超出范围"), 200, "fault"),
        (national(""), 200, "no_answer"),
        ("<html>login</html>", 200, "no_answer"),
        ("[]", 200, "no_answer"),
        ("", 401, "http_401"),
        ("", 302, "http_302"),
        ("", 429, "http_429"),
    ],
)
def test_what_is_no_answer_to_a_record_refuses_none(body, status, reason):
    with pytest.raises(Down, match=reason):
        answer(body, status)


def test_each_record_has_its_answer_where_there_are_so_many():
    body = '{"success": false, "message": "x", "results": [{"success": true}, {"success": false, "message": "评价数据不可重复"}]}'
    assert [said.verdict for said in answer(body, id="zhejiang")] == [Verdict.ACCEPTED, Verdict.DUPLICATE]
    assert answer(body, count=3, id="zhejiang") == (Verdict.REFUSED, "other")
    assert answer("", 500) == (Verdict.FAILED, "error:http_500")
    assert answer(national("系统繁忙，请稍后再试")) == (Verdict.FAILED, "error")


def test_an_answer_within_soap_is_found():
    assert (
        answer("<s:Envelope><s:Body><return>{&quot;code&quot;: 200}</return></s:Body></s:Envelope>", id="fujian").verdict
        is Verdict.ACCEPTED
    )
    assert token_in(200, b'{"access_token": "t", "expires_in": 7200}') == ("t", 7200)
    with pytest.raises(Down, match="no_token"):
        token_in(200, b'{"code": "401"}')


def test_a_call_carries_so_many_records_and_so_many_bytes():
    records = [Sealed(str(n), "x" * 400) for n in range(5)]
    profile = load("national")
    small = profile.model_copy(update={"batch": profile.batch.model_copy(update={"bytes": 1_000})})
    assert [len(batch) for batch in batches(profile, records, 2)] == [2, 2, 1]
    assert [len(batch) for batch in batches(small, [*records, Sealed("6", "x" * 2_000)], 50)] == [2, 2, 1, 1]
