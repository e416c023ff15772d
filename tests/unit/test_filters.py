"""The filter language: what parses to what, what it means, and where faults are shown."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import FilterSyntaxError, InputError
from nearfield.filters import (
    MAX_DEPTH,
    And,
    Compare,
    Filter,
    In,
    IsNull,
    Like,
    Not,
    Operator,
    Or,
    depth,
    matches,
    parse,
    predicate,
    render,
)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('lang = "en"', Compare("lang", Operator.EQ, "en")),
        ("lang=='en'", Compare("lang", Operator.EQ, "en")),
        ("year>=2020", Compare("year", Operator.GE, 2020)),
        ("a.b-c != -1.5e3", Compare("a.b-c", Operator.NE, -1500.0)),
        ("x < +.5", Compare("x", Operator.LT, 0.5)),
        ("x = TRUE", Compare("x", Operator.EQ, True)),
        ("`odd ``name` <= 1", Compare("odd `name", Operator.LE, 1)),
        ("`and` > 1", Compare("and", Operator.GT, 1)),
        ("größe > 1", Compare("größe", Operator.GT, 1)),
        ("x = 'it''s'", Compare("x", Operator.EQ, "it's")),
        (r'x = "a\"b\\c\n"', Compare("x", Operator.EQ, 'a"b\\c\n')),
        ("x in (1, 'a', false,)", In("x", (1, "a", False))),
        ("x in ()", In("x", ())),
        ("x NOT IN (1)", In("x", (1,), negated=True)),
        ("x is null", IsNull("x")),
        ("x Is Not Null", IsNull("x", negated=True)),
        ('x like "a%"', Like("x", "a%")),
        ('x not like "a%"', Like("x", "a%", negated=True)),
        ("not x = 1", Not(Compare("x", Operator.EQ, 1))),
        (
            "a is null or b is null and not (c is null or d is null)",
            Or((IsNull("a"), And((IsNull("b"), Not(Or((IsNull("c"), IsNull("d")))))))),
        ),
        ("((a is null))", IsNull("a")),
    ],
)
def test_parse(text: str, tree: Filter) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 0, "the filter is empty"),
        ("   ", 3, "the filter is empty"),
        ("lang = ", 7, "expected a value"),
        ("lang = en", 7, 'a text goes in quotes: "en"'),
        ("lang 'en'", 5, "expected one of = != < <= > >=, 'in', 'like' or 'is'"),
        ("a = 1 && b = 2", 6, "'&&' is written 'and'"),
        ("a <> 1", 2, "'<>' is written '!='"),
        ("!a = 1", 0, "'!' is written 'not'"),
        ("a = 'x", 4, "never closed"),
        (r"a = 'C:\docs'", 7, "write a backslash as"),
        ("date >= 2020-01-01", 8, 'in quotes, "2020-01-01"'),
        ("a = 1e999", 4, "too large"),
        ("a = null", 4, "write 'is null'"),
        ("a is 1", 5, "expected 'null'"),
        ("a in 1", 5, "a list is written (1, 2)"),
        ("a in [1]", 5, "in parentheses"),
        ("a in (1 2)", 8, "expected ',' or ')'"),
        ("a not = 1", 6, "expected 'in' or 'like'"),
        ("a like 5", 7, "expected a pattern in quotes"),
        ("(a = 1", 6, "expected ')'"),
        ("a = 1)", 5, "expected 'and', 'or' or the end"),
        ("a = 1 b = 2", 6, "expected 'and', 'or' or the end"),
        ("in = 1", 0, "written `in`"),
        ("'a' = 1", 0, "in backticks: `a`"),
        ("a = 1 and", 9, "expected a field name"),
        ("a ; 1", 2, "unexpected ';'"),
    ],
)
def test_faults_carry_position_and_remedy(text: str, position: int, reason: str) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        parse(text)
    assert caught.value.position == position
    assert reason in caught.value.reason


FIELDS: dict[str, Any] = {
    "lang": "en",
    "year": 2020,
    "price": 0.1,
    "huge": 2**53 + 1,
    "ok": True,
    "tags": ["a", "b", None, 3],
    "none": None,
    "empty": [],
    "nan": math.nan,
    "date": "2024-03-01",
    "path": "docs/a_b.md",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('lang = "en"', True),
        ('lang = "EN"', False),
        ('lang < "f" and lang >= "e"', True),
        ('lang < "Z"', False),  # code points: capitals come first
        ("year = 2020.0", True),
        ("year > 2019.5", True),
        ("price = 0.1", True),
        ("price < 0.1", False),
        ("huge = 9007199254740992.0", False),  # exact: no rounding to a float
        ("huge > 9007199254740992.0", True),
        ("ok = true", True),
        ("ok = 1", False),
        ("year = true", False),
        ("ok > false", False),
        ('year = "2020"', False),
        ('year > "1"', False),
        ('year != "2020"', True),
        ("missing = 1", False),
        ("missing != 1", True),
        ("missing < 1 or missing >= 1", False),
        ("missing in (1)", False),
        ("missing not in (1)", True),
        ('missing like "%"', False),
        ('missing not like "%"', True),
        ("missing is null and none is null", True),
        ("empty is not null", True),
        ("empty != 1", True),
        ("nan = 1 or nan < 1 or nan >= 1", False),
        ("nan is null", False),
        ('tags = "b"', True),
        ('tags != "b"', False),
        ("tags >= 3", True),
        ('tags in ("x", 3)', True),
        ("tags not in (4)", True),
        ("year in ()", False),
        ("year not in ()", True),
        ('date >= "2024-01-01" and date < "2025"', True),
        ('path like "docs/%"', True),
        ('path like "docs"', False),
        ('path like "%.md"', True),
        ('path like "%a_b%"', True),
        (r'path like "%a\\_b%"', True),
        (r'path like "docs\\%"', False),
        ('path like "DOCS%"', False),
        ('path like ""', False),
        ('path like "%%d%%"', True),
        ('year like "%"', False),
        ('not (lang = "en" and year = 2020)', False),
    ],
)
def test_meaning(text: str, expected: bool) -> None:
    assert matches(parse(text), FIELDS) is expected


def test_like_matches_any_character_and_takes_the_rest_literally() -> None:
    assert matches(Like("x", "a_c%"), {"x": "a\ncde\n"})
    assert not matches(Like("x", ".*"), {"x": "abc"})
    assert matches(Like("x", "[a]"), {"x": "[a]"})
    assert matches(Like("x", "%\\"), {"x": "end\\"})


def test_like_does_not_backtrack() -> None:
    # By backtracking this would not end before the universe does.
    assert not matches(Like("x", "%a" * 30 + "b"), {"x": "a" * 5000})


def test_depth_is_limited_with_a_clear_error() -> None:
    deepest = "not " * MAX_DEPTH + "a is null"
    assert depth(parse(deepest)) == MAX_DEPTH
    with pytest.raises(FilterSyntaxError, match="nested deeper than 100"):
        parse("not " + deepest)
    with pytest.raises(FilterSyntaxError, match="nested deeper than 100"):
        parse("(" * 5000 + "a is null" + ")" * 5000)
    tree: Filter = IsNull("a")
    for _ in range(5000):
        tree = Not(tree)
    with pytest.raises(InputError, match="nested deeper"):
        predicate(tree)
    with pytest.raises(InputError, match="nested deeper"):
        render(tree)


def test_a_long_chain_is_not_deep() -> None:
    tree = parse(" or ".join(f"year = {year}" for year in range(3000)))
    assert matches(tree, {"year": 2999})
    assert depth(tree) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, None, b"x", [1]])
def test_values_are_checked(value: Any) -> None:
    with pytest.raises(InputError, match="compares 'a' with"):
        Compare("a", Operator.EQ, value)
    with pytest.raises(InputError, match="compares 'a' with"):
        In("a", (1, value))


@pytest.mark.parametrize("value", [date(2024, 3, 1), datetime(2024, 3, 1, 9, 30)])
def test_dates_are_refused_with_the_text_to_write(value: Any) -> None:
    with pytest.raises(InputError, match=f'dates are texts here, write "{value.isoformat()}"'):
        Compare("date", Operator.GE, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('date >= "2024-03" and date < "2024-04"', ["2024-03-01", "2024-03-01T09:30:00"]),
        ('date >= "2024-03-01" and date < "2024-03-02"', ["2024-03-01", "2024-03-01T09:30:00"]),
        ('date <= "2024-03-01"', ["2023-12-31", "2024-03-01"]),
        ('date > "2024-03-01"', ["2024-03-01T09:30:00", "2024-04-01"]),
        ('date like "2024-%"', ["2024-03-01", "2024-03-01T09:30:00", "2024-04-01"]),
        ('date < "2024"', ["2023-12-31"]),
    ],
)
def test_iso_texts_have_the_order_of_time(text: str, expected: list[str]) -> None:
    stored = ["2023-12-31", "2024-03-01", "2024-03-01T09:30:00", "2024-04-01"]
    assert [day for day in stored if matches(parse(text), {"date": day})] == expected


def test_what_the_text_form_cannot_say_is_refused() -> None:
    for tree in (And(()), Or((IsNull("a"),))):
        with pytest.raises(InputError, match="needs two or more"):
            render(tree)
    assert matches(And(()), {})
    assert not matches(Or(()), {})


names = st.sampled_from(["a", "b.c", "and", "odd name", "`", "ä"]) | st.text(min_size=1)
values = (
    st.text()
    | st.integers()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["it's", '"', "\\", "\n"])
)
leaves = st.one_of(
    st.builds(Compare, names, st.sampled_from(Operator), values),
    st.builds(In, names, st.lists(values, max_size=4).map(tuple), st.booleans()),
    st.builds(IsNull, names, st.booleans()),
    st.builds(Like, names, st.text(), st.booleans()),
)


def _branches(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, inner)


@settings(max_examples=200, deadline=None)
@given(st.recursive(leaves, _branches, max_leaves=8))
def test_parse_undoes_render(tree: Filter) -> None:
    again = parse(render(tree))
    assert again == tree
    assert repr(again) == repr(tree)  # == takes 1 for True and 1.0


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab'\"`\\()=<>!&|,.1e- \nnotinislke%_", max_size=30))
def test_any_text_parses_or_says_where_it_is_wrong(text: str) -> None:
    try:
        tree = parse(text)
    except FilterSyntaxError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert parse(render(tree)) == tree
