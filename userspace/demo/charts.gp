# SPDX-License-Identifier: MIT
#
# Draws the charts of a demo. `out` is its folder: gnuplot -e "out = 'build/demo'" charts.gp

load out . '/marks' # what report has found out: room, seconds, and labels where a run was killed

set style line 1 lc rgb "#c0392b" lw 2    # (a)
set style line 2 lc rgb "#e59866" lw 1.5  # (a), zram
set style line 3 lc rgb "#7f8c8d" lw 2    # (b)
set style line 4 lc rgb "#1f6fb2" lw 2.5  # (c)
set style line 5 lc rgb "#85b8e0" lw 1.5  # (c), zram
set style line 6 lc rgb "#333333" lw 1.5 dt (6, 4)
set style line 7 lc rgb "#e2e2e2" lw 1
set style textbox opaque noborder fillcolor rgb "#ffffff" margins 0.5, 0.5
set border 3 lc rgb "#666666"
set tics nomirror
set grid back ls 7
set lmargin 9
set rmargin 3
set yrange [0:*]

set terminal pngcairo size 900,640 font "DejaVu Sans,10" background "#ffffff"
set output out . '/memory.png'
set multiplot
set xrange [0:seconds]

set origin 0, 0.4
set size 1, 0.6
set key outside top center horizontal reverse Left samplen 2 width 2
set ylabel "decoded images in memory, MiB"
set format x ""
plot out . '/offer-zram/samples' using 1:7 with lines ls 5 title "(c) offered, zram swap", \
   out . '/keep-zram/samples' using 1:7 with lines ls 2 title "(a) kept, zram swap", \
   out . '/free/samples' using 1:7 with lines ls 3 title "(b) freed", \
   out . '/offer/samples' using 1:7 with lines ls 4 title "(c) offered", \
   out . '/keep/samples' using 1:7 with lines ls 1 title "(a) kept", \
   room with lines ls 6 title "free at the start of (c)"

unset label
unset key
set origin 0, 0
set size 1, 0.42
set ylabel "images discarded so far"
set xlabel "seconds"
set format x
plot out . '/offer-zram/samples' using 1:8 with lines ls 5, \
   out . '/offer/samples' using 1:8 with lines ls 4
unset multiplot

set terminal pngcairo size 900,420 font "DejaVu Sans,10" background "#ffffff"
set output out . '/decodes.png'
set size 1, 1
set xrange [*:*]
set key inside top left vertical reverse Left samplen 2
set ylabel "decodings so far"
set xlabel "frame: several short swings, then a long one and halfway back"
plot out . '/free/frames' using 1:3 with lines ls 3 title "(b) freed and decoded again", \
   out . '/offer/frames' using 1:3 with lines ls 4 title "(c) offered and reclaimed", \
   out . '/keep/frames' using 1:3 with lines ls 1 title "(a) kept, until it is killed", \
   out . '/ideal' using 1:2 with lines ls 6 title "ideal cache, which knows the way"
