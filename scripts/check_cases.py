"""What the check-* scripts share: they run cases side by side, and count which fail."""

import argparse
import concurrent.futures
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def make_parser(description):
    """Arguments that every check has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heddle", type=pathlib.Path, default=ROOT / "build" / "bin" / "heddle")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="check every n-th case only")
    return parser


def check(arguments, cases, run, describe=str):
    """Runs every n-th case, prints what fails and a table, and exits: with 1 if any case failed.

    A case is what it belongs to, by which the table counts, and which of its cases it is. `run` takes both, and returns
    what is wrong, or None. `describe` makes a text of the second.
    """
    cases = cases[:: arguments.every]
    # By what they belong to: how many passed, and how many failed.
    counts = {name: [0, 0] for name, _ in cases}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for (name, case), wrong in zip(cases, pool.map(lambda pair: run(*pair), cases)):
            counts[name][bool(wrong)] += 1
            if wrong:
                print(f"{name}, {describe(case)}: {wrong}", file=sys.stderr, flush=True)
    width = max(map(len, counts), default=0)
    for name, (passed, failed) in counts.items():
        print(f"{name:{width}} {passed:4} passed {failed:4} failed")
    passed, failed = (sum(count) for count in zip((0, 0), *counts.values()))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
