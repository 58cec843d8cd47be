"""The one thing that training knows about data: an endless stream of labelled images.

`xavier.shapeset.Shapeset` draws new images for ever; `xavier.datasets.DatasetStream` passes over
a finite set for ever. Both satisfy `Stream`, so whatever trains on one trains on the other. The
paper's setting is the first kind, online learning on a stream without end (sec. 2.1).
"""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

__all__ = ["Stream"]


@runtime_checkable
class Stream(Protocol):
    """An endless, reproducible sequence of labelled images.

    A stream is a sequence first and batches second: the same seed gives the same images in the
    same order whatever batch sizes are asked for. Three batches of 10, one of 30, or 7 and then
    23 hold the same thirty images. It never runs out.

    The class is a protocol: a class with these three methods is a stream without inheriting from
    it. ``isinstance(x, Stream)`` looks at the names of the methods only, not at what they return.
    """

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        """Return the next ``n`` images and move on by ``n``.

        Args:
            n: How many images, at least 1.

        Returns:
            Images of shape (n, d), float32, one flattened image a row; and labels of shape (n,),
            int64, counted from 0.

        Raises:
            TypeError: If ``n`` is not an integer.
            ValueError: If ``n`` is smaller than 1. The stream has then not moved.
        """
        ...

    def state(self) -> dict[str, Any]:
        """Return the place in the stream, as a new dictionary that JSON can hold.

        It names the stream as well as the place (which kind, which seed), so that ``restore`` can
        refuse the state of another one.
        """
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go to the place that ``state`` describes: the next batch is the one that followed it.

        Args:
            state: What ``state`` returned, of this stream or of one made with the same arguments,
                straight or through JSON.

        Raises:
            TypeError: If ``state`` is not a dictionary, or a value in it has a wrong type.
            ValueError: If it belongs to another stream or is not a stream's state. After either
                error the stream has not moved.
        """
        ...
