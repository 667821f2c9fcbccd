"""What a record may say, and what of it is stored."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from contract.catalogue import Closed, Item, Line, Listed, Organisation, Region, Staff, Succession

GUIDE = {
    "zh": "营业执照登记",
    "en": "Business licence registration",
    "item_type": "LICENCE",
    "handling_type": "PROMISED",
    "accepting_unit": "行政审批局",
    "channels": ["ONLINE"],
    "conditions": "从事经营活动",
    "materials": ["申请书"],
    "procedure": ["受理", "发证"],
    "promised_limit": {"value": 3, "unit": "WORKDAY"},
    "fee": "不收费",
    "legal_basis": "市场主体登记管理条例",
}


def reasons(model, **said):
    with pytest.raises(ValidationError) as refused:
        model.model_validate(said)
    return {(error["type"], *error["loc"], error.get("ctx", {}).get("field")) for error in refused.value.errors()}


def test_what_a_record_does_not_say_is_not_stored():
    held = {"region_code": "330106000000", "zh": "局", "en": "Bureau"}
    assert Organisation.model_validate(held).plain() == held
    assert Staff(organisation="11330106MB0000004R", zh="张三").plain() == {"organisation": "11330106MB0000004R", "zh": "张三"}


def test_a_stored_record_reads_as_it_was():
    for model, said in [(Item, GUIDE), (Region, {"zh": "区", "en": "x", "closed": {"kind": "MERGE", "successors": ["330102"]}})]:
        read = model.model_validate(said)
        assert model.model_validate(read.plain()) == read


@pytest.mark.parametrize(
    ("kind", "successors", "fits"),
    [
        ("MERGE", ["330102"], True),
        ("RENAME", ["330102"], True),
        ("SPLIT", ["330102", "330114"], True),
        ("MERGE", ["330102", "330114"], False),
        ("SPLIT", ["330102"], False),
        ("SPLIT", ["330102", "330102000000"], False),
        ("RENAME", [], False),
    ],
)
def test_a_region_ends_in_one_successor_or_splits_into_several(kind, successors, fits):
    if fits:
        assert Closed(kind=kind, successors=successors).kind is Succession(kind)
    else:
        with pytest.raises(ValidationError):
            Closed(kind=kind, successors=successors)


@pytest.mark.parametrize("element", ["accepting_unit", "channels", "conditions", "materials", "procedure", "fee", "legal_basis"])
def test_a_guide_has_its_elements(element):
    assert reasons(Item, **{name: value for name, value in GUIDE.items() if name != element}) == {("missing", element, None)}


def test_a_promised_item_says_its_limit_and_another_need_not():
    without = {name: value for name, value in GUIDE.items() if name != "promised_limit"}
    assert reasons(Item, **without) == {("missing_field", "promised_limit")}
    assert Item.model_validate(without | {"handling_type": "INSTANT"}).promised_limit is None


def test_a_guide_without_a_rating_channel_can_be_held_so_that_it_is_seen():
    assert Item.model_validate(GUIDE).rating_channels == ()


@pytest.mark.parametrize("values", Listed.__subclasses__())
def test_every_value_of_a_list_is_labelled_in_both_languages(values):
    for value in values:
        assert value.zh
        assert value.en
        assert values(value.value) is value
    assert Line("VERTICAL").zh == "垂直管理"
