"""Parses the text form of a filter by recursive descent, one method a rule.

::

    either     = both { "or" both }
    both       = negation { "and" negation }
    negation   = "not" negation | "(" either ")" | comparison
    comparison = name operator value
               | name ["not"] "in" "(" [ value { "," value } [","] ] ")"
               | name ["not"] "like" text
               | name "is" ["not"] "null"
    name       = identifier | "`" anything "`"
    operator   = "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
    value      = text | number | "true" | "false"
"""

from __future__ import annotations

from nearfield.errors import FilterSyntaxError
from nearfield.filters.tokens import Kind, Token, tokenise
from nearfield.filters.tree import (
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
    Value,
)

__all__ = ["parse"]


def parse(text: str) -> Filter:
    """Parse a filter.

    Raises
    ------
    FilterSyntaxError
        With the position of the fault and what was expected there.

    Examples
    --------
    >>> parse("year >= 2020")
    Compare(field='year', operator=<Operator.GE: '>='>, value=2020)
    >>> parse('lang = en')
    Traceback (most recent call last):
    nearfield.errors.FilterSyntaxError: expected a value; a text goes in quotes: "en" at position 7
        lang = en
               ^
    """
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenise(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Filter:
        if self._peek().kind is Kind.END:
            raise self._error("the filter is empty: expected a comparison")
        tree = self._either()
        if self._peek().kind is not Kind.END:
            raise self._error("expected 'and', 'or' or the end")
        return tree

    def _either(self) -> Filter:
        parts = [self._both()]
        while self._take_keyword("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _both(self) -> Filter:
        parts = [self._negation()]
        while self._take_keyword("and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH + 1:  # the comparison itself is the last level
            raise self._error(f"nested deeper than {MAX_DEPTH} levels")
        tree: Filter
        if self._take_keyword("not"):
            tree = Not(self._negation())
        elif self._take(Kind.OPEN):
            tree = self._either()
            if not self._take(Kind.CLOSE):
                raise self._error("expected ')'")
        else:
            tree = self._comparison()
        self._depth -= 1
        return tree

    def _comparison(self) -> Filter:
        field = self._name()
        token = self._peek()
        if token.kind is Kind.OPERATOR:
            self._at += 1
            return Compare(field, Operator(str(token.value)), self._value())
        if self._take_keyword("is"):
            negated = self._take_keyword("not")
            if not self._take_keyword("null"):
                raise self._error("expected 'null'")
            return IsNull(field, negated)
        negated = self._take_keyword("not")
        if self._take_keyword("in"):
            return In(field, self._values(), negated)
        if self._take_keyword("like"):
            pattern = self._peek()
            if pattern.kind is not Kind.TEXT:
                raise self._error("expected a pattern in quotes")
            self._at += 1
            return Like(field, str(pattern.value), negated)
        raise self._error(
            "expected 'in' or 'like'"
            if negated
            else "expected one of = != < <= > >=, 'in', 'like' or 'is'"
        )

    def _name(self) -> str:
        token = self._peek()
        if token.kind is Kind.NAME:
            self._at += 1
            return str(token.value)
        shown = self._text[token.start : token.end]
        match token.kind:
            case Kind.KEYWORD:
                hint = f"; a field of that name is written `{shown}`"
            case Kind.TEXT:
                hint = f"; a field name goes without quotes or in backticks: `{token.value}`"
            case _:
                hint = ""
        raise self._error(f"expected a field name{hint}")

    def _values(self) -> tuple[Value, ...]:
        if not self._take(Kind.OPEN):
            raise self._error("expected '(': a list is written (1, 2)")
        values: list[Value] = []
        while not self._take(Kind.CLOSE):
            values.append(self._value())
            if self._peek().kind is not Kind.CLOSE and not self._take(Kind.COMMA):
                raise self._error("expected ',' or ')'")
        return tuple(values)

    def _value(self) -> Value:
        token = self._peek()
        match token.kind, token.value:
            case ((Kind.TEXT | Kind.NUMBER), value):
                self._at += 1
                return value
            case Kind.KEYWORD, "true" | "false":
                self._at += 1
                return token.value == "true"
            case Kind.KEYWORD, "null":
                raise self._error("null is not compared: write 'is null' or 'is not null'")
            case Kind.NAME, name:
                raise self._error(f'expected a value; a text goes in quotes: "{name}"')
            case _:
                raise self._error("expected a value")

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _take(self, kind: Kind) -> bool:
        if self._peek().kind is not kind:
            return False
        self._at += 1
        return True

    def _take_keyword(self, word: str) -> bool:
        token = self._peek()
        if token.kind is not Kind.KEYWORD or token.value != word:
            return False
        self._at += 1
        return True

    def _error(self, message: str) -> FilterSyntaxError:
        return FilterSyntaxError(message, self._text, self._peek().start)
