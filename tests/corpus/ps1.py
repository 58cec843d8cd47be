"""Solutions of problem set 1, right and wrong, in the styles in which they come."""

RIGHT: dict[str, list[str]] = {}

# By part: the fault's name, the share of the points that is left, and the code.
WRONG: dict[str, list[tuple[str, float, str]]] = {}
