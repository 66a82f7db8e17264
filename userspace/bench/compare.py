# SPDX-License-Identifier: MIT
"""By how much the figures of two runs differ.

compare.py OLD.json NEW.json prints each figure that differs by 1 % or more, the largest difference
first, and for each unit how many figures there are, and how far apart.
"""

import json
import pathlib
import sys

TELL = 0.01


def difference(old, new):
    """Of the old value; from nothing to something is infinitely more."""
    if old == new:
        return 0.0
    return (new - old) / abs(old) if old else float('inf')


def compare(old, new):
    """Lines of key, unit, old value, new value, difference, the largest difference first."""
    lines = [(key, new[key]['unit'], old[key]['value'], new[key]['value'],
              difference(old[key]['value'], new[key]['value'])) for key in new if key in old]
    return sorted(lines, key=lambda line: -abs(line[4]))


def write(old, new, file):
    lines = compare(old, new)
    for key, unit, before, after, by in lines:
        if abs(by) >= TELL:
            print(f'{key:44} {before:14,.6g} {after:14,.6g} {100 * by:+8.2f} %  {unit}', file=file)
    for key in sorted(old.keys() ^ new.keys()):
        print(f'{key:44} only in the {"old" if key in old else "new"} run', file=file)

    print(file=file)
    for unit in sorted({line[1] for line in lines}):
        of_unit = [abs(line[4]) for line in lines if line[1] == unit]
        far = sum(by >= TELL for by in of_unit)
        print(f'{unit}: {len(of_unit)} figures, {far} differ by {100 * TELL:.0f} % or more, '
              f'the most by {100 * max(of_unit):.2f} %', file=file)


if __name__ == '__main__':
    write(*(json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:3]), sys.stdout)
