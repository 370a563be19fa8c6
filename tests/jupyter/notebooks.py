"""Runs the notebooks of tutorials/ and compares what they show with what is stored.

`python notebooks.py --store` stores what they show now, and makes notebooks of scripts that have
none yet.
"""

from __future__ import annotations

import base64
import platform
import re
import struct
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = ROOT / "tutorials"
PROGRAM = ROOT / "target" / "release" / "u2ad"
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def notebooks() -> list[Path]:
    return sorted(TUTORIALS.glob("*.ipynb"))


def run(path: Path) -> nbformat.NotebookNode:
    """The notebook with fresh outputs."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="u2ad",
        coalesce_streams=True,
        resources={"metadata": {"path": str(TUTORIALS)}},
    )
    client.execute()
    return notebook


def shown(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The outputs of a cell, without progress: whether that appears depends on the machine's speed.
    Text that arrived in pieces is joined."""
    outputs = []
    for output in cell.get("outputs", []):
        if output.get("metadata", {}).get("u2ad", {}).get("progress"):
            continue
        last = outputs[-1] if outputs else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last = dict(last)
            last["text"] += output.text
            outputs[-1] = nbformat.from_dict(last)
        else:
            outputs.append(output)
    return outputs


def processor() -> str:
    """What the last bits depend on: other processors add in another order. On this one, the same
    program shows the same bytes."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor()
    return f"{platform.system()} {platform.machine()} {model}"


def png_size(encoded: str) -> tuple[int, int]:
    return struct.unpack(">II", base64.b64decode(encoded)[16:24])


def same_text(one: str, other: str, exact: bool) -> bool:
    """Whether two texts say the same; on another processor, as many lines with the same beginning:
    the last bits of a sum, multiplied by training, can change a number and who comes first."""
    if exact or one == other:
        return one == other
    one, other = NUMBER.sub("#", one).splitlines(), NUMBER.sub("#", other).splitlines()
    return len(one) == len(other) and one[0].split()[:2] == other[0].split()[:2]


def difference(stored, fresh, exact: bool) -> str | None:
    """What differs between two outputs, if anything that matters does."""
    if stored.output_type != fresh.output_type:
        return f"{stored.output_type} became {fresh.output_type}"
    if stored.output_type == "stream":
        same = stored.name == fresh.name and same_text(stored.text, fresh.text, exact)
        return None if same else f"{stored.text!r} became {fresh.text!r}"
    if stored.output_type == "error":
        return None if stored.evalue == fresh.evalue else f"{stored.evalue} became {fresh.evalue}"
    if stored.data.keys() != fresh.data.keys():
        return f"{sorted(stored.data)} became {sorted(fresh.data)}"
    for kind, content in stored.data.items():
        if kind == "image/png" and not exact:
            if png_size(content) != png_size(fresh.data[kind]):
                return "a figure has another size"
        elif kind == "image/svg+xml" and not exact:
            continue
        elif not same_text(content.strip(), fresh.data[kind].strip(), exact):
            return f"{kind} differs: {content[:300]!r} became {fresh.data[kind][:300]!r}"
    return None


def twin(path: Path) -> str:
    """The script that says the same as a notebook."""
    target = path.with_suffix(".twin.star")
    try:
        subprocess.run([PROGRAM, "convert", path, target], check=True)
        return target.read_text()
    finally:
        target.unlink(missing_ok=True)


def store(names: list[str]) -> None:
    for script in sorted(TUTORIALS.glob("*.star")):
        is_in_cells = "# %%" in script.read_text()
        if not is_in_cells or (names and script.stem not in names):
            continue
        path = script.with_suffix(".ipynb")
        subprocess.run([PROGRAM, "convert", script, path], check=True)
        notebook = run(path)
        notebook.metadata["u2ad"] = {"processor": processor()}
        for cell in notebook.cells:
            # Times of the run, which differ every time.
            cell.metadata.pop("execution", None)
        nbformat.write(notebook, path)
        print(f"stored {path.relative_to(ROOT)}")


if __name__ == "__main__":
    if "--store" not in sys.argv[1:2]:
        sys.exit(__doc__)
    store(sys.argv[2:])
