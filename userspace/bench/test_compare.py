# SPDX-License-Identifier: MIT
"""What is said of two runs."""

import io
import unittest

import compare


def run_of(**values):
    return {key: {'value': value, 'unit': 'x'} for key, value in values.items()}


class Compare(unittest.TestCase):
    def test_difference(self):
        self.assertEqual(compare.difference(200, 250), 0.25)
        self.assertEqual(compare.difference(-4, -2), 0.5)
        self.assertEqual(compare.difference(0, 0), 0)
        self.assertEqual(compare.difference(0, 3), float('inf'))

    def test_order(self):
        lines = compare.compare(run_of(a=100, b=100, c=0, gone=1), run_of(a=101, b=50, c=1, come=1))
        self.assertEqual([line[0] for line in lines], ['c', 'b', 'a'])

    def test_text(self):
        text = io.StringIO()
        compare.write(run_of(near=1000, far=100, gone=1), run_of(near=1005, far=90, come=1), text)
        lines = text.getvalue().splitlines()
        self.assertEqual(lines[0].split(), ['far', '100', '90', '-10.00', '%', 'x'])
        self.assertEqual([line.split()[0] for line in lines[1:3]], ['come', 'gone'])
        self.assertEqual(lines[-1], 'x: 2 figures, 1 differ by 1 % or more, the most by 10.00 %')


if __name__ == '__main__':
    unittest.main()
