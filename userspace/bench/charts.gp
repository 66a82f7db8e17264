# SPDX-License-Identifier: MIT
#
# Draws the charts of the benchmarks. `out` is its folder: gnuplot -e "out = 'build/bench'" charts.gp

set datafile missing '?'
set style line 1 lc rgb "#1f6fb2" lw 3 pt 7    # tide
set style line 2 lc rgb "#c0392b" lw 1.5 pt 5
set style line 3 lc rgb "#e59866" lw 1.5 pt 9
set style line 4 lc rgb "#7f8c8d" lw 1.5 pt 11
set style line 5 lc rgb "#333333" lw 1.5 pt 13
set style line 6 lc rgb "#85b8e0" lw 1.5 pt 7
set style line 7 lc rgb "#e2e2e2" lw 1
set border 3 lc rgb "#666666"
set tics nomirror
set grid ytics back ls 7
set key outside top center horizontal reverse Left samplen 2 width 2 noenhanced
set format y "10^{%T}"
set logscale y
set terminal pngcairo size 900,420 font "DejaVu Sans,10" background "#ffffff"

set output out . '/keep.png'
set title "given up for a while and taken back, nobody wanted it"
set ylabel "instructions for an allocation"
set xlabel "size of the allocation"
set logscale x 2
set xrange [4096:134217728]
set xtics ("4 KiB" 4096, "64 KiB" 65536, "1 MiB" 1048576, "64 MiB" 67108864)
plot out . '/keep.dat' using 1:6 with linespoints ls 5 title "vgem: destroy and create", \
   '' using 1:5 with linespoints ls 4 title "memfd: punch a hole", \
   '' using 1:4 with linespoints ls 3 title "MADV_DONTNEED", \
   '' using 1:3 with linespoints ls 2 title "MADV_FREE", \
   '' using 1:2 with linespoints ls 1 title "tide: offer and reclaim"

set output out . '/return.png'
set title "how long the calls take, for one allocation"
set ylabel "instructions"
set format y "%g"
unset logscale y
set yrange [0:*]
plot out . '/return.dat' using 1:2 with linespoints ls 1 title "OFFER", \
   '' using 1:3 with linespoints ls 2 title "RECLAIM, to be paged in", \
   '' using 1:4 with linespoints ls 3 title "MAKE_RESIDENT"

unset logscale x
set xrange [*:*]
set xtics auto
set style data histograms
set style histogram clustered gap 2
set style fill solid 0.9 noborder
set xlabel "size of the allocations"

set output out . '/page_in.png'
set title "memory again after a discard"
set ylabel "instructions for a page"
plot out . '/page_in.dat' using 2:xtic(1) ls 1 title "tide, paging fence", \
   '' using 3 ls 4 title "memfd, touch", \
   '' using 4 ls 2 title "anonymous, touch", \
   '' using 5 ls 3 title "anonymous, MAP_POPULATE", \
   '' using 6 ls 5 title "clearing alone"

set output out . '/discard.png'
set title "giving memory back"
plot out . '/discard.dat' using 2:xtic(1) ls 1 title "tide", \
   '' using 3 ls 4 title "memfd, hole", \
   '' using 4 ls 5 title "vgem, close", \
   '' using 5 ls 6 title "tide, mapped", \
   '' using 6 ls 3 title "memfd, hole, mapped", \
   '' using 7 ls 2 title "munmap"

set output out . '/galleries.png'
set title "galleries in one guest, before one is killed for want of memory"
set ylabel "galleries"
set xlabel "images that do not show are"
set xtics ("kept" 0, "freed, decoded again" 1, "offered, reclaimed" 2)
set ytics 1
set offsets 0, 0, 1, 0
plot out . '/galleries.dat' using 2 ls 1 notitle, \
   '' using 0:2:(sprintf("%d", $2)) with labels offset 0, 0.7 notitle

set ytics auto
set offsets
set output out . '/others.png'
set terminal pngcairo size 900,520 noenhanced font "DejaVu Sans,10" background "#ffffff"
set multiplot layout 2, 1
unset key
set xlabel ""
set xtics ("tide" 0, "default seeks" 1, "blind for cgroups" 2, "MADV_FREE" 3)
set ylabel "pages"
set title "the machine runs short of memory: pages of a file in use that are read again"
plot out . '/others-global.dat' using 3 ls 1
set ylabel "MiB"
set title "a cgroup is at its limit: what is lost beyond the need (all, where a process is killed)"
plot out . '/others-cgroup_noswap.dat' using 4 ls 1
unset multiplot
