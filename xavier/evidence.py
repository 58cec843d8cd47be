"""What follows from what a pass has shown, for all checks of `xavier.faults`.

What is held against a signal is how much its variance changes over the whole depth. A factor of
e^6 is serious: by that much a signal has faded at the depth of six correlation lengths, beyond
which networks were seen not to train (Schoenholz et al. 2017); its root is worth a remark. To both
the scatter of random networks is added: the log of a signal's variance has a variance of about 5/n
for each layer of n inputs (exact for rectifiers in wide layers, see Hanin and Rolnick 2018; less
for tanh, more for gelu and silu), and four standard deviations of it are granted.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from xavier import laws
from xavier.probe import Seen, Sum
from xavier.uses import Use

SERIOUS, REMARK = 6.0, 3.0
"""From where on a change of the log of a variance, over the whole depth, is serious or a remark."""

ERRORS = 4.0
"""How many standard errors are granted, which chance exceeds once in 16,000."""


class About:
    """What was seen, and what follows from it for all checks.

    Attributes:
        uses: those whose fans are known.
        hidden: those of them that others read; the outputs of the rest are the model's.
        straight: their places in what was seen whose outputs another reads as they are, or behind
            one activation.
        draws, laws: of each of them.
        chains: residual sums one after the other, three or more.
    """

    def __init__(self, seen: Seen, batch: Any, targets: Any) -> None:
        self.seen, self.batch, self.targets = seen, batch, targets
        self.uses = [u for u in seen.uses if u.fans is not None and u.weight.numel()]
        self.hidden = [u for u in self.uses if u.read]
        self.straight = {u.below for u in seen.uses}
        samples = [laws.draw_of(use.weight) for use in self.uses]
        found = laws.recognize(self.uses, samples)
        self.draws = {id(u): draw for u, draw in zip(self.uses, samples, strict=True)}
        self.laws = {id(u): law for u, law in zip(self.uses, found, strict=True)}
        self.chains = list(_chains(seen.sums))

    def follows(self, use: Use) -> str:
        """What follows, in words."""
        place = next(k for k, other in enumerate(self.seen.uses) if other is use)
        return use.activation or ("no unit" if place in self.straight else "")

    def path(self, uses: Sequence[Use]) -> list[Use]:
        """The most of them that stand one behind the other."""
        paths: dict[int, list[Use]] = {}
        for use in uses:
            below = None if use.below is None else self.seen.uses[use.below]
            paths[id(use)] = [*paths.get(id(below), []), use]
        return max(paths.values(), key=len)

    def lines(self, uses: Sequence[Use]) -> list[list[Use]]:
        """The most that depend on one another, and the same of what depends on none of these."""
        places = {id(use): k for k, use in enumerate(self.seen.uses)}
        left, found = list(uses), list[list[Use]]()
        while left:
            ends: dict[int, list[Use]] = {}
            for use in left:
                below = [line for place, line in ends.items() if use.past >> place & 1]
                ends[places[id(use)]] = [*max(below, key=len, default=[]), use]
            found.append(max(ends.values(), key=len))
            own = sum(1 << places[id(use)] for use in found[-1])
            after = {id(use) for use in left if use.past & own}
            before = functools.reduce(int.__or__, (use.past for use in found[-1]))
            left = [
                use for use in left
                if id(use) not in after and not (before | own) >> places[id(use)] & 1
            ]  # fmt: skip
        return found

    def gain_squared(self, use: Use) -> float:
        """n_in Var[W], which a layer multiplies the mean square of its inputs by."""
        n_in = use.fans[0] if use.fans else math.nan
        return n_in * self.draws[id(use)].square if id(use) in self.draws else math.nan

    def law(self, use: Use) -> str:
        """The name of the law, or the gain where none fits."""
        if law := self.laws.get(id(use)):
            return law.name
        square = self.gain_squared(use)
        return "zero" if square == 0 else f"gain {math.sqrt(square):.2g}" if square > 0 else ""

    def most(self, name: Callable[[Use], Any]) -> Any:
        """What most weights of hidden layers have in common."""
        shares: dict[Any, int] = {}
        for use in self.hidden or self.uses:
            shares[name(use)] = shares.get(name(use), 0) + use.weight.numel()
        return max(shares, key=shares.__getitem__, default=None)

    def noise(self, uses: Sequence[Use]) -> float:
        """How far the log of a variance strays in random networks of these layers."""
        return ERRORS * math.sqrt(sum(5 / max(1.0, u.fans[0]) for u in uses if u.fans))

    def change(
        self, uses: Sequence[Use], square: Callable[[Use], float], *, back: bool = False
    ) -> tuple[list[Use], float, float, bool] | None:
        """What changes most with depth: whose square, by what a layer, over all, and how badly.

        It is of uses that depend on one another, and None if it is nothing.
        """
        found = []
        for line in self.lines(uses):
            line = line[::-1] if back else line
            change = trend([square(use) for use in line])
            serious = graded(abs(change) - self.noise(line))
            if change < 0 and 2 * len({use.parameter for use in line}) < len(line):
                # Weights that are used at every step learn from the last.
                serious = None if serious is None else False
            if serious is not None and len(line) > 2 and not (change > 0 and self.doubles):
                found.append((abs(change), line, change, serious))
        if not found:
            return None
        _, line, change, serious = max(found, key=lambda f: f[0])
        return line, math.exp(change / (len(line) - 1)), math.exp(change), serious

    @property
    def silence(self) -> bool:
        """Whether no use of a weight but the last gets a gradient above 0."""
        return all(u.gradient == 0 for u in self.seen.uses[:-1] if math.isfinite(u.gradient))

    @property
    def doubles(self) -> bool:
        """Whether residual sums explode, which explains what grows."""
        return any(pace(c)[1] and math.log(c[-1].total / c[0].total) > SERIOUS for c in self.chains)

    @property
    def remedy(self) -> str:
        """The line that draws the weights again, by the unit that most of them lead to."""
        of = self.hidden or self.uses
        unit, curve = self.most(lambda use: (use.activation, use.curve)) or (None, None)
        rule = '"he"'
        if unit not in ("relu", "relu6"):
            rule = '"glorot"'
            if (square := laws.needed(curve)) != 1:
                gain = repr(curve) if isinstance(curve, str | tuple) else f"{math.sqrt(square):.6g}"
                rule = f'"lecun", gain={gain}'
        names = tuple(dict.fromkeys(use.full for use in of if use.full))
        if any(use.drawn for use in of) or not of:
            return f"init.initialize_(model, {rule})"
        if not names:
            return "# draw what the weights are computed from, such as the norms of weight_norm"
        turned = ".mT" if any(use.turned for use in of) else ""
        return f"[init.draw_(model.get_parameter(n).data{turned}, {rule}) for n in {names}]"


def _chains(sums: Sequence[Sum]) -> Iterator[list[Sum]]:
    for end in sorted(set(range(len(sums))) - {s.before for s in sums}):
        chain = [sums[end]]
        while (before := chain[0].before) is not None:
            chain.insert(0, sums[before])
        sizes = [size for s in chain for size in (s.stream, s.total)]
        if len(chain) > 2 and all(0 < size < math.inf for size in sizes):
            yield chain


def trend(values: Sequence[float]) -> float:
    """What the log of a square changes by from the first to the last, by the median slope.

    The median over all pairs (Theil and Sen) follows what goes on with depth, and neither single
    jumps nor layers that take turns.
    """
    logs = np.log(np.clip(np.asarray(values, dtype=float), 1e-300, 1e300))
    i, j = np.triu_indices(len(logs), 1)
    return float(np.median((logs[j] - logs[i]) / (j - i))) * (len(logs) - 1) if len(i) else 0.0


def graded(size: float) -> bool | None:
    """Serious, a remark, or nothing."""
    return True if size > SERIOUS else False if size > REMARK else None


def pace(chain: Sequence[Sum]) -> tuple[float, bool]:
    """By what a sum multiplies in the chain's last half, and if that is more than adding up.

    Where branches of one size add up, the last half of L sums grows by 2, or 2/L each.
    """
    pace = float(np.median([s.total / s.stream for s in chain[len(chain) // 2 :]]))
    return pace, pace > 1.2
