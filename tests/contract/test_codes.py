"""The code lists are one data file; the classes beside it name the same values."""

from __future__ import annotations

import pytest

from contract import codes, tags
from contract.codes import Level


@pytest.mark.parametrize("code", codes.ALL, ids=lambda code: code.__name__)
def test_a_class_names_the_values_of_its_list_in_both_languages(code):
    values = codes.data()["lists"][code.list_name()]["values"]
    assert [member.value for member in code] == list(values)
    assert all(member.zh and member.en for member in code)


def test_every_list_has_its_class_and_says_where_it_comes_from():
    assert {code.list_name() for code in codes.ALL} == codes.data()["lists"].keys()
    assert all(held["source"] and held["status"] in {"confirmed", "our_definition"} for held in codes.data()["lists"].values())


def test_the_two_lowest_levels_are_bad():
    assert [level for level in Level if level.is_bad] == [Level.DISSATISFIED, Level.VERY_DISSATISFIED]
    assert [level.rank for level in Level] == [5, 4, 3, 2, 1]


def test_the_dictionary_has_the_known_entries():
    known = tags.dictionary()
    assert (len(known), sum(tag.active for tag in known.values())) == (72, 40)
    assert "403" not in known
    for level in Level:
        offered = [known[code] for code in tags.offered(level)]
        assert (len(offered), sum(tag.shown_first for tag in offered)) == (8, 3)
        assert {tag.code[0] for tag in offered} == {str(level.rank)}
