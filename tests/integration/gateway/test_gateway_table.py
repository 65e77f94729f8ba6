# SPDX-License-Identifier: Apache-2.0
"""The tables of README.md name tests that there are, and there are as many as were promised."""
import ast
import glob
import os
import re
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROMISED = 150


def classes(path):
    """NAME -> (names of its bases, names of its own tests)."""
    with open(path, encoding="utf-8") as f:
        body = ast.parse(f.read()).body
    return {c.name: ([b.attr if isinstance(b, ast.Attribute) else b.id for b in c.bases],
                     [m.name[5:] for m in c.body if isinstance(m, ast.FunctionDef) and m.name.startswith("test_")])
            for c in body if isinstance(c, ast.ClassDef)}


def cases(known, name):
    """Tests of a class and its bases, and whether it is one that is run."""
    bases, tests = known.get(name, ([], []))
    found = [cases(known, base) for base in bases]
    return (set(tests).union(*(f[0] for f in found)),
            name in ("Case", "TestCase") or any(f[1] for f in found))


def all_cases():
    for path in sorted(glob.glob(f"{HERE}/test_gateway_*.py")):
        known = classes(path)
        for name in known:
            tests, is_run = cases(known, name)
            for test in tests if is_run else ():
                yield f"{os.path.basename(path)[13:-3]}.{name}.{test}"


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.there = set(all_cases())
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
