"""What meson knows about tests, as lines for the shell.

meson-tests.py list-host BUILD DURATIONS PATIENCE LONG [NAME...]
    the tests that run on the host, in the chroot, by name
meson-tests.py list-lab BUILD DURATIONS PATIENCE LONG [NAME...]
    the tests that are commands of the lab: name and command, between tabs
meson-tests.py list-guest BUILD DURATIONS PATIENCE LONG [NAME[@SUBTEST]...]
    the tests that run in the guest, the longest first: name, timeout and command, between tabs
    (tests of the suite `long` are in a list if LONG is 1 or they are named)
meson-tests.py results BUILD FOLDER
    how the tests of the host went: PASS, FAIL or SKIP, and the name; their logs go to FOLDER
"""

import json
import pathlib
import shlex
import sys

GUEST_SUITES = {'igt', 'mesa'}
LAB_SUITE = 'lab'
LONG_SUITE = 'long'


def suites_of(test):
    return {suite.split(':')[-1] for suite in test['suite']}


def place_of(test):
    """Where a test runs: the name of its list."""
    suites = suites_of(test)
    return 'guest' if suites & GUEST_SUITES else 'lab' if LAB_SUITE in suites else 'host'


def load_tests(build, place, with_long, wanted):
    tests = json.loads((build / 'meson-info' / 'intro-tests.json').read_text())
    names = {test['name'] for test in tests}
    for name in wanted:
        if name.split('@')[0] not in names:
            sys.exit(f'there is no test called {name}')
    for test in tests:
        chosen = [name for name in wanted if name.split('@')[0] == test['name']]
        by_itself = not wanted and (with_long == '1' or LONG_SUITE not in suites_of(test))
        if place_of(test) == place and (chosen or by_itself):
            subtests = [name.split('@')[1] for name in chosen if '@' in name]
            yield test, ['--run-subtest', ','.join(subtests)] if subtests else []


def load_durations(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return {name: int(seconds) for name, seconds in map(str.split, lines)}


def list_host(build, _durations, _patience, with_long, *wanted):
    for test, _ in load_tests(build, 'host', with_long, wanted):
        print(test['name'])


def list_lab(build, _durations, patience, with_long, *wanted):
    for test, _ in load_tests(build, 'lab', with_long, wanted):
        limit = test['timeout'] * int(patience)
        print(test['name'], shlex.join(['timeout', '--foreground', str(limit), *test['cmd']]), sep='\t')


def list_guest(build, durations, patience, with_long, *wanted):
    took = load_durations(pathlib.Path(durations))
    tests = list(load_tests(build, 'guest', with_long, wanted))
    tests.sort(key=lambda pair: took.get(pair[0]['name'], pair[0]['timeout']), reverse=True)
    for test, arguments in tests:
        env = [f'{name}={value}' for name, value in test['env'].items()]
        command = shlex.join(['exec', 'env', *env, *test['cmd'], *arguments])
        print(test['name'], test['timeout'] * int(patience), command, sep='\t')


def list_results(build, folder):
    words = {'OK': 'PASS', 'EXPECTEDFAIL': 'PASS', 'SKIP': 'SKIP'}
    for line in (build / 'meson-logs' / 'testlog.json').read_text().splitlines():
        test = json.loads(line)
        name = test['name'].split(' / ')[-1]
        text = test.get('stdout', '') + test.get('stderr', '')
        (pathlib.Path(folder) / f'{name}.log').write_text(text)
        print(words.get(test['result'], 'FAIL'), name, test['result'])


if __name__ == '__main__':
    command = {'list-host': list_host, 'list-lab': list_lab, 'list-guest': list_guest, 'results': list_results}[sys.argv[1]]
    command(pathlib.Path(sys.argv[2]), *sys.argv[3:])
