"""The notebooks of tutorials/ still show what is stored in them."""

import unittest

import notebooks


HINT = "if that is meant: tests/jupyter/run.sh --store"


class Notebooks(unittest.TestCase):
    def test_every_notebook_shows_what_is_stored(self):
        paths = notebooks.notebooks()
        self.assertGreaterEqual(len(paths), 5)
        for path in paths:
            with self.subTest(path.name):
                self.assertEqual(notebooks.differences(path), [], HINT)

    def test_every_notebook_has_the_script_that_says_the_same(self):
        for path in notebooks.notebooks():
            with self.subTest(path.name):
                script = path.with_suffix(".star").read_text()
                self.assertEqual(notebooks.twin(path), script)


if __name__ == "__main__":
    unittest.main()
