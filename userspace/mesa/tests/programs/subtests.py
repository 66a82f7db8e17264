# SPDX-License-Identifier: MIT
"""Programs of others as subtests, and whether they ran on tide or on Debian's own Mesa."""

import argparse
import contextlib
import fnmatch
import os
import pathlib
import subprocess
import sys
import time

STOCK_MESA = os.environ.get('TIDE_STOCK_MESA')


class Failed(Exception):
    """A subtest has failed."""


class Skipped(Exception):
    """A subtest cannot run here."""


def check(condition, text):
    if not condition:
        raise Failed('\n'.join(text.splitlines()[-40:]))


def count_created():
    """How many allocations tide has created since it was loaded; none where it is not."""
    if not pathlib.Path('/sys/module/tide').exists():
        return 0
    for stats in pathlib.Path('/sys/kernel/debug/dri').glob('*/stats'):
        if (stats.parent / 'shrink').exists():
            lines = dict(map(str.split, stats.read_text().splitlines()))
            return int(lines['created_allocations'])
    raise Skipped('no tide device')


@contextlib.contextmanager
def module_unloaded():
    """While it lasts there is no tide node."""
    subprocess.run(['rmmod', 'tide'], check=True)
    try:
        yield
    finally:
        parameters = os.environ['TIDE_PARAMETERS'].split()
        subprocess.run(['insmod', os.environ['TIDE_KO'], *parameters], check=True)


class Ran:
    """What has become of a program."""

    def __init__(self, command, stock, env, timeout):
        before = count_created()
        self.command = ' '.join(command)
        prefix = [STOCK_MESA] if stock else []
        process = subprocess.run(prefix + command, env=os.environ | env, timeout=timeout, text=True,
                                 errors='replace', stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 check=False)
        self.status = process.returncode
        self.output = process.stdout
        self.created = count_created() - before


def run_any(command, stock=False, env=None, timeout=300):
    """Runs a program however it ends; nothing else may use tide meanwhile."""
    return Ran(command, stock, env or {}, timeout)


def run(command, stock=False, env=None, timeout=300):
    """The output of a program that has to succeed, and to run on tide if it can, or with `stock` not to."""
    ran = run_any(command, stock, env, timeout)
    on_tide = not stock and pathlib.Path('/sys/module/tide').exists()
    check(ran.status == 0, f'{ran.command}: status {ran.status}\n{ran.output}')
    check(on_tide == (ran.created > 0), f'{ran.command}: {ran.created} allocations on tide\n{ran.output}')
    return ran.output


def run_on_both(command, **options):
    """The outputs of a program on tide and on Debian's Mesa."""
    return run(command, **options), run(command, stock=True, **options)


def main(subtests):
    """Runs functions by name, as an IGT test does its subtests."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--list-subtests', action='store_true')
    parser.add_argument('--run-subtest', default='*')
    args = parser.parse_args()
    patterns = args.run_subtest.split(',')
    wanted = [name for name in subtests if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    if args.list_subtests:
        print('\n'.join(wanted))
        return
    if not STOCK_MESA:
        print("TIDE_STOCK_MESA does not say how to run Debian's Mesa")
        sys.exit(77)
    failed = 0
    for name in wanted:
        print(f'Starting subtest: {name}', flush=True)
        began = time.monotonic()
        result = 'FAIL'
        try:
            subtests[name]()
            result = 'SUCCESS'
        except Skipped as reason:
            result = 'SKIP'
            print(reason)
        except (Failed, subprocess.TimeoutExpired) as reason:
            failed += 1
            print(reason)
        print(f'Subtest {name}: {result} ({time.monotonic() - began:.3f}s)', flush=True)
    sys.exit(1 if failed else 0)
