# SPDX-License-Identifier: Apache-2.0
"""junit: `passed failed names-of-the-failed` of a ctest run, out of its JUnit file

ctest itself calls a test whose program was not built "skipped"; here it failed.
A test that skips itself (exit 77) is neither.
"""
import sys
import xml.etree.ElementTree


def main():
    passed, failed = 0, []
    for case in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        skipped = case.find("skipped")
        why = "" if skipped is None else skipped.get("message", "")
        if case.get("status") == "run":
            passed += 1
        elif why.startswith("SKIP_"):
            continue
        elif case.get("status") != "disabled":
            failed.append(case.get("name"))
    if not passed and not failed:
        failed = ["no tests ran"]
    print(passed, len(failed), ", ".join(failed))


if __name__ == "__main__":
    main()
