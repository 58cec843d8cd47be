"""Solutions of problem set 3, right and wrong, in the styles in which they come."""

RIGHT: dict[str, list[str]] = {
    "uniform": [
        "def uniform(shape, variance, rng):\n    a = (3 * variance) ** 0.5\n    return 2 * a * rng.random(shape) - a",
        "def uniform(shape, variance, rng):\n    b = np.sqrt(12 * variance) / 2\n    return rng.uniform(-b, b, size=tuple(shape)).astype(np.float32)",
        "def uniform(shape, variance, rng):\n    return np.array([[rng.uniform(-1, 1) for _ in range(shape[1])] for _ in range(shape[0])]) * math.sqrt(3 * variance)",
    ],
}

# By part: the fault's name, the share of the points that is left, and the code.
WRONG: dict[str, list[tuple[str, float, str]]] = {
    "uniform": [
        ("std as bound", 0.0, "def uniform(shape, variance, rng):\n    s = variance ** 0.5\n    return rng.uniform(-s, s, shape)"),
    ],
}
