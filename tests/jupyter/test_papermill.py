"""Programs that run whole notebooks: parameters from outside, and outputs that do not follow the clock."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import nbformat
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = ROOT / "target/release/u2ad"
SCRIPT = """\
# %%
epochs = parameter("epochs", 3)
reader = parameter("reader", "nobody")

# %%
print(epochs, reader)

# %%
print("begin")
for i in range(20000):
    print(i)
show("between")
for i in range(5):
    print(i)
    sleep(0.1)
warn("end")
"""


class WholeNotebooks(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        script = self.folder / "study.star"
        script.write_text(SCRIPT)
        self.notebook = script.with_suffix(".ipynb")
        subprocess.run([PROGRAM, "convert", script, self.notebook], check=True)

    def texts(self, notebook):
        return [
            [(output.get("name", output.output_type), output.get("text")) for output in cell.outputs]
            for cell in notebook.cells
        ]

    def test_papermill_sets_parameters(self):
        ran = self.folder / "ran.ipynb"
        parameters = ["-p", "epochs", "7", "-p", "reader", 'Zoë "Z"']
        command = [sys.executable, "-m", "papermill", self.notebook, ran, *parameters]
        output = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(output.returncode, 0, output.stderr)
        texts = self.texts(nbformat.read(ran, as_version=4))
        self.assertEqual(texts[2], [("stdout", '7 Zoë "Z"\n')])
        # What was stored by a client that asked the kernel for its language serves again.
        again = [sys.executable, "-m", "papermill", ran, ran, "-p", "epochs", "8"]
        output = subprocess.run(again, capture_output=True, text=True)
        self.assertEqual(output.returncode, 0, output.stderr)
        texts = self.texts(nbformat.read(ran, as_version=4))
        self.assertEqual(texts[2], [("stdout", "8 nobody\n")])

    def test_text_between_displays_is_one_output(self):
        lines = "".join(f"{number}\n" for number in range(20000))
        expected = [
            ("stdout", f"begin\n{lines}"),
            ("display_data", None),
            ("stdout", "0\n1\n2\n3\n4\n"),
            ("stderr", "end\n"),
        ]
        for _ in range(2):
            notebook = nbformat.read(self.notebook, as_version=4)
            NotebookClient(notebook, timeout=60).execute()
            self.assertEqual(self.texts(notebook)[-1], expected)


if __name__ == "__main__":
    unittest.main()
