"""How much of the source the tests run through, and whether Documentation/coverage.rst says why it is not all.

coverage.py summary PAGE COVERAGE...
    prints lines and branches of each file, and the lines that were not reached, by function; fails if there are
    any in a function that PAGE does not name (COVERAGE: JSON of gcovr's)
coverage.py names PAGE PROJECT
    fails if PAGE names a function that is not there

In PAGE there is a line FOLDER/FILE.c for each file, in double backquotes, followed by a list of functions, NAME()
in double backquotes, each with the reason why not all of it is reached.
"""

import collections
import itertools
import json
import pathlib
import re
import sys


def read_reasons(page):
    """The functions that the page names, each as 'FILE NAME'."""
    file = None
    for line in pathlib.Path(page).read_text().splitlines():
        if match := re.fullmatch(r'``([\w/]+\.[ch])``', line):
            file = match[1]
        elif match := re.match(r'\* ((?:``\w+\(\)``(?:, | and )?)+):', line):
            for name in re.findall(r'``(\w+)\(\)``', match[1]):
                yield f'{file} {name}'


def function_at(functions, number):
    """The function that a line is in."""
    return max((f for f in functions if f['lineno'] <= number), key=lambda f: f['lineno'], default={'name': '?'})['name']


class Count:
    """How many there are of something, and how many of them were reached."""

    def __init__(self):
        self.all = self.reached = 0

    def add(self, counts):
        counts = list(counts)
        self.all += len(counts)
        self.reached += sum(count > 0 for count in counts)

    def __str__(self):
        share = 100 * self.reached / self.all if self.all else 100
        return f'{self.reached:5} of {self.all:5} {share:6.1f} %'


def ranges(numbers):
    """1, 2, 3, 7 as 1-3, 7."""
    for _, group in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        group = [number for _, number in group]
        yield f'{group[0]}-{group[-1]}' if len(group) > 1 else f'{group[0]}'


def summary(page, *coverages):
    reasons = set(read_reasons(page))
    unreached = collections.defaultdict(list)
    sums = collections.defaultdict(lambda: (Count(), Count()))
    files = [file for path in coverages for file in json.loads(pathlib.Path(path).read_text())['files']]
    for file in files:
        path = file['file'].removeprefix('build/gcov/')
        for name in (path, path.rsplit('/', 1)[0] + '/'):
            lines, branches = sums[name]
            lines.add(line['count'] for line in file['lines'])
            branches.add(branch['count'] for line in file['lines'] for branch in line['branches'])
        for line in file['lines']:
            if not line['count']:
                unreached[f'{path} {function_at(file["functions"], line["line_number"])}'].append(line['line_number'])

    print(f'{"":34} {"lines":>22}  {"branches":>22}')
    for name, (lines, branches) in sorted(sums.items()):
        print(f'{name:34} {lines}  {branches}')
    print('\nnot reached:')
    for place, numbers in unreached.items():
        print(f'  {place}: {", ".join(ranges(numbers))}{"" if place in reasons else "  (no reason is given)"}')
    for place in sorted(reasons - unreached.keys()):
        print(f'  {place}: all of it was reached this time')
    return 1 if unreached.keys() - reasons else 0


def names(page, project):
    wrong = 0
    for place in read_reasons(page):
        path, function = place.split()
        file = pathlib.Path(project, path)
        if not file.exists() or not re.search(rf'^\w.*\b{function}[()]|^{function}\(', file.read_text(), re.M):
            print(f'{page}: {path} has no {function}()')
            wrong = 1
    return wrong


if __name__ == '__main__':
    command = {'summary': summary, 'names': names}[sys.argv[1]]
    sys.exit(command(*sys.argv[2:]))
