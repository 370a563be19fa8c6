"""Rust notebooks compute and show what they should."""

import hashlib
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import notebooks


HINT = "if that is meant: tests/evcxr/run.sh --store"
SOURCE = Path(__file__).with_name("three_cells.rs")
DEPENDENCY = f':dep u2ad = {{ path = "{notebooks.ROOT}", default-features = false }}'


def execute(cells: list[str]) -> list[nbformat.NotebookNode]:
    """The outputs of these cells, run in one kernel."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=1800, kernel_name="rust", coalesce_streams=True).execute()
    return [cell.outputs for cell in notebook.cells]


def printed(outputs: list[nbformat.NotebookNode]) -> str:
    """What a cell wrote to standard output. (evcxr passes standard error on when it can, maybe
    after the cell.)"""
    streams = (output for output in outputs if output.output_type == "stream")
    return "".join(stream.text for stream in streams if stream.name == "stdout")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class RustNotebooks(unittest.TestCase):
    def test_training_over_three_cells_gives_the_bits_of_one_process(self):
        imports, program = SOURCE.read_text().split("fn main() -> Result<()> {\n")
        imports = [line for line in imports.splitlines() if line.startswith("use ")]
        cells = program.split("    // end\n")[0].split("    // cell\n")[1:]
        self.assertEqual(len(cells), 3)
        with tempfile.TemporaryDirectory() as folder:
            in_one, in_cells = Path(folder, "one.safetensors"), Path(folder, "cells.safetensors")
            example = notebooks.ROOT / "target/release/examples/three_cells"
            subprocess.run(
                [example], check=True, capture_output=True, env={**os.environ, "U2AD_WEIGHTS": str(in_one)}
            )
            os.environ["U2AD_WEIGHTS"] = str(in_cells)
            execute(["\n".join([DEPENDENCY, *imports]), *cells])
            self.assertEqual(digest(in_cells), digest(in_one))

    def test_tensors_of_different_cells_have_different_identities(self):
        tensor = "Tensor::ones(1, u2ad::candle_core::DType::F32, &Device::Cpu)?"
        outputs = execute([
            f"{DEPENDENCY}\nuse u2ad::prelude::*;",
            f'let a = {tensor};\nprintln!("{{:?}}", a.id());',
            f'let b = {tensor};\nprintln!("{{:?}}", b.id());',
            'println!("{:?}", (&a + &b)?.id());',
        ])
        identities = [printed(cell) for cell in outputs[1:]]
        self.assertEqual(len(set(identities)), 3, identities)

    def test_all_that_a_cell_shows_appears_and_nothing_of_the_cell_before(self):
        outputs = execute([
            f"{DEPENDENCY}\nuse u2ad::prelude::*;\nlet study = study(1);",
            'show(&Display::text("first"));\nshow(&Display::text("second"));\nDisplay::text("third")',
            'Display::text("fourth")',
        ])
        shown = [[output.data["text/plain"].split() for output in cell] for cell in outputs[1:]]
        self.assertEqual(shown, [[["first", "second", "third"]], [["fourth"]]])
        page = outputs[1][0].data["text/html"]
        self.assertEqual(page.count("<pre>"), 3, page)

    def test_errors_are_sentences_and_keep_the_variables(self):
        outputs = execute([
            f"{DEPENDENCY}\nuse u2ad::prelude::*;\nlet study = study(1);",
            "let seed = study.context.streams.seed();",
            'if let Err(error) = study.load_cohort("no/such/folder") { println!("{error}"); }',
            'study.load_cohort("no/such/folder")?;',
            'println!("{seed}");',
        ])
        self.assertIn("no/such/folder", printed(outputs[2]))
        self.assertEqual(printed(outputs[4]), "1\n")

    def test_every_notebook_shows_what_is_stored(self):
        paths = notebooks.rust_notebooks()
        self.assertGreaterEqual(len(paths), 2)
        for path in paths:
            with self.subTest(path.name):
                self.assertEqual(notebooks.differences(path), [], HINT)


if __name__ == "__main__":
    unittest.main()
