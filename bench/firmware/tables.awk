# SPDX-License-Identifier: MIT
#
# tables.awk - peers.txt and the results of bench.sh as tables, then what was aimed
# at beside what was reached. Behind text.awk.

function get(name)
{
	return name in v ? v[name] : "-"
}

function four(name)
{
	return get(name ".median") "|" get(name ".mean") "|" \
	       get(name ".p99") "|" get(name ".max")
}

function ratio(a, b)
{
	return b > 0 ? sprintf("%.3f", a / b) : "-"
}

# --- speed on the sensor traces ----------------------------------------------

function mode_name(mode)
{
	return mode == "once" ? "coalescing at once" : \
	       mode == "step" ? "default, step every 64" : \
				"default, never a step"
}

function speed_row(title, name, trace,    meta)
{
	meta = name "/" trace "/metadata"
	row(speed_widths, title "|" four(name "/malloc") "|" \
	    four(name "/free") "|" four(name "/realloc") "|" \
	    get(name (name "/factor" in v ? "/factor" : "/gaps")) "|" \
	    (meta in v ? sprintf("%.2f %%", 100 * v[meta] / heap) : "-"))
}

# Four cells from a text of four words
function four_of(text)
{
	gsub(/ +/, "|", text)
	return text
}

function speed_of(group, trace,    i, who, m)
{
	row("-38 | 28 | 28 | 28 | 7 | 9", "|malloc: median mean p99 max|" \
	    "free: median mean p99 max|realloc: median mean p99 max|fragm.|" \
	    "metadata")
	for (who = 1; who <= 2; who++)
		for (m = 1; m <= 3; m++)
			speed_row("quern -" levels[who] ", " \
				  mode_name(modes[m]),
				  "cost/" levels[who] "/" modes[m] "/" group,
				  trace)
	for (i = 1; i <= nr_libs; i++)
		if (("cost/" libs[i] "/once/" group "/malloc.mean") in v)
			speed_row(libs[i], "cost/" libs[i] "/once/" group)
}

function speed(    i, who, m)
{
	heading("Sensor traces, heap " heap " bytes: sensor-1 sensor-2")
	speed_of("sensor", "sensor-1")
	for (i = 1; i <= nr_peers; i++)
		row(speed_widths, peers[i] "|" four_of(p_malloc[i]) "|" \
		    four_of(p_free[i]) "|-|-|-|-|-|-")
	heading("The same of this tree\047s pipeline: " pipelines)
	speed_of("pipeline", "pipeline-1")
	heading("The same of other seeds, which no choice was made by: " unseen)
	speed_of("unseen", "pipeline-11")
	print "\nheap4 and tlsf are the algorithms of FreeRTOS\047s heap_4 and of TLSF, " \
	      "written for this tree."
	print "Those below are from peers.txt. Fragmentation: mean " \
	      "of 1 - largest free / all free,"
	print "every 64 operations, as the heap tells it; for the C " \
	      "libraries, by the gaps between blocks."
	for (who = 1; who <= 2; who++)
		for (m = 1; m <= 3; m++)
			step_row("cost/" levels[who] "/" modes[m] "/sensor/step",
				 levels[who])
}

function step_row(name, level)
{
	if ((name ".mean") in v)
		printf "qn_heap_step() at -%s: median %s, mean %s, p99 %s, " \
		       "max %s\n", level, v[name ".median"], v[name ".mean"],
		       v[name ".p99"], v[name ".max"]
}

# --- what checks and the lock cost ---

function graded_row(title, who,    name)
{
	name = "cost/" who "/step/sensor"
	row("-50 | 7 8 7 7 | 7 8 7 7", title "|" four(name "/malloc") "|" \
	    four(name "/free"))
}

function grades()
{
	heading("Levels of checks (QN_CHECKS), and the lock: sensors, -O2, " \
		"default, step every 64")
	row("-50 | 28 | 28", "|malloc: median mean p99 max|" \
	    "free: median mean p99 max")
	graded_row("0: no second free of a held block", "check0")
	graded_row("1: the default", "O2")
	graded_row("2: and writes behind a block (QN_GUARD)", "check2")
	graded_row("3: and fills blocks (QN_POISON)", "check3")
	graded_row("1, interrupts masked (QN_LOCK_IRQ)", "locked")
	graded_row("1, at -Os, ways written out (QN_FOR_SIZE=0)", "wide")
}

# --- all workloads -----------------------------------------------------------

function mean_max(name)
{
	return get(name "/malloc.mean") "|" get(name "/malloc.max") "|" \
	       get(name "/free.mean") "|" get(name "/free.max")
}

function workloads(who,    i, g, m, line)
{
	heading("Every workload, quern -" who ", heap " heap " bytes: " \
		"malloc mean max, free mean max, fragmentation")
	row("-12 | 34 | 34 | 34 | 27", "|" mode_name(modes[1]) "|" \
	    mode_name(modes[2]) "|" mode_name(modes[3]) "|newlib")
	for (i = 1; i <= nr_groups; i++) {
		g = groups[i]
		line = g
		for (m = 1; m <= 3; m++)
			line = line "|" mean_max("cost/" who "/" modes[m] "/" \
				g) "|" get("cost/" who "/" modes[m] "/" g \
				"/factor")
		row("-12 | 7 6 8 6 7 | 7 6 8 6 7 | 7 6 8 6 7 | 7 6 8 6 0",
		    line "|" mean_max("cost/newlib/once/" g) "|" \
		    (get("cost/" who "/once/" g "/fits") == "0" ? \
			"  (does not complete)" : ""))
	}
}

# --- smallest heap -----------------------------------------------------------

function smallest_of(name,    s)
{
	s = "smallest/" name
	return get(s "/smallest") "|" get(s "/robust")
}

function smallest(    i, t, o, live)
{
	heading("Smallest heap that completes (16-byte steps), and from which " \
		"on 3 KB more do too (64-byte steps)")
	row("-12 | 7 7 8 | 33 | 16 | 16 | 16 | 16 | 16 | 16 | 16", "|live|blocks|" \
	    "rounded|at once, x live, without learning|step every 64|" \
	    "never a step|newlib|nano|picolibc|heap4|tlsf")
	for (i = 1; i <= nr_traces; i++) {
		t = traces_[i]
		o = "smallest/O2/once/" t
		live = get(o "/live")
		row("-12 | 7 7 8 | 9 9 7 8 | 8 8 | 8 8 | 8 8 | 8 8 | 8 8 | " \
		    "8 8 | 8 8",
		    t "|" live "|" get(o "/blocks") "|" get(o "/rounded") "|" \
		    smallest_of("O2/once/" t) "|" \
		    ratio(get(o "/smallest"), live) "|" \
		    ratio(get(o "/smallest") - get(o "/learning"), live) "|" \
		    smallest_of("O2/step/" t) "|" \
		    smallest_of("O2/held/" t) "|" \
		    smallest_of("newlib/once/" t) "|" \
		    smallest_of("nano/once/" t) "|" \
		    smallest_of("picolibc/once/" t) "|" \
		    smallest_of("heap4/once/" t) "|" \
		    smallest_of("tlsf/once/" t))
	}
	print ""
	for (i = 1; i <= nr_peers; i++)
		printf "%-39s sensor-1, sensor-2: smallest %s, robust %s\n",
		       peers[i], p_smallest[i], p_robust[i]
}

# --- exhaustion ---------------------------------------------------------------

function full(    i, m, x, sum, line, widths)
{
	heading("Bytes asked for over bytes of the heap when a request is first " \
		"refused, mean of heaps of 1/16 to 15/16 of the live peak")
	widths = "-12 | 25 | 25 | 25"
	row(widths, "|" mode_name("once") "|" mode_name("step") "|" \
	    mode_name("held"))
	for (i = 1; i <= nr_traces; i++) {
		line = traces_[i]
		for (m = 1; m <= 3; m++) {
			x = get("full/O2/" modes[m] "/" traces_[i] "/full")
			sum[m] += x
			line = line "|" x
		}
		row(widths, line)
	}
	line = "mean"
	for (m = 1; m <= 3; m++)
		line = line "|" sprintf("%.4f", sum[m] / nr_traces)
	row(widths, line)
}

# --- the search --------------------------------------------------------------

function search(    who, s, k, name)
{
	heading("Adversarial search: the dearest calls found, and the calls " \
		"that lead to them")
	for (who = 1; who <= 2; who++)
		for (s = 1; s <= 3; s++) {
			name = "search/" levels[who] "/" states[s]
			printf "quern -%s, %s, %s sequences: malloc %s, " \
			       "free %s, realloc %s, memalign %s\n",
			       levels[who],
			       state_name[s],
			       get(name "/runs"), get(name "/malloc.worst"),
			       get(name "/free.worst"),
			       get(name "/realloc.worst"),
			       get(name "/memalign.worst")
			printf "  that merged what was held, as memory came " \
			       "to its end: malloc %s (of up to 176 bytes %s), " \
			       "realloc %s, memalign %s\n",
			       get(name "/malloc.squeeze"),
			       get(name "/malloc.short"),
			       get(name "/realloc.squeeze"),
			       get(name "/memalign.squeeze")
		}
	for (s = 1; s <= 3; s++)
		for (k = 1; k <= 2; k++) {
			name = "search/O2/" states[s] "/" calls[k]
			printf "  %s %s: %s\n", states[s], calls[k],
			       get(name ".calls")
		}
}

# --- interrupts ---------------------------------------------------------------

function masked(    who, m)
{
	heading("Interrupts masked (QN_LOCK_IRQ), the longest section of each " \
		"call in instructions; sensor-* network store random ramps")
	for (who = 1; who <= 2; who++) {
		m = "masked/" levels[who]
		printf "-%s: malloc %s, free %s, realloc %s, " \
		       "qn_heap_step() %s\n", levels[who],
		       get(m "/malloc.max"), get(m "/free.max"),
		       get(m "/realloc.max"), get(m "/step.max")
	}
}

# --- size --------------------------------------------------------------------

function size_row(title, level)
{
	printf "%s: init, malloc, free, realloc: flash %s, RAM %s; " \
	       "with qn_heap_step(): flash %s, RAM %s\n", title,
	       get("size/" level "/plain/flash"),
	       get("size/" level "/plain/ram"),
	       get("size/" level "/learning/flash"),
	       get("size/" level "/learning/ram")
}

function sizes()
{
	heading("Flash and static RAM, linked with --gc-sections, memcpy and " \
		"its kin not counted")
	size_row("-O2", "O2")
	size_row("-Os", "Os")
	size_row("-Os, ways written out (QN_FOR_SIZE=0)", "wide")
}

# --- what was aimed at -------------------------------------------------------

function verdict(what, value, limit)
{
	row("-64 10 11 2 0", what "|" value "|of " sprintf("%7s", limit) "||" \
	    (value == "-" ? "unknown" : \
	     value + 0 <= limit + 0 ? "met" : \
	     sprintf("MISSED by %.1f %%", 100 * (value / limit - 1))))
}

function worst(what, who, mode,    i, w, x)
{
	w = 0
	for (i = 1; i <= nr_groups; i++) {
		x = get("cost/" who "/" mode "/" groups[i] "/" what ".max")
		w = x + 0 > w ? x + 0 : w
	}
	# By default a heap starts as one that holds nothing
	for (i = 1; i <= 3; i++) {
		if (mode == "once" && states[i] != "cold")
			continue
		x = get("search/" who "/" states[i] "/" what ".worst")
		w = x + 0 > w ? x + 0 : w
	}
	return w
}

function least_peer(n,    i, a, least)
{
	least = 0
	for (i = 1; i <= nr_peers; i++) {
		split(p_smallest[i], a, " ")
		if (!least || a[n] < least)
			least = a[n]
	}
	return least
}

function aims_size(n,    t, o, bare)
{
	t = "sensor-" n
	o = "smallest/O2/once/" t
	bare = get(o "/smallest") - get(o "/learning")
	verdict("smallest heap of " t " without learning, x live",
		ratio(bare, get(o "/live")), 1.13)
	verdict("  the same, 31 % under the textbook buddy", bare,
		int(0.69 * (n == 1 ? 96464 : 95696)))
	verdict("  the whole of it, below the best peer", get(o "/smallest"),
		least_peer(n))
	verdict("  robust, below the best peer", get(o "/robust"),
		n == 1 ? 69824 : 68240)
	verdict("  by default, step every 64",
		get("smallest/O2/step/" t "/smallest"), get(o "/smallest"))
	verdict("  by default, never a step",
		get("smallest/O2/held/" t "/smallest"), get(o "/smallest"))
}

function mean_ratio(names,    i, n, sum, o, list)
{
	n = split(names, list, " ")
	for (i = 1; i <= n; i++) {
		o = "smallest/O2/once/" list[i]
		sum += (get(o "/smallest") - get(o "/learning")) / \
		       (get(o "/live") + 0.0001)
	}
	return sprintf("%.3f", sum / n)
}

# Holding blocks is to cost no footprint: on which trace does it cost most
function aims_holding(    i, t, x, most, where)
{
	most = 0
	for (i = 1; i <= nr_traces; i++) {
		t = traces_[i]
		x = get("smallest/O2/step/" t "/robust") / \
		    (get("smallest/O2/once/" t "/robust") + 0.0001)
		if (x > most) {
			most = x
			where = t
		}
	}
	verdict("robust heap by default, x that at once, worst: " where,
		sprintf("%.3f", most), "1.000")
}

function aims_mean(who, mode, group, malloc, free, factor,    name)
{
	name = "cost/" who "/" mode "/" group
	verdict("-" who ", " mode_name(mode) ", " group ": mean malloc",
		get(name "/malloc.mean"), malloc)
	verdict("  mean free", get(name "/free.mean"), free)
	verdict("  fragmentation factor", get(name "/factor"), factor)
}

function aims_speed(who, mode, malloc, free, factor)
{
	aims_mean(who, mode, "sensor", malloc, free, factor)
	aims_mean(who, mode, "pipeline", malloc, free, factor)
	verdict("  worst malloc, workloads and search",
		worst("malloc", who, mode), 180)
	verdict("  worst free, workloads and search", worst("free", who, mode),
		180)
}

function most_of(a, b)
{
	return a + 0 > b + 0 ? a : b
}

function aims(    who)
{
	heading("What is aimed at")
	aims_size(1)
	aims_size(2)
	verdict("smallest without learning, x live, mean of the pipelines",
		mean_ratio(pipelines), 1.13)
	verdict("  mean of the real programs", mean_ratio(programs), 1.13)
	aims_holding()
	for (who = 1; who <= 2; who++) {
		aims_speed(levels[who], "once", 42, 45, 0.13)
		aims_speed(levels[who], "step", 34, 34, 0.16)
		aims_speed(levels[who], "held", 34, 34, 0.25)
	}
	verdict("flash at -Os, without learning",
		get("size/Os/plain/flash"), 3600)
	verdict("flash at -Os, with sampler and rule policy",
		get("size/Os/learning/flash"), 5120)
	verdict("static RAM", most_of(get("size/Os/plain/ram"),
				      get("size/Os/learning/ram")), 64)
	verdict("metadata of a heap of " heap " bytes",
		get("cost/O2/once/sensor/sensor-1/metadata"), int(0.04 * heap))
}

# --- reading -----------------------------------------------------------------

FNR == 1 { nr_files++ }

nr_files == 1 && !/^#/ && NF {
	split($0, field, / *\| */)
	peers[++nr_peers] = field[1]
	p_smallest[nr_peers] = field[2]
	p_robust[nr_peers] = field[3]
	p_malloc[nr_peers] = field[4]
	p_free[nr_peers] = field[5]
}

nr_files == 2 {
	key = $1
	sub(/^[^ ]* /, "")
	v[key] = $0
}

END {
	speed_widths = "-38 | 7 8 7 7 | 7 8 7 7 | 7 8 7 7 | 7 | 9"
	split("O2 Os", levels, " ")
	split("once step held", modes, " ")
	split("cold warm large", states, " ")
	split("16 KB, nothing held|16 KB, learned, may hold|" \
	      "128 KB, learned, may hold", state_name, "|")
	split("malloc free", calls, " ")
	nr_libs = split("newlib nano picolibc heap4 tlsf", libs, " ")
	nr_groups = split(groups_, groups, " ")
	nr_traces = split(traces, traces_, " ")
	speed()
	grades()
	workloads("O2")
	workloads("Os")
	smallest()
	full()
	search()
	masked()
	sizes()
	aims()
}
