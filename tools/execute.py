"""Execute chapters in place: `python tools/execute.py [part of a file name ...]`.

Each chapter runs in a fresh kernel of this very environment, in the folder that it lies in, and is
written only if every cell ran. What differs between two machines without meaning anything (timings,
the Python version, how output was buffered) is left out, so that a diff shows what changed.
"""

import subprocess
import sys
import time
from pathlib import Path

import ipykernel.kernelspec
import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

CHAPTERS = Path(__file__).parents[1] / "chapters"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
PASSING = {"collapsed", "execution", "ExecuteTime", "scrolled"}  # what editors leave in cells


class ThisPython(KernelSpecManager):
    """Whatever kernels the machine has under the name python3, run this interpreter."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            resource_dir=ipykernel.kernelspec.RESOURCES, **ipykernel.kernelspec.get_kernel_dict()
        )


def client(notebook: nbformat.NotebookNode, path: Path) -> NotebookClient:
    """What executes a notebook where it lies."""
    return NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=ThisPython()),
        timeout=1200,  # seconds for a cell: only against one that never ends
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )


def execute(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for key in PASSING & cell.metadata.keys():
            del cell.metadata[key]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client(notebook, path).execute(stderr=subprocess.DEVNULL)  # notices about the transport
    notebook.metadata.kernelspec = KERNEL
    notebook.metadata.language_info = LANGUAGE
    nbformat.validate(notebook)
    # Written beside the chapter and moved over it: a chapter is never half written.
    draft = path.with_suffix(".ipynb.part")
    nbformat.write(notebook, draft)
    draft.replace(path)


def main(parts: list[str]) -> int:
    everything = sorted(CHAPTERS.glob("*.ipynb"))
    chosen = [path for path in everything if not parts or any(part in path.stem for part in parts)]
    if not chosen:
        names = "\n  ".join(path.stem for path in everything)
        print(f"No chapter has {' or '.join(parts)!r} in its name. There are:\n  {names}")
        return 1
    for number, path in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {path.stem} ", end="", flush=True)
        start = time.perf_counter()
        try:
            execute(path)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            print(f"failed; the file is as it was\n\n{error}")
            return 1
        print(f"{time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
