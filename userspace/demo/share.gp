# SPDX-License-Identifier: MIT
#
# Draws who had how much of local memory when. `out` is the folder of the runs: gnuplot -e "out = ..."

set style line 1 lc rgb "#1f6fb2"
set style line 2 lc rgb "#e59866"
set style line 3 lc rgb "#333333" lw 2
set style line 4 lc rgb "#2e8b57" lw 2
set style line 7 lc rgb "#e2e2e2" lw 1
set style fill solid 0.75 noborder
set border 3 lc rgb "#666666"
set tics nomirror
set grid back ls 7
set yrange [0:*]
set xrange [0:24]
set xtics 3

set terminal pngcairo size 900,560 font "DejaVu Sans,10" background "#ffffff"
set output out . '/share.png'
set multiplot
set lmargin 9
set rmargin 2

array name[2] = ['keep', 'offer']
array title_of[2] = ['kept when it is the other one''s turn', 'offered, and drawn again if discarded']
do for [i=1:2] {
   set origin (i - 1) * 0.5, 0.42
   set size 0.5, 0.56
   set title title_of[i] offset 0, -0.5
   set format x ""
   unset xlabel
   set yrange [0:80]
   set ylabel (i == 1 ? "local memory, MiB" : "")
   set key inside top left horizontal reverse Left samplen 1.5 width -2
   plot out . '/share-' . name[i] . '/samples' using 1:($2 + $3) with filledcurves x1 ls 2 title "second", \
      '' using 1:2 with filledcurves x1 ls 1 title "first client"
   unset title
   set origin (i - 1) * 0.5, 0
   set size 0.5, 0.46
   set format x
   set xlabel "seconds: by turns, and from 18 on both"
   set yrange [0:most]
   set ylabel (i == 1 ? "MiB so far" : "")
   plot out . '/share-' . name[i] . '/samples' using 1:($4 + $5) with lines ls 3 title "copied", \
      '' using 1:6 with lines ls 4 title "discarded instead"
}
unset multiplot
