"""Measure what other libraries draw: `python tools/library_table.py [where to write]`.

Needs the extra `libraries` (`pip install -e '.[libraries]'`, best into an environment of its own).
Each named initializer, and each library's default for a dense layer and a convolution, is drawn
many times in that library's own order of shapes. Nothing is read from documentation: the law
of the variance, the kind of distribution and its support are what the numbers say. The record goes
to results/library_table.json; tests/book/test_library_table.py measures the lines of torch again.
"""

import json
import math
import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "results" / "library_table.json"

DRAWS = 20  # independent draws of each line; every standard error is over these
SEED = 2010
TOLERANCE = 5  # standard errors; with 20 draws, about one false alarm in ten thousand lines
DENSE = {"n_in": 300, "n_out": 80}  # no two laws below agree on these sizes: not so on 300 and 100
CONV = {"kernel": (3, 5), "channels_in": 40, "channels_out": 16}
FIELD = math.prod(CONV["kernel"])
FANS = {
    "dense": (DENSE["n_in"], DENSE["n_out"]),
    "conv": (CONV["channels_in"] * FIELD, CONV["channels_out"] * FIELD),
}

Law = Callable[[float, float], float]
LAWS: dict[str, Law] = {  # Var[W] from the fans; of three scales and three fans
    "1/(3 n_in)": lambda n_in, n_out: 1 / (3 * n_in),
    "1/(3 n_out)": lambda n_in, n_out: 1 / (3 * n_out),
    "2/(3 (n_in + n_out))": lambda n_in, n_out: 2 / (3 * (n_in + n_out)),
    "1/n_in": lambda n_in, n_out: 1 / n_in,
    "1/n_out": lambda n_in, n_out: 1 / n_out,
    "2/(n_in + n_out)": lambda n_in, n_out: 2 / (n_in + n_out),
    "2/n_in": lambda n_in, n_out: 2 / n_in,
    "2/n_out": lambda n_in, n_out: 2 / n_out,
    "4/(n_in + n_out)": lambda n_in, n_out: 4 / (n_in + n_out),
}
# Kurtosis E[w^4] / E[w^2]^2 and the largest |w| in standard deviations, if there is one.
_EDGE = math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))  # density where it is cut
TRUNCATED_STD = math.sqrt(1 - 4 * _EDGE)  # of N(0, 1) cut at -2 and 2: 0.8796
_FOURTH = 3 * TRUNCATED_STD**2 - 16 * _EDGE  # E[z^4], by parts
BEYOND = 1.02 * 2 / TRUNCATED_STD  # in standard deviations: 2 % of a normal lie beyond
LEAK = 1e-4  # a sampler of truncated numbers that lets fewer through still counts as one
KINDS = {
    "uniform": (9 / 5, math.sqrt(3)),
    "normal": (3.0, math.inf),
    "normal, truncated": (_FOURTH / TRUNCATED_STD**4, 2 / TRUNCATED_STD),
}

Draw = Callable[[str, int], tuple[NDArray[Any], NDArray[Any] | None]]
"""``draw(layer, seed) -> (weights, bias or None)`` for layer "dense" or "conv"."""


class Line(NamedTuple):
    """One thing to measure: the names it goes by, and how to draw it."""

    library: str
    name: str
    claims: str | None  # the rule that it is named after
    draw: Draw
    layers: tuple[str, ...] = ("dense", "conv")


def measure(draws: list[NDArray[Any]], n_in: int) -> dict[str, float]:
    """Moments of all draws together, with standard errors from how the draws differ."""
    samples = np.stack([np.asarray(draw, dtype=np.float64).ravel() for draw in draws])
    second, fourth = (samples**2).mean(1), (samples**4).mean(1)  # about 0, where the mean belongs
    variance = float(second.mean())
    kurtosis = float(fourth.mean()) / variance**2
    sway = (fourth - 2 * kurtosis * variance * second) / variance**2  # of the quotient, linearised
    sizes = np.abs(samples) / math.sqrt(variance)
    root = math.sqrt(len(samples))
    return {
        "n_in_var": n_in * variance,
        "n_in_var_error": n_in * float(second.std(ddof=1)) / root,
        "kurtosis": kurtosis,
        "kurtosis_error": float(sway.std(ddof=1)) / root,
        "max_over_std": float(sizes.max()),
        "beyond": float((sizes > BEYOND).mean()),
    }


def kind_of(numbers: dict[str, float]) -> str:
    """The one distribution that fits kurtosis and largest values, or "unknown"."""
    slack = 0.01 + TOLERANCE * numbers["n_in_var_error"] / numbers["n_in_var"] / 2

    def fits(kurtosis: float, support: float) -> bool:
        if abs(numbers["kurtosis"] - kurtosis) > TOLERANCE * numbers["kurtosis_error"]:
            return False
        if math.isinf(support):
            return numbers["beyond"] > 100 * LEAK
        if numbers["max_over_std"] < (1 - slack) * support:
            return False
        return numbers["max_over_std"] < (1 + slack) * support or (
            support > math.sqrt(3) and 0 < numbers["beyond"] < LEAK
        )

    found = [kind for kind, expected in KINDS.items() if fits(*expected)]
    return found[0] if len(found) == 1 else "unknown"


def law_of(layers: dict[str, dict[str, float]]) -> str:
    """The one law that fits the variance in every layer measured, or "unknown"."""

    def fits(law: Law, field: int) -> bool:
        return all(
            abs(
                numbers["n_in_var"]
                - FANS[layer][0] * law(*(n // (field if layer == "conv" else 1)
                                         for n in FANS[layer]))
            )
            <= TOLERANCE * numbers["n_in_var_error"]
            for layer, numbers in layers.items()
        )  # fmt: skip

    found = [name for name, law in LAWS.items() if fits(law, 1)]
    if not found and "conv" in layers:  # as if a kernel were one number
        found = [f"{name}, field not counted" for name, law in LAWS.items() if fits(law, FIELD)]
    return found[0] if len(found) == 1 else "unknown"


def bias_of(layer: str, biases: list[NDArray[Any] | None]) -> str | None:
    """None where there is no bias, "zero", or its kind and law."""
    values = [bias for bias in biases if bias is not None]
    if not values:
        return None
    if not any(np.any(value) for value in values):
        return "zero"
    numbers = measure(values, FANS[layer][0])
    return f"{kind_of(numbers)}, {law_of({layer: numbers})}"


def row_of(line: Line, seed: int = SEED) -> dict[str, Any]:
    """Draw one line with the seeds from ``seed`` on, and say what it is."""
    layers: dict[str, dict[str, float]] = {}
    biases = set()
    for layer in line.layers:
        drawn = [line.draw(layer, seed + k) for k in range(DRAWS)]
        layers[layer] = measure([weights for weights, _ in drawn], FANS[layer][0])
        biases.add(bias_of(layer, [bias for _, bias in drawn]))
    kinds = {kind_of(numbers) for numbers in layers.values()}
    return {
        "library": line.library,
        "name": line.name,
        "claims": line.claims,
        "kind": kinds.pop() if len(kinds) == 1 else "unknown",
        "law": law_of(layers),
        "bias": biases.pop() if len(biases) == 1 else "unknown",
        **{layer: {k: round(v, 6) for k, v in n.items()} for layer, n in layers.items()},
    }


# ------------------------------------------------------------------------------------------ torch

TORCH_SHAPES = {
    "dense": (DENSE["n_out"], DENSE["n_in"]),
    "conv": (CONV["channels_out"], CONV["channels_in"], *CONV["kernel"]),
}


def torch_lines() -> Iterator[Line]:
    """What torch draws: the functions of torch.nn.init, and its layers' defaults."""

    def function(name: str) -> Draw:
        def draw(layer: str, seed: int) -> tuple[NDArray[Any], None]:
            weights = torch.empty(TORCH_SHAPES[layer])
            generator = torch.Generator().manual_seed(seed)
            getattr(torch.nn.init, name)(weights, generator=generator)
            return weights.numpy(), None

        return draw

    def default(layer: str, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
        with torch.random.fork_rng(devices=[]):  # layers take no generator
            torch.manual_seed(seed)
            module: torch.nn.Module
            if layer == "dense":
                module = torch.nn.Linear(DENSE["n_in"], DENSE["n_out"])
            else:
                channels = CONV["channels_in"], CONV["channels_out"]
                module = torch.nn.Conv2d(*channels, CONV["kernel"])
        return module.weight.detach().numpy(), module.bias.detach().numpy()

    for family, rule in (("xavier", "glorot"), ("kaiming", "he")):
        for shape in ("uniform", "normal"):
            yield Line("torch", f"{family}_{shape}_", rule, function(f"{family}_{shape}_"))
    yield Line("torch", "Linear, default", None, default, ("dense",))
    yield Line("torch", "Conv2d, default", None, default, ("conv",))


# ----------------------------------------------------------------------- Keras, and JAX with Flax

LAST_SHAPES = {  # inputs before outputs, and a kernel in front
    "dense": (DENSE["n_in"], DENSE["n_out"]),
    "conv": (*CONV["kernel"], CONV["channels_in"], CONV["channels_out"]),
}


def keras_lines() -> Iterator[Line]:
    """What Keras draws, with torch as its backend unless the environment names another."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    def initializer(name: str) -> Draw:
        def draw(layer: str, seed: int) -> tuple[NDArray[Any], None]:
            weights = getattr(keras.initializers, name)(seed=seed)(LAST_SHAPES[layer])
            return keras.ops.convert_to_numpy(weights), None

        return draw

    def default(layer: str, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
        keras.utils.set_random_seed(seed)
        if layer == "dense":
            module = keras.layers.Dense(DENSE["n_out"])
            module.build((None, DENSE["n_in"]))
        else:
            module = keras.layers.Conv2D(CONV["channels_out"], CONV["kernel"])
            module.build((None, 32, 32, CONV["channels_in"]))
        weights, bias = module.get_weights()
        return weights, bias

    for family in ("Glorot", "He", "Lecun"):
        for shape in ("Uniform", "Normal"):
            name = family + shape
            yield Line("Keras", name, family.lower(), initializer(name))
    yield Line("Keras", "Dense, default", None, default, ("dense",))
    yield Line("Keras", "Conv2D, default", None, default, ("conv",))


def jax_lines() -> Iterator[Line]:
    """What JAX's initializers draw, and the defaults of Flax's layers."""
    import jax
    from flax import linen, nnx

    def initializer(name: str) -> Draw:
        def draw(layer: str, seed: int) -> tuple[NDArray[Any], None]:
            function = getattr(jax.nn.initializers, name)()
            return np.asarray(function(jax.random.key(seed), LAST_SHAPES[layer])), None

        return draw

    def default(layer: str, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
        rngs = nnx.Rngs(seed)
        if layer == "dense":
            module = nnx.Linear(DENSE["n_in"], DENSE["n_out"], rngs=rngs)
        else:
            channels = CONV["channels_in"], CONV["channels_out"]
            module = nnx.Conv(*channels, CONV["kernel"], rngs=rngs)
        return np.asarray(module.kernel[...]), np.asarray(module.bias[...])

    def older_default(layer: str, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
        if layer == "dense":
            module, shape = linen.Dense(DENSE["n_out"]), (1, DENSE["n_in"])
        else:
            module = linen.Conv(CONV["channels_out"], CONV["kernel"])
            shape = (1, 8, 8, CONV["channels_in"])
        drawn = module.init(jax.random.key(seed), jax.numpy.zeros(shape))["params"]
        return np.asarray(drawn["kernel"]), np.asarray(drawn["bias"])

    for family in ("glorot", "he", "lecun"):
        for shape in ("uniform", "normal"):
            name = f"{family}_{shape}"
            yield Line("JAX", name, family, initializer(name))
    yield Line("Flax", "nnx.Linear, default", None, default, ("dense",))
    yield Line("Flax", "nnx.Conv, default", None, default, ("conv",))
    yield Line("Flax", "linen.Dense, default", None, older_default, ("dense",))
    yield Line("Flax", "linen.Conv, default", None, older_default, ("conv",))


# ----------------------------------------------------------------------------------------- record


def header() -> dict[str, Any]:
    libraries = ("torch", "keras", "jax", "jaxlib", "flax", "numpy")
    return {
        "command": "python tools/library_table.py",
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"python": platform.python_version()}
        | {library: version(library) for library in libraries},
        "keras_backend": os.environ["KERAS_BACKEND"],
        "machine": f"{platform.system()} {platform.machine()}, CPU",
        "seeds": f"{SEED} to {SEED + DRAWS - 1}, one draw each",
        "shapes": {layer: f"n_in {n_in}, n_out {n_out}" for layer, (n_in, n_out) in FANS.items()}
        | {"kernel": " x ".join(map(str, CONV["kernel"]))},
        "columns": {
            "claims": "the rule after which it is named; null for a layer's default",
            "kind": "by kurtosis and largest values; truncated at 2 sigma of the uncut normal",
            "law": "Var[W], n_in and n_out counted with the field of a convolution's kernel",
            "bias": "null for a function that draws weights alone",
            "n_in_var": f"n_in Var[W]; errors are standard errors over the {DRAWS} draws",
            "max_over_std": "largest |w| of all draws over their standard deviation",
            "beyond": f"share of |w| beyond {BEYOND:.2f} standard deviations, "
            "where a truncated normal has none",
        },
    }


def text_of(record: dict[str, Any]) -> str:
    """JSON with a line of its own for each row."""
    rows = ",\n".join(f"    {json.dumps(row)}" for row in record["rows"])
    head = json.dumps({**record, "rows": []}, indent=2)
    return head.replace('"rows": []', f'"rows": [\n{rows}\n  ]') + "\n"


def main(arguments: list[str]) -> int:
    target = Path(arguments[0]) if arguments else RECORD
    try:
        lines = [*torch_lines(), *keras_lines(), *jax_lines()]
    except ModuleNotFoundError as error:
        print(f"{error.name} is missing: pip install -e '.[libraries]'")
        return 1
    rows = []
    for line in lines:
        rows.append(row_of(line))
        said = " | ".join(str(rows[-1][key]) for key in ("library", "name", "kind", "law", "bias"))
        print(said, flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Written beside the record and moved over it: a record is never half written.
    draft = target.with_name(target.name + ".part")
    draft.write_text(text_of({"header": header(), "rows": rows}), encoding="utf-8")
    draft.replace(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
