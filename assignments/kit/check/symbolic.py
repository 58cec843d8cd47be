"""Formulas that somebody else wrote: read without running them, compared by their values.

A formula arrives as text. It is read by Python's own parser and walked: numbers, the symbols that
are allowed, the four operations, powers and a few functions; nothing is evaluated as code. Two
formulas are the same if their values agree to twenty digits at twelve random points, which every
equivalent form passes and no other formula does but by design. Where floats of a formula may be
rounded, fewer digits can be asked for.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np

_DIGITS = 50
_POINTS = 12
_AGREE = 1e-20
_LARGEST_POWER = 10_000  # beyond, mpmath would compute for ever
_LARGEST_TREE = 2_000  # nodes
_DEEPEST = 300  # a sum of as many terms; a formula is walked by recursion
_PREFIX = re.compile(r"\b(?:sympy|sp|numpy|np|math)\.(?=[A-Za-z])")  # of functions, in a text

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_CONSTANTS = {"pi": lambda: mpmath.pi, "E": lambda: mpmath.e, "I": lambda: mpmath.j}


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


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": mpmath.sqrt,
    "exp": _exp,
    "log": mpmath.log,
    "ln": mpmath.log,
    "Abs": abs,
    "abs": abs,
    "Rational": lambda a, b=1: mpmath.mpf(a) / mpmath.mpf(b),
    "Integer": mpmath.mpf,
}


def read(text: str, symbols: Sequence[str]) -> ast.expr:
    """The syntax tree of a formula.

    Args:
        text: the formula, in Python's or SymPy's notation; ``^`` is a power, too.
        symbols: names that it may hold besides those of functions.

    Raises:
        Unreadable: it is no formula; the message says what in it is not allowed.
    """
    tree = _parse(text)
    called = _called(tree)
    for node in ast.walk(tree):
        if id(node) not in called:
            _allow(node, symbols)
    return tree


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


def _called(tree: ast.expr) -> set[int]:
    """The nodes that name a known function where it is called."""
    return {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _FUNCTIONS
    }


def _allow(node: ast.AST, symbols: Sequence[str]) -> None:
    if isinstance(node, ast.BinOp):
        if not isinstance(node.op, (*_BINARY, ast.Pow)):
            raise Unreadable("only + - * / and ** may join two terms")
    elif isinstance(node, ast.UnaryOp):
        if not isinstance(node.op, ast.USub | ast.UAdd):
            raise Unreadable("only + and - may stand before a term")
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise Unreadable(f"{node.value!r} is no number")
        if isinstance(node.value, int) and node.value.bit_length() > 400:
            raise Unreadable("a number is too long")
    elif isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or node.keywords:
            raise Unreadable(f"only the functions {', '.join(_FUNCTIONS)} are known")
    elif isinstance(node, ast.Name):
        if node.id not in (*symbols, *_CONSTANTS):
            raise Unreadable(
                f"{node.id!r} is none of the symbols of this answer, {', '.join(symbols) or 'none'}"
            )
    elif not isinstance(node, ast.operator | ast.unaryop | ast.expr_context):
        raise Unreadable(f"a formula may not hold a {type(node).__name__}")


def value(tree: ast.expr, at: Mapping[str, Any]) -> Any:
    """The value of a formula, in fifty digits.

    Raises:
        Unreadable: it has none there: a division by zero, or a power that is too large.
    """
    with mpmath.workdps(_DIGITS):
        try:
            found = +_value(tree, at)
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            if isinstance(error, Unreadable):
                raise
            raise Unreadable(f"the formula has no value there: {error}") from None
        # Infinity less infinity would compare as equal to everything.
        if not mpmath.isfinite(found):
            raise Unreadable("the formula has no value there: it is not finite")
        return found


def _value(node: ast.expr, at: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return mpmath.mpf(str(node.value))
    if isinstance(node, ast.Name):
        return _CONSTANTS[node.id]() if node.id not in at else mpmath.mpf(at[node.id])
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, at)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, at), _value(node.right, at)
        if isinstance(node.op, ast.Pow):
            return _power(left, right)
        return _BINARY[type(node.op)](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _FUNCTIONS[node.func.id](*(_value(argument, at) for argument in node.args))
    raise Unreadable("that is no formula")


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
    tree = read(text, list(ranges))
    for at in _points(ranges, _POINTS, 20100513):
        value(tree, at)


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
