# SPDX-License-Identifier: MIT
"""What was measured, as bench.json, as a table, and as data for charts.

report.py OUT [DEMO]

OUT/figures/* have a figure a line: key, value and unit, between tabs. A key's last part is the way in
which the work was done. What was done by tide, too, is compared with that: `peer` is the key of tide's
figure, and `ratio` how many times tide's it is. DEMO is the folder of lab/demo. Writes OUT/bench.json
and OUT/*.dat, and prints the table. Fails if a figure is missing.
"""

import json
import math
import pathlib
import statistics
import sys

OURS = 'tide'

# The ways in which each subject does its work; one subject may have several kinds of work.
SUBJECTS = {
    'keep': [{OURS, 'tide_resident', 'vgem', 'madv_free', 'madv_free_first',
              'madv_dontneed', 'memfd_punch'}],
    'discard': [{OURS, 'vgem_close', 'memfd_punch'}, {OURS, 'munmap', 'memfd_punch'}, {OURS}],
    'page_in': [{OURS, 'memfd', 'anonymous', 'anonymous_small', 'populate', 'clearing'}],
    'first_touch': [{OURS, 'memfd', 'anonymous', 'anonymous_small', 'populate'}],
    'resident_touch': [{OURS, 'memfd'}],
    'return': [{OURS}],
    'life': [{OURS, 'vgem', 'memfd', 'heap'}],
    'life_steps': [{OURS, 'memfd'}],
    'population': [{OURS}],
    'clients': [{OURS}],
    'wake': [{OURS}],
    'footprint': [{OURS}, {OURS, 'vgem', 'memfd'}],
    'mesa': [{OURS, 'stock'}],
    'galleries': [{'keep', 'free', 'offer'}],
    'others': [{OURS, 'default_seeks', 'cgroup_blind', 'madv_free'}, {OURS, 'default_seeks', 'cgroup_blind'}],
}

GALLERY_RUNS = ('keep', 'keep-zram', 'free', 'offer', 'offer-zram', 'textures', 'vulkan')


class BadFigures(Exception):
    pass


def split_key(key):
    """'keep.4KiB.list64.tide' is the work 'keep.4KiB.list64', done in the way 'tide'."""
    work, _, way = key.rpartition('.')
    return work, way


def parse_line(line):
    try:
        key, value, unit = line.split('\t')
        return key, float(value), unit
    except ValueError:
        raise BadFigures(f'this is no figure: {line}') from None


def read_figures(folder):
    figures = {}
    for path in sorted(folder.iterdir()):
        for line in path.read_text().splitlines():
            key, value, unit = parse_line(line)
            if key in figures:
                raise BadFigures(f'{key} is there twice')
            figures[key] = {'value': value, 'unit': unit, 'peer': None, 'ratio': None}
    return figures


def read_gallery(folder):
    """
    Figures of the demo's last run, if there was one. A line of `frames` begins with frame, ms, decodes,
    reclaimed, lost, wrong; `status` has that of the process, and how many were killed.
    """
    figures = {}
    for run in GALLERY_RUNS:
        path = folder / run / 'frames'
        frames = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        if not frames:
            continue
        for name, value, unit in (
            ('frames', len(frames), 'frames'),
            ('decodes', int(frames[-1][2]), 'decodes'),
            ('decoded_again', int(frames[-1][4]), 'decodes'),
            ('wrong_frames', sum(int(frame[5]) for frame in frames), 'frames'),
            ('killed', int((folder / run / 'status').read_text().split()[1]), 'processes'),
            ('frame_ms', statistics.median(float(frame[1]) for frame in frames), 'ms'),
        ):
            figures[f'gallery.{name}.{run}'] = {'value': value, 'unit': unit, 'peer': None, 'ratio': None}
    return figures


def compare(figures):
    """Fills in `peer` and `ratio`."""
    for key, figure in figures.items():
        work, way = split_key(key)
        peer = f'{work}.{OURS}'
        if way == OURS or peer not in figures:
            continue
        figure['peer'] = peer
        if figures[peer]['value']:
            figure['ratio'] = figure['value'] / figures[peer]['value']


def works_of(figures):
    """The ways of each work, in the order of measurement, ours first."""
    works = {}
    for key in figures:
        work, way = split_key(key)
        works.setdefault(work, []).append(way)
    return {work: sorted(ways, key=lambda way: not way.startswith(OURS)) for work, ways in works.items()}


def check_complete(figures):
    works = works_of(figures)
    subjects = {work.split('.')[0] for work in works}
    missing = [subject for subject in SUBJECTS if subject not in subjects]
    for work, ways in works.items():
        allowed = SUBJECTS.get(work.split('.')[0])
        if allowed and set(ways) not in allowed:
            missing.append(f'{work}, of which there is only {", ".join(ways)}')
    if missing:
        raise BadFigures('missing: ' + '; '.join(missing))


def format_value(value):
    if value == 0 or abs(value) >= 100:
        return f'{value:,.0f}'
    return f'{value:.3g}'


def format_figure(figure):
    text = format_value(figure['value'])
    return text if figure['ratio'] is None else f'{text} ({format_value(figure["ratio"])}x)'


def print_table(figures, file):
    """A block for each subject and set of ways: works below each other, ways beside each other."""
    blocks = {}
    for work, ways in works_of(figures).items():
        unit = figures[f'{work}.{ways[0]}']['unit']
        blocks.setdefault((work.split('.')[0], unit, tuple(ways)), []).append(work)

    for (subject, unit, ways), works in blocks.items():
        rows = [[f'{subject}, {unit}', *ways]]
        for work in works:
            rows.append([work.partition('.')[2], *(format_figure(figures[f'{work}.{way}']) for way in ways)])
        widths = [max(len(row[column]) for row in rows) for column in range(len(ways) + 1)]
        for row in rows:
            cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
            print('  '.join(cells).rstrip(), file=file)
        print(file=file)


def bytes_of(name):
    number, unit = int(name[:-3]), name[-3:]
    return number << {'KiB': 10, 'MiB': 20}[unit]


def write_data(path, rows):
    path.write_text(''.join('\t'.join(str(cell) for cell in row) + '\n' for row in rows))


def write_charts_data(figures, out):
    """For gnuplot: a column a way, and a '?' where there is no figure."""

    def value(key):
        figure = figures.get(key)
        return '?' if figure is None or math.isnan(figure['value']) else figure['value']

    sizes = ('4KiB', '64KiB', '1MiB', '64MiB')
    ways = ('tide', 'madv_free', 'madv_dontneed', 'memfd_punch', 'vgem')
    write_data(out / 'keep.dat',
               [(bytes_of(size), *(value(f'keep.{size}.list1.{way}') for way in ways)) for size in sizes])
    calls = ('OFFER', 'RECLAIM', 'MAKE_RESIDENT')
    write_data(out / 'return.dat',
               [(bytes_of(size), *(value(f'return.{call}.{size}.tide') for call in calls)) for size in sizes])
    ways = ('tide', 'memfd', 'anonymous', 'populate', 'clearing')
    write_data(out / 'page_in.dat', [(size, *(value(f'page_in.{size}.{way}') for way in ways)) for size in sizes])
    ways = (('unmapped', 'tide'), ('unmapped', 'memfd_punch'), ('unmapped', 'vgem_close'),
            ('mapped', 'tide'), ('mapped', 'memfd_punch'), ('mapped', 'munmap'))
    write_data(out / 'discard.dat',
               [(size, *(value(f'discard.{size}.{state}.{way}') for state, way in ways)) for size in sizes])
    ways = ('tide', 'default_seeks', 'cgroup_blind', 'madv_free')
    kinds = ('swapped', 'refaulted', 'lost_beyond_need', 'killed')
    for scope in ('global', 'cgroup', 'cgroup_noswap'):
        write_data(out / f'others-{scope}.dat',
                   [(way, *(value(f'others.{scope}.{kind}.{way}') for kind in kinds)) for way in ways])
    write_data(out / 'galleries.dat', [(way, *(value(f'galleries.{what}.{way}') for what in ('fit', 'decodes_of_last')))
                                       for way in ('keep', 'free', 'offer')])


def main(arguments):
    out = pathlib.Path(arguments[0])
    figures = read_figures(out / 'figures')
    check_complete(figures)
    if len(arguments) > 1:
        figures |= read_gallery(pathlib.Path(arguments[1]))
    compare(figures)
    (out / 'bench.json').write_text(json.dumps(figures, indent=1) + '\n')
    write_charts_data(figures, out)
    print_table(figures, sys.stdout)


if __name__ == '__main__':
    try:
        main(sys.argv[1:])
    except BadFigures as bad:
        sys.exit(f'report: {bad}')
