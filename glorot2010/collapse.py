r"""Why the top layer of a sigmoid network falls (figure 2): the noise of small batches.

In a deep sigmoid network at birth the top layer h says the same of every input (section 3.1): one
half, with small differences between units. All that the output :math:`p = \text{softmax}(b + Wh)`
can learn from it is one answer, the frequencies of the classes, and there it arrives within some
updates. From then on a batch of B examples moves it about by the noise of its labels, whose
covariance is :math:`\Sigma = \text{diag}(p) - p p^T`, divided by B. Since :math:`u = b + Wh` learns
at the rate :math:`\varepsilon\,(|h|^2 + 1)`, its deviations from what is best settle, along an
eigenvector of :math:`\Sigma` with eigenvalue :math:`\lambda`, at the variance

.. math::

   v = \frac{\varepsilon\,(|h|^2 + 1)}{B\,(2 - \varepsilon\,(|h|^2 + 1)\,\lambda)}.

The next gradient by h is :math:`W^T (p - y)`, and what W owes to the noise lies along h. So its
mean is not zero: it is :math:`c\,h` with
:math:`c = \sum_\lambda \varepsilon \lambda / (B\,(2 - \varepsilon\, (|h|^2 + 1)\,\lambda))`, and
gradient descent shrinks h. A unit of the top layer has the slope :math:`h(1-h)` and learns from m
units below that are at one half, which gives

.. math::

   \Delta h = -\varepsilon\,\left(\tfrac m4 + 1\right) h^2 (1-h)^2\; c\, h .

For small rates :math:`c` is :math:`\varepsilon (1 - |p|^2) / 2B`, so that the time of the fall goes
with :math:`B / \varepsilon^2`: all of the gradient without noise, of which the time would go with
:math:`1 / \varepsilon`, has no part in it. There is no number to be fitted. What is left out: that
the layers below move in turn, and whatever h has to say of the input.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xavier.shapeset import FREQUENCIES


def top_layer(
    updates: Sequence[int],
    *,
    lr: float,
    batch_size: int,
    width: int,
    below: int | None = None,
    frequencies: Sequence[float] = FREQUENCIES,
) -> NDArray[np.float64]:
    """Mean activation of the top hidden layer of a deep sigmoid network while it is trained.

    Args:
        updates: after how many, rising.
        lr: learning rate.
        batch_size: examples of an update.
        width: units of the top layer.
        below: units of the layer below it; by default as many.
        frequencies: of the classes; by default those of Shapeset.

    Returns:
        The mean after each of the ``updates``, (n,).

    Raises:
        ValueError: the rate is so large that the output does not settle at the frequencies.
    """
    learning = (width if below is None else below) / 4 + 1
    p = np.asarray(frequencies, dtype=float)
    eigenvalues = np.clip(np.linalg.eigvalsh(np.diag(p) - np.outer(p, p)), 0, None)  # of a label
    h, found, made = 0.5, [], 0
    for number in updates:
        for _ in range(number - made):
            damping = 2 - lr * (width * h**2 + 1) * eigenvalues
            if (damping <= 0).any():
                raise ValueError(f"lr must be such that the output settles, got {lr}")
            pull = (lr * eigenvalues / (batch_size * damping)).sum()
            h -= lr * learning * (h * (1 - h)) ** 2 * pull * h
        made = number
        found.append(h)
    return np.array(found)
