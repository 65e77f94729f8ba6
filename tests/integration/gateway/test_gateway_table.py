# SPDX-License-Identifier: Apache-2.0
"""The tables of README.md name tests that there are, and there are as many as were promised."""
import glob
import importlib
import os
import re
import unittest

os.environ.setdefault("BAILEY_BIN", "/nowhere")
os.environ.setdefault("GATEWAY_TOOL", "/nowhere")
HERE = os.path.dirname(os.path.abspath(__file__))
PROMISED = 150


def modules():
    for path in sorted(glob.glob(f"{HERE}/test_gateway_*.py")):
        name = os.path.basename(path)[:-3]
        if name != "test_gateway_table":
            yield name.removeprefix("test_gateway_"), importlib.import_module(name)


def tests_of(module):
    """CLASS.TEST of each case, those of a base class by each class that is run."""
    for suite in unittest.defaultTestLoader.loadTestsFromModule(module):
        for case in suite:
            name = case.id().split(".")
            if name[0] == module.__name__:
                yield ".".join(name[1:]).replace(".test_", ".")


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.there = {f"{short}.{test}" for short, module in modules() for test in tests_of(module)}
        with open(f"{HERE}/README.md", encoding="utf-8") as f:
            cls.rows = [line.strip("| \n").split(" | ") for line in f if line.startswith("| ") and "---" not in line]

    def test_each_row_names_tests_that_there_are(self):
        self.assertGreater(len(self.rows), 40)
        for row in self.rows:
            if row[-1] == "Shown by":
                continue
            with self.subTest(row[0]):
                self.assertEqual(len(row), 3)
                named = row[2].split()
                self.assertTrue(named)
                self.assertEqual([n for n in named if n not in self.there], [])
                self.assertTrue(all(re.fullmatch(r"\w+\.\w+\.\w+", n) for n in named))

    def test_there_are_as_many_as_were_promised(self):
        self.assertGreaterEqual(len(self.there), PROMISED)
        print(f"{len(self.there)} cases", end=" ", flush=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
