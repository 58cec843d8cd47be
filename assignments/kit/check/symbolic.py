"""Formulas that somebody else wrote: read without running them, compared by their values.

A formula arrives as text. It is read by Python's own parser and turned, node by node, into a
function of its symbols: numbers, the symbols that are allowed, the four operations, powers and a
few functions; nothing is evaluated as code. Two formulas are the same if their values agree to
twenty digits at twelve random points, which every equivalent form passes and no other formula does
but by design. Where floats of a formula may be rounded, fewer digits can be asked for.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, TypeAlias

import mpmath
import numpy as np

_DIGITS = 50
_POINTS = 12
_AGREE = 1e-20
_LARGEST_POWER = 10_000  # beyond, mpmath would compute for ever
_LARGEST_TREE = 2_000  # nodes
_DEEPEST = 300  # a sum of as many terms; a formula is walked by recursion
_PREFIX = re.compile(r"\b(?:sympy|sp|numpy|np|math)\.(?=[A-Za-z])")  # of functions, in a text

_CONSTANTS = {"pi": lambda: mpmath.pi, "E": lambda: mpmath.e, "I": lambda: mpmath.j}

Formula: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""Gives the value of a formula for values of its symbols."""


class Unreadable(ValueError):
    """A text is not a formula in the symbols that are allowed."""


def _power(base: Any, exponent: Any) -> Any:
    if abs(exponent) > _LARGEST_POWER:
        raise Unreadable(f"a power beyond {_LARGEST_POWER:,} is not computed")
    return mpmath.power(base, exponent)


def _exp(x: Any) -> Any:
    if abs(x) > _LARGEST_POWER:
        raise Unreadable(f"exp beyond {_LARGEST_POWER:,} is not computed")
    return mpmath.exp(x)


_OPERATORS: dict[type, Callable[..., Any]] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul},
    **{ast.Div: operator.truediv, ast.Pow: _power, ast.USub: operator.neg, ast.UAdd: operator.pos},
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{"sqrt": mpmath.sqrt, "exp": _exp, "log": mpmath.log, "ln": mpmath.log},
    **{"Abs": abs, "abs": abs, "Integer": mpmath.mpf},
    "Rational": lambda a, b=1: mpmath.mpf(a) / mpmath.mpf(b),
}


def read(text: str, symbols: Sequence[str]) -> Formula:
    """A formula as a function.

    Args:
        text: the formula, in Python's or SymPy's notation; ``^`` is a power, too.
        symbols: names that it may hold besides those of functions.

    Raises:
        Unreadable: it is no formula; the message says what in it is not allowed.
    """
    return _build(_parse(text), symbols)


def _build(node: ast.AST, symbols: Sequence[str]) -> Formula:
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            if isinstance(number, int) and number.bit_length() > 400:
                raise Unreadable("a number is too long")
            return lambda at: mpmath.mpf(str(number))
        case ast.Constant(value=other):
            raise Unreadable(f"{other!r} is no number")
        case ast.Name(id=name) if name in symbols:
            return lambda at: mpmath.mpf(at[name])
        case ast.Name(id=name) if name in _CONSTANTS:
            return lambda at: _CONSTANTS[name]()
        case ast.Name(id=name):
            allowed = ", ".join(symbols) or "none"
            raise Unreadable(f"{name!r} is none of the symbols of this answer, {allowed}")
        case ast.BinOp(op=op) | ast.UnaryOp(op=op) if type(op) in _OPERATORS:
            function = _OPERATORS[type(op)]
        case ast.BinOp():
            raise Unreadable("only + - * / and ** may join two terms")
        case ast.UnaryOp():
            raise Unreadable("only + and - may stand before a term")
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _FUNCTIONS:
            function, inner = _FUNCTIONS[name], inner[1:]
        case ast.Call():
            raise Unreadable(f"only the functions {', '.join(_FUNCTIONS)} are known")
        case _:
            raise Unreadable(f"a formula may not hold a {type(node).__name__}")
    # Without a frame of their own: a formula may be deep.
    parts = list(map(_build, inner, repeat(symbols)))
    return lambda at: function(*map(operator.call, parts, repeat(at)))


def names(text: str) -> frozenset[str]:
    """The symbols that a formula holds, whether they are allowed or not.

    Raises:
        Unreadable: it is no formula.
    """
    tree = _parse(text)
    nodes = list(ast.walk(tree))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    found = (n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in called)
    return frozenset(found) - _CONSTANTS.keys()


def _parse(text: str) -> ast.expr:
    if len(text) > 20_000:
        raise Unreadable("the formula is too long")
    line = _PREFIX.sub("", " ".join(text.split())).replace("^", "**")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            tree = ast.parse(line, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise Unreadable(f"{_short(text)} is no formula") from None
    level: list[ast.AST] = [tree.body]
    nodes = depth = 0
    while level:
        nodes, depth = nodes + len(level), depth + 1
        if nodes > _LARGEST_TREE or depth > _DEEPEST:
            raise Unreadable("the formula is too long")
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return tree.body


def value(formula: Formula, at: Mapping[str, Any]) -> Any:
    """The value of a formula, in fifty digits.

    Raises:
        Unreadable: it has none there: a division by zero, or a power that is too large.
    """
    with mpmath.workdps(_DIGITS):
        try:
            found = +formula(at)
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            if isinstance(error, Unreadable):
                raise
            raise Unreadable(f"the formula has no value there: {error}") from None
        # Infinity less infinity would compare as equal to everything.
        if not mpmath.isfinite(found):
            raise Unreadable("the formula has no value there: it is not finite")
        return found


def same(
    one: str, other: str, ranges: Mapping[str, tuple[float, float]], agree: float = _AGREE
) -> bool:
    """Whether two formulas are the same.

    Args:
        one: a formula.
        other: another.
        ranges: the symbols that they may hold, and between which numbers each is tried.
        agree: the relative difference below which two values are the same.

    Raises:
        Unreadable: one of them is no formula in these symbols.
    """
    first, second = (read(text, list(ranges)) for text in (one, other))
    for at in _points(ranges, _POINTS, 20100513):
        try:
            a, b = value(first, at), value(second, at)
        except Unreadable:
            return False
        with mpmath.workdps(_DIGITS):
            if not abs(a - b) <= agree * max(abs(a), abs(b), mpmath.mpf("1e-12")):
                return False
    return True


def defined(text: str, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Make sure that a formula has a value wherever two are compared.

    Raises:
        Unreadable: it is no formula in these symbols, or has none somewhere.
    """
    formula = read(text, list(ranges))
    for at in _points(ranges, _POINTS, 20100513):
        value(formula, at)


def ratio(
    one: str, other: str, ranges: Mapping[str, tuple[float, float]], agree: float = _AGREE
) -> float | None:
    """What one formula is of another, if that is the same number everywhere; else None."""
    first, second = (read(text, list(ranges)) for text in (one, other))
    found = []
    for at in _points(ranges, 4, 20100514):
        try:
            with mpmath.workdps(_DIGITS):
                quotient = value(first, at) / value(second, at)
        except (Unreadable, ZeroDivisionError):
            return None
        if not isinstance(quotient, mpmath.mpf):
            return None
        found.append(quotient)
    with mpmath.workdps(_DIGITS):
        spread = max(found) - min(found)
        return float(found[0]) if spread < agree * abs(found[0]) else None


def _points(
    ranges: Mapping[str, tuple[float, float]], points: int, seed: int
) -> Iterator[dict[str, float]]:
    rng = np.random.default_rng(seed)
    for _ in range(points):
        yield {name: float(rng.uniform(*ends)) for name, ends in ranges.items()}


def _short(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    return repr(text if len(text) < 60 else text[:57] + "...")
