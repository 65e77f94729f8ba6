# SPDX-License-Identifier: Apache-2.0
"""check-style finds each fault in a small tree, and nothing in a tree without faults."""
import os
import shutil
import subprocess
import sys
import tempfile

CHECK = sys.argv[1]
CONFIG = os.path.join(os.path.dirname(os.path.dirname(CHECK)), ".clang-format")
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
BODY = "\tx += 1;\n"

GOOD = {
    "a.c": SPDX + '#include "a.h"\n\nint a(int x)\n{\n' + BODY * 70 + "}\n",
    "a.h": SPDX + "/* a: the letter; strcpy() and system() are only named here */\n"
           "#pragma once\n\nint a(int x);\n",
    "main-b.c": SPDX + "/* main-b: the program */\n",
    "main-c.c": SPDX + "/*\n * c: the program\n */\n",
    "test-d.c": SPDX + "int x = strlen(\"\") + strtol(\"1\", 0, 10);\n" + "int x;\n" * 600,
    "run.sh": "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\ntrue\n",
    "tool.py": "# SPDX-License-Identifier: Apache-2.0\nprint('strcpy(')\n",
}

# What is written to which file, and what the check must say of it.
FAULTS = [
    ("a.c", "int a;\n", "a.c:1: the first line does not have SPDX"),
    ("a.h", SPDX + "/* about a */\n", "a.h:2: the header does not begin with 'a: '"),
    ("main-a.c", SPDX + "int a;\n", "main-a.c:2: the header does not begin with 'a: '"),
    ("b.c", SPDX + "void b(char *p)\n{\n\tstrcpy(p, \"x\");\n}\n", "b.c:4: strcpy() is not used"),
    ("b.c", SPDX + "int b(void)\n{\n\treturn system (\"x\");\n}\n", "b.c:4: system() is not used"),
    ("b.c", SPDX + "int b(int x)\n{\n" + BODY * 71 + "}\n", "b.c:3: function of 71 lines"),
    ("b.c", SPDX + "int x;\n" * 401, "b.c:1: 401 lines of code, at most 400"),
    ("b.c", SPDX + "/*\n * Size  a table\n */\n" + "int x;\n" * 601, "601 lines of code, at most 600"),
    ("b.h", SPDX + "/* b: x */\n" + "int x;\n" * 121, "b.h:1: 121 lines of code, at most 120"),
    ("test-b.c", SPDX + "int x;\n" * 701, "test-b.c:1: 701 lines of code, at most 700"),
    ("b.c", SPDX + "/* TODO: later */\n", "b.c:2: TODO names no owner"),
    ("b.c", SPDX + "int   x;\n", "run clang-format -i on it"),
    ("b.c", SPDX + "int x; \n", "b.c:2: space at the end"),
    ("b.md", "text", "b.md:1: no newline at the end"),
    ("run.sh", "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\nif\n", "run.sh:1: bash -n"),
    ("run.sh", "#!/bin/bash\ntrue\n", "run.sh:1: the first lines do not have SPDX"),
    ("tool.py", "# SPDX-License-Identifier: Apache-2.0\ndef\n", "tool.py:2: Python"),
    ("man/b.1", ".Dd x\n.Dt B 1\n.Os\n.Sh NAME\nb\n", "man/b.1:"),
]


def check(tree):
    with tempfile.TemporaryDirectory(prefix="b-style-") as root:
        shutil.copy(CONFIG, root)
        for path, text in tree.items():
            os.makedirs(os.path.dirname(f"{root}/{path}"), exist_ok=True)
            with open(f"{root}/{path}", "w", encoding="utf-8") as f:
                f.write(text)
        done = subprocess.run([sys.executable, CHECK, root], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    code, said = check(GOOD)
    assert code == 0, said
    for path, text, want in FAULTS:
        code, said = check(GOOD | {path: text})
        assert code == 1 and want in said, f"{path}: {want!r} is not in:\n{said}"
        print(f"seen: {want}")


if __name__ == "__main__":
    main()
