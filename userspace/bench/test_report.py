# SPDX-License-Identifier: MIT
"""The arithmetic of the report, and what it refuses."""

import io
import pathlib
import tempfile
import unittest

import report


def figures_of(**values):
    return {key.replace('__', '.'): {'value': float(value), 'unit': 'x', 'peer': None, 'ratio': None}
            for key, value in values.items()}


class Report(unittest.TestCase):
    def test_line(self):
        self.assertEqual(report.parse_line('a.b.tide\t12.5\tpages'), ('a.b.tide', 12.5, 'pages'))
        for line in ('a.b.tide\t12.5', 'a.b.tide\tmany\tpages', 'others: no such file'):
            with self.assertRaises(report.BadFigures):
                report.parse_line(line)

    def test_ratio(self):
        figures = figures_of(a__b__tide=8, a__b__memfd=20, a__c__memfd=1, z__tide=0, z__memfd=3)
        report.compare(figures)
        self.assertEqual(figures['a.b.memfd']['peer'], 'a.b.tide')
        self.assertEqual(figures['a.b.memfd']['ratio'], 2.5)
        self.assertIsNone(figures['a.b.tide']['peer'])
        self.assertIsNone(figures['a.c.memfd']['peer'])
        self.assertEqual(figures['z.memfd']['peer'], 'z.tide')
        self.assertIsNone(figures['z.memfd']['ratio'])

    def test_twice(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / 'one').write_text('a.tide\t1\tx\n')
            (folder / 'two').write_text('b.tide\t1\tx\n')
            self.assertEqual(list(report.read_figures(folder)), ['a.tide', 'b.tide'])
            (folder / 'two').write_text('a.tide\t1\tx\n')
            with self.assertRaises(report.BadFigures):
                report.read_figures(folder)

    def test_complete(self):
        figures = {f'{subject}.work{number}.{way}': {}
                   for subject, kinds in report.SUBJECTS.items()
                   for number, ways in enumerate(kinds) for way in ways}
        report.check_complete(figures)
        for missing in ('keep.work0.vgem', 'keep.work0.tide', 'return.work0.tide', 'discard.work1.munmap'):
            less = {key: {} for key in figures if key != missing}
            with self.assertRaises(report.BadFigures, msg=missing):
                report.check_complete(less)

    def test_gallery(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            self.assertEqual(report.read_gallery(folder), {})
            (folder / 'offer').mkdir()
            (folder / 'offer' / 'frames').write_text('0 10.0 3 0 0 0\n1 30.0 4 0 0 1\n2 20.0 9 1 2 0\n')
            (folder / 'offer' / 'status').write_text('137 1\n')
            figures = report.read_gallery(folder)
            self.assertEqual(figures['gallery.frames.offer']['value'], 3)
            self.assertEqual(figures['gallery.decodes.offer']['value'], 9)
            self.assertEqual(figures['gallery.frame_ms.offer']['value'], 20.0)
            self.assertEqual(figures['gallery.decoded_again.offer']['value'], 2)
            self.assertEqual(figures['gallery.wrong_frames.offer']['value'], 1)
            self.assertEqual(figures['gallery.killed.offer']['value'], 1)

    def test_table(self):
        figures = figures_of(a__4KiB__tide=1000, a__4KiB__memfd=2500)
        report.compare(figures)
        table = io.StringIO()
        report.print_table(figures, table)
        self.assertEqual(table.getvalue(), 'a, x   tide         memfd\n4KiB  1,000  2,500 (2.5x)\n\n')

    def test_sizes(self):
        self.assertEqual(report.bytes_of('64KiB'), 65536)
        self.assertEqual(report.bytes_of('1MiB'), 1048576)


if __name__ == '__main__':
    unittest.main()
