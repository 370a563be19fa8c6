"""The notebooks of tutorials/ still show what is stored in them."""

import unittest

import nbformat

import notebooks


HINT = "if that is meant: tests/jupyter/run.sh --store"


class Notebooks(unittest.TestCase):
    def test_every_notebook_shows_what_is_stored(self):
        paths = notebooks.notebooks()
        self.assertGreaterEqual(len(paths), 5)
        for path in paths:
            with self.subTest(path.name):
                stored = nbformat.read(path, as_version=4)
                fresh = notebooks.run(path)
                # The same processor gives the same bits; others add in another order.
                origin = stored.metadata.get("u2ad", {}).get("processor")
                exact = origin == notebooks.processor()
                for number, (before, after) in enumerate(zip(stored.cells, fresh.cells), 1):
                    before, after = notebooks.shown(before), notebooks.shown(after)
                    self.assertEqual(len(before), len(after), f"outputs of cell {number}")
                    for one, other in zip(before, after):
                        difference = notebooks.difference(one, other, exact)
                        self.assertIsNone(difference, f"cell {number}: {difference}\n{HINT}")

    def test_every_notebook_has_the_script_that_says_the_same(self):
        for path in notebooks.notebooks():
            with self.subTest(path.name):
                script = path.with_suffix(".star").read_text()
                self.assertEqual(notebooks.twin(path), script)


if __name__ == "__main__":
    unittest.main()
