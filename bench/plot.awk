# SPDX-License-Identifier: GPL-2.0
#
# The figures of bench/module.sh for map, touch and unmap as SVG: a panel a
# kernel, both axes logarithmic, the ratio to memfd over the size.

function log10(x) { return log(x) / log(10) }

# From 4 KiB (0) to 256 MiB (16), in powers of two.
function x_of(panel, bytes) {
	return left + panel * (width + gap) + width * (log(bytes / 4096) / log(2)) / 16
}

function y_of(r) { return top + height * (log10(highest) - log10(r)) / (log10(highest) - log10(lowest)) }

function text(x, y, anchor, what) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, what
}

function line(x1, y1, x2, y2, stroke) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1, x2, y2, stroke
}

function size_name(bytes) {
	return bytes < 1048576 ? bytes / 1024 " K" : bytes / 1048576 " M"
}

function axes(p,   decade, i) {
	text(x_of(p, 1048576), top - 12, "middle", "Linux " release[kernel[p]])
	for (decade = lowest; decade < highest * 1.01; decade *= 10) {
		line(x_of(p, 4096), y_of(decade), x_of(p, 268435456), y_of(decade), decade > 0.99 && decade < 1.01 ? "#444" : "#ccc")
		text(x_of(p, 4096) - 6, y_of(decade) + 4, "end", decade)
	}
	for (i = 1; i <= sizes; i++)
		text(x_of(p, size[i]), top + height + 18, "middle", size_name(size[i]))
}

function curve(p, o,   i, r, points) {
	for (i = 1; i <= sizes; i++) {
		if (!((kernel[p], object[o], size[i]) in count))
			continue
		r = count[kernel[p], object[o], size[i]] / count[kernel[p], "memfd", size[i]]
		points = points sprintf("%.1f,%.1f ", x_of(p, size[i]), y_of(r))
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x_of(p, size[i]), y_of(r), colour[o]
	}
	printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", points, colour[o]
}

BEGIN {
	left = 50; top = 40; width = 320; height = 240; gap = 60
	lowest = 0.001; highest = 10
	objects = split("kmalloc shmem posix sysv anonymous", object, " ")
	split("#d62728 #1f77b4 #2ca02c #9467bd #999999", colour, " ")
}

$2 == "release" && !($1 in release) { kernel[panels++] = $1; release[$1] = $3 }
$2 == "map" {
	count[$1, $3, $4] = $5
	if (!seen[$4]++)
		size[++sizes] = $4
}

END {
	all = left + panels * (width + gap)
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n", all, top + height + 60
	printf "<title>Map, store into every page, unmap: instructions, ratio to memfd (commit %s)</title>\n", commit
	printf "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
	for (p = 0; p < panels; p++) {
		axes(p)
		for (o = 1; o <= objects; o++) curve(p, o)
	}
	for (o = 1; o <= objects; o++) {
		at = left + (o - 1) * 72
		line(at, top + height + 42, at + 16, top + height + 42, colour[o])
		text(at + 20, top + height + 46, "start", object[o])
	}
	text(all - 10, top + height + 46, "end", panels > 1 ? "bytes; instructions, ratio to memfd" : "ratio to memfd")
	print "</svg>"
}
