"""Runs the notebooks of tutorials/ and compares what they show with what is stored.

`python notebooks.py --store` stores what they show now, and makes notebooks of scripts that have
none yet. `python notebooks.py --store-rust` does it for the Rust notebooks.
"""

from __future__ import annotations

import base64
import os
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
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
# A line of progress: whether it appears depends on the machine's speed.
PROGRESS = re.compile(r"^.+: \d+ % \(.+ \d+ of \d+\).*\n?", re.MULTILINE)
# The size of a picture in a page; its bits are compared on the same instruction set alone.
PICTURE = re.compile(r'src="data:image/png;base64,[^"]+"')


def notebooks() -> list[Path]:
    """Those in the program's own language, which are the twins of scripts."""
    return sorted(set(TUTORIALS.glob("*.ipynb")) - set(rust_notebooks()))


def rust_notebooks() -> list[Path]:
    return sorted(TUTORIALS.glob("rust-*.ipynb"))


def run(path: Path) -> nbformat.NotebookNode:
    """The notebook with fresh outputs."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        # The first cell of a Rust notebook builds the library.
        timeout=1800,
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
        if output.output_type == "stream":
            output = nbformat.from_dict({**output, "text": PROGRESS.sub("", output.text)})
            if not output.text:
                continue
        last = outputs[-1] if outputs else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last = dict(last)
            last["text"] += output.text
            outputs[-1] = nbformat.from_dict(last)
        else:
            outputs.append(output)
    return outputs


def arithmetic() -> str:
    """What the last bits may depend on. The rule is that of the program
    (src/ops/vector/dispatch.rs); system libraries and products have rules of their own."""
    machine = f"{platform.system()} {platform.machine()}"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        flags = set(next(line for line in lines if line.startswith("flags")).split())
    except (OSError, StopIteration):
        return machine
    names = ["baseline"]
    if flags >= {"avx2", "fma"}:
        names.append("avx2")
        if flags >= {"avx512f", "avx512vl", "avx512bw", "avx512dq"}:
            names.append("avx512")
    limit = os.environ.get("U2AD_INSTRUCTION_SET", names[-1])
    if limit == "baseline" != names[-1]:
        # Products stay at the widest set, so that limited kernels give bits of their own.
        return f"{machine} {names[-1]} within baseline"
    # Kernels for AVX2 and AVX-512 give the same bits.
    return f"{machine} {names[-1]}"


def png_size(encoded: str) -> tuple[int, int]:
    return struct.unpack(">II", base64.b64decode(encoded)[16:24])


def same_text(one: str, other: str, exact: bool) -> bool:
    """Whether two texts say the same. On another instruction set the last bits of a sum differ;
    multiplied by training, they change numbers, who comes first, and how many findings a list has.
    There the text must begin with the same word and have about as many lines."""
    if exact or one == other:
        return one == other
    one, other = NUMBER.sub("#", one).split("\n"), NUMBER.sub("#", other).split("\n")
    return one[0].split()[:1] == other[0].split()[:1] and (
        max(len(one), len(other)) <= 2 * min(len(one), len(other)) + 4
    )


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
        elif kind == "text/html" and not exact:
            # The text beside it says the same; here what counts is that there are as many pictures.
            if len(PICTURE.findall(content)) != len(PICTURE.findall(fresh.data[kind])):
                return "another number of pictures"
        elif not same_text(content.strip(), fresh.data[kind].strip(), exact):
            return f"{kind} differs: {content[:300]!r} became {fresh.data[kind][:300]!r}"
    return None


def twin(path: Path) -> str:
    """The script that says the same as a notebook."""
    target = path.with_suffix(".twin.star")
    try:
        subprocess.run([PROGRAM, "convert", "--force", path, target], check=True)
        return target.read_text()
    finally:
        target.unlink(missing_ok=True)


def differences(path: Path) -> list[str]:
    """What a notebook shows now that is not what is stored in it."""
    stored, fresh = nbformat.read(path, as_version=4), run(path)
    exact = stored.metadata.get("u2ad", {}).get("arithmetic") == arithmetic()
    found = []
    for number, (before, after) in enumerate(zip(stored.cells, fresh.cells), 1):
        before, after = shown(before), shown(after)
        if len(before) != len(after):
            found.append(f"cell {number} shows {len(after)} things instead of {len(before)}")
        for one, other in zip(before, after):
            if different := difference(one, other, exact):
                found.append(f"cell {number}: {different}")
    return found


def is_line_of_progress(output) -> bool:
    is_progress = output.get("metadata", {}).get("u2ad", {}).get("progress")
    return bool(is_progress) and "image/png" not in output["data"]


def store(path: Path) -> None:
    notebook = run(path)
    notebook.metadata["u2ad"] = {"arithmetic": arithmetic()}
    for cell in notebook.cells:
        # Times of the run, which differ every time.
        cell.metadata.pop("execution", None)
        if "outputs" not in cell:
            continue
        if path in rust_notebooks():
            cell.outputs = shown(cell)
        # Lines of progress are there on slow machines only; curves stay.
        cell.outputs = [output for output in cell.outputs if not is_line_of_progress(output)]
    nbformat.write(notebook, path)
    print(f"stored {path.relative_to(ROOT)}")


def store_scripts(names: list[str]) -> None:
    for script in sorted(TUTORIALS.glob("*.star")):
        is_in_cells = "# %%" in script.read_text()
        if not is_in_cells or (names and script.stem not in names):
            continue
        path = script.with_suffix(".ipynb")
        subprocess.run([PROGRAM, "convert", "--force", script, path], check=True)
        store(path)


if __name__ == "__main__":
    match sys.argv[1:2]:
        case ["--store"]:
            store_scripts(sys.argv[2:])
        case ["--store-rust"]:
            for path in rust_notebooks():
                if not sys.argv[2:] or path.stem in sys.argv[2:]:
                    store(path)
        case _:
            sys.exit(__doc__)
