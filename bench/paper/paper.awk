# SPDX-License-Identifier: MIT
#
# paper.awk - the tables of make paper from lines "SYSTEM SEED KEY VALUE". What the
# systems' differences come to is computed here, nothing is known beforehand but what
# the paper says. Writes "SYSTEM KB INSTRUCTIONS" to the file in points. Behind text.awk.

function mean(sysname, key,    i, sum)
{
	for (i = 1; i <= nr_seeds; i++)
		sum += value[sysname, seeds[i], key]
	return sum / nr_seeds
}

function deviation(sysname, key,    i, m, sum)
{
	m = mean(sysname, key)
	for (i = 1; i <= nr_seeds; i++)
		sum += (value[sysname, seeds[i], key] - m) ^ 2
	return sqrt(sum / (nr_seeds - 1))
}

function most(sysname, key,    i, m)
{
	for (i = 1; i <= nr_seeds; i++)
		if (value[sysname, seeds[i], key] + 0 > m)
			m = value[sysname, seeds[i], key] + 0
	return m
}

# Student's t of the differences of the trials, which have the same seeds
function t_of(a, b, key,    i, d, m, sum)
{
	for (i = 1; i <= nr_seeds; i++)
		m += (value[b, seeds[i], key] - value[a, seeds[i], key]) / nr_seeds
	for (i = 1; i <= nr_seeds; i++) {
		d = value[b, seeds[i], key] - value[a, seeds[i], key]
		sum += (d - m) ^ 2
	}
	if (sum == 0)
		return m == 0 ? 0 : 1e6
	return m / sqrt(sum / (nr_seeds - 1) / nr_seeds)
}

function has_all(sysname, key,    i)
{
	for (i = 1; i <= nr_seeds; i++)
		if (!((sysname, seeds[i], key) in value))
			return 0
	return nr_seeds > 0
}

# A trial of a system that ran out of memory did other work: nothing is compared
function completes(sysname,    i)
{
	for (i = 1; i <= nr_seeds; i++)
		if (value[sysname, seeds[i], "fits"] != 1)
			return 0
	return 1
}

function verdict(a, b, key,    t)
{
	t = t_of(a, b, key)
	t = t < 0 ? -t : t
	# Two-sided, 5 %, four degrees of freedom
	if (nr_seeds != 5)
		return "?"
	return t > 2.776 ? "yes" : "no"
}

function change(a, b, key)
{
	return 100 * (mean(b, key) - mean(a, key)) / mean(a, key)
}

function spread(sysname, key, scale, format)
{
	return sprintf(format, mean(sysname, key) * scale) "| +-" \
	       sprintf(format, deviation(sysname, key) * scale)
}

# @was, @became, @saved: what the paper has for buddy and for its own, and for both
function put_measure(label, key, scale, format, was, became, saved)
{
	row(founding_widths, label "|" spread("buddy", key, scale, format) "|" \
	    spread("quern", key, scale, format) "|" \
	    sprintf("%+.1f %%", change("buddy", "quern", key)) "|" \
	    verdict("buddy", "quern", key) "|" \
	    (was ? sprintf("   %5s -> %-5s %6s %%", was, became, saved) : ""))
}

function add_pairs(    s, i)
{
	for (s in is_system)
		for (i = 1; i <= nr_seeds; i++)
			value[s, seeds[i], "pair"] = \
				value[s, seeds[i], "malloc.mean"] + \
				value[s, seeds[i], "free.mean"]
}

function check_sums(    s, i)
{
	for (s in is_system)
		for (i = 1; i <= nr_seeds; i++)
			if (value[s, seeds[i], "fits"] == 1 && \
			    value[s, seeds[i], "checksum"] != \
			    value["buddy", seeds[i], "checksum"]) {
				print s ": another checksum than buddy's" \
					> "/dev/stderr"
				exit 1
			}
}

function founding()
{
	print "The founding experiment: a sensor pipeline, 60 KB live at peak, on the"
	print "STM32F407 in QEMU; buddy against quern, " nr_seeds \
	      " trials (seeds), the same trials for both"
	print ""
	founding_widths = "-24 8 -10 8 -10 9 5 0"
	row(founding_widths, "|buddy|   sd|quern|   sd|change|real|   the paper")
	put_measure("footprint, KB", "footprint", 1 / 1024, "%.1f", 145, 120, "-17.2")
	put_measure("malloc, instructions", "malloc.mean", 1, "%.1f")
	put_measure("malloc, us at 168 MHz *", "malloc.mean", 1 / 168, "%.3f", 1.2, 1.08, "-10.2")
	put_measure("free, instructions", "free.mean", 1, "%.1f")
	put_measure("malloc and free", "pair", 1, "%.1f")
	put_measure("fragmentation factor", "factor", 1, "%.3f", 0.35, 0.22, "-37.1")
	print ""
	print "* instructions over 168 MHz, one a cycle: they are counted, cycles are not."
	print "real: the difference exceeds its spread (paired t test, 5 %, four degrees)."
	print "footprint: the smallest heap that the trial completes in, all metadata inside."
	print "fragmentation factor: mean of 1 - largest free / all free, in 112 KB."
	verdicts()
}

function say(better, what, key,    c)
{
	c = change("buddy", "quern", key)
	printf "  %s: quern is %.1f %% %s than buddy\n", what, c < 0 ? -c : c, \
		c < 0 ? better[1] : better[2]
}

function verdicts(    w)
{
	print ""
	print "In words:"
	split("smaller larger", w, " ")
	say(w, "footprint", "footprint")
	split("faster slower", w, " ")
	say(w, "malloc", "malloc.mean")
	say(w, "malloc and free", "pair")
	split("lower higher", w, " ")
	say(w, "fragmentation factor", "factor")
	print ""
	print "Why the figures differ from the paper's. Its application, its buddy_alloc (a"
	print "Rust crate) and its clock are not published. 145 KB do not fit into the 128 KB"
	print "of SRAM, so it had CCM too, or counted all memory of the application; here it is"
	printf "the heap alone. Its 1.2 us are %.0f cycles; Knuth's algorithms take %.0f\n", \
		1.2 * 168, mean("buddy", "malloc.mean")
	print "instructions here. Whatever the rest was (a lock, a header, a search, or the"
	print "emulator's own clock), it is not there to be saved."
	if (change("buddy", "quern", "malloc.mean") > 0)
		print "So the time that the paper saves is not found again."
	print "(1.2 to 1.08 are -10.0 %; the -10.2 % are the paper's.)"
}

function larger(    ccm, s, r)
{
	print ""
	ccm = value["board", 0, "ccm"] + 0
	printf "The paper's size: %d KB live at peak, over 64 KB of CCM and as much SRAM as\n", \
		value["board", 0, "scale"]
	if (ccm)
		print "it takes; on the STM32F407"
	else
		print "it takes. This emulator's STM32F407 has no CCM (QEMU 10 has it); so on an" \
		      "\nMPS2 board of the same core, whose memory is laid out alike"
	print ""
	for (s = 1; s <= 2; s++) {
		r = s == 1 ? "buddy" : "quern"
		if (!has_all(r "+ccm", "footprint"))
			continue
		printf "  %-8s %6.1f KB +- %.1f\n", r, \
			64 + mean(r "+ccm", "footprint") / 1024, \
			deviation(r "+ccm", "footprint") / 1024
	}
	if (has_all("buddy+ccm", "footprint") && has_all("quern+ccm", "footprint"))
		printf "  quern takes %+.1f %%; the paper: 145 -> 120 KB, -17.2 %%\n", \
			100 * ((65536 + mean("quern+ccm", "footprint")) / \
			(65536 + mean("buddy+ccm", "footprint")) - 1)
}

function kb(sysname,    i)
{
	for (i = 1; i <= nr_seeds; i++)
		if (!value[sysname, seeds[i], "footprint"])
			return "> 114"
	return sprintf("%.1f", mean(sysname, "footprint") / 1024)
}

function engines(    list, nr, i, s, widths)
{
	print ""
	print "All of them, the same trials: means of " nr_seeds " seeds, max over all"
	print ""
	widths = "-13 9 10 6 10 6 14 0"
	row("-12 10 16 16 14", "|footprint|malloc|free|fragmentation")
	row(widths, "|KB|mean|max|mean|max|factor")
	nr = split("quern quern-fixed buddy buddy_fast buddy_fast+wait freelist " \
		   "per_size boundary newlib nano picolibc", list, " ")
	for (i = 1; i <= nr; i++) {
		s = list[i]
		if (!has_all(s, "malloc.mean"))
			continue
		row(widths, title(s) "|" \
		    (has_all(s, "footprint") ? kb(s) : "") "|" \
		    sprintf("%.1f|%d|%.1f|%d|", mean(s, "malloc.mean"), \
			    most(s, "malloc.max"), mean(s, "free.mean"), \
			    most(s, "free.max")) \
		    (has_all(s, "factor") ? \
			sprintf("%.3f", mean(s, "factor")) : "-") "|" \
		    (completes(s) ? "" : "  (112 KB were not enough)"))
		if (has_all(s, "footprint") && completes(s) && kb(s) !~ />/)
			printf "%s %.3f %.3f\n", s, \
				mean(s, "footprint") / 1024, mean(s, "pair") \
				> points
	}
	print ""
	print "quern/never: qn_heap_step() is never called. buddy_fast/apart: what an allocation"
	print "puts off is done between two requests, and not counted. -: it does not tell."
	print "per_size's footprint was found on a board with more memory; it is what the blocks of"
	print "each size come to that were live at once, added up."
	losses()
}

function title(s)
{
	return s == "quern-fixed" ? "quern/never" : \
	       s == "buddy_fast+wait" ? "buddy_f/apart" : s
}

function score(s, key)
{
	return key ~ /max$/ ? most(s, key) : mean(s, key)
}

function loss(what, key, format,    i, s, list)
{
	for (i = 1; i <= nr_systems; i++) {
		s = systems[i]
		if (has_all(s, key) && completes(s) && s !~ /^(quern|rust_)/ && \
		    score(s, key) > 0 && score(s, key) < score("quern", key))
			list = listed(list, title(s) " " \
				sprintf(format, score(s, key)))
	}
	put_better(what, "quern", sprintf(format, score("quern", key)), list)
}

function losses()
{
	print ""
	print "Who is better than quern:"
	loss("footprint, bytes", "footprint", "%d")
	loss("malloc, mean instructions", "malloc.mean", "%.1f")
	loss("malloc, max instructions", "malloc.max", "%d")
	loss("free, mean instructions", "free.mean", "%.1f")
	loss("free, max instructions", "free.max", "%d")
}

function put_wait(label, sysname)
{
	row(waits_widths, label "|" sprintf("%.1f|%d|%.1f", \
		mean(sysname, "malloc.mean"), most(sysname, "malloc.max"), \
		most(sysname, "malloc.max") / mean(sysname, "malloc.mean")))
}

function waits(    i, nr, sum, nr_w, nr_gaps, early, calls, share, find, mx)
{
	for (i = 1; i <= nr_seeds; i++) {
		nr_w += value["buddy_fast+wait", seeds[i], "wait.nr"]
		sum += value["buddy_fast+wait", seeds[i], "wait.sum"]
		calls += value["buddy_fast+wait", seeds[i], "malloc.nr"]
		nr_gaps += value["buddy_fast+wait", seeds[i], "gap.nr"]
		early += value["buddy_fast+wait", seeds[i], "early"]
	}
	waits_widths = "-42 8 8 8"
	mx = most("buddy_fast+wait", "wait.max")
	share = sum / calls
	print ""
	print "Fast Find and Fast Return (Donahue and others, 2002), the same trials"
	print ""
	row(waits_widths, "an allocation, instructions|mean|worst|ratio")
	put_wait("reference: find, wait, return", "buddy")
	put_wait("Fast Find and Fast Return, wait apart", "buddy_fast+wait")
	row(waits_widths, sprintf("the wait, over all allocations|%.1f|%d", \
				  share, mx))
	row(waits_widths, sprintf("so: Fast Find alone, wait inside|%.1f|<= %d", \
		mean("buddy_fast+wait", "malloc.mean") + share, \
		most("buddy_fast+wait", "malloc.max") + mx))
	row(waits_widths, sprintf("so: Fast Return alone, Knuth's find|%.1f", \
		mean("buddy", "malloc.mean") - share))
	print ""
	printf "%.1f %% of the allocations split a block, a wait of %.1f instructions on average.\n", \
		100 * nr_w / calls, sum / nr_w
	printf "Between two calls the application executes %d instructions on average, %d at least;\n", \
		mean("buddy_fast+wait", "gap.mean"), least_gap()
	printf "%.3f %% of the calls (%d of %d) come before the wait is over.\n", \
		100 * early / nr_gaps, early, nr_gaps
	printf "Where nothing is done between two calls, the next one pays: %.1f on average, %d at worst.\n", \
		mean("buddy_fast", "malloc.mean"), most("buddy_fast", "malloc.max")
	print "(The talk: the average suffers a little for Fast Find, the worst case improves"
	print "significantly; in C programs no request comes before the wait is over.)"
}

function put_rust(label, key, scale, format,    s, i, line, whom)
{
	split("rust_buddy rust_boundary", whom, " ")
	line = label "|" spread("rust_quern", key, scale, format)
	for (i = 1; i <= 2; i++) {
		s = whom[i]
		line = line "|" spread(s, key, scale, format) "|" \
		       sprintf("%+.1f %%", change(s, "rust_quern", key)) "|" \
		       verdict(s, "rust_quern", key)
	}
	row(rust_widths, line)
}

function kb_at_peak(sysname)
{
	return mean(sysname, "peak") / 1024
}

function in_rust()
{
	print ""
	print "The same pipeline in Rust, of Vec, VecDeque, BTreeMap, String and Box: quern against"
	print "the buddy system and boundary tags; the same trials, and the same checksums as in C"
	print ""
	if (!completes("rust_buddy") || !completes("rust_boundary")) {
		print "Nothing is compared: a trial ran out of memory."
		return
	}
	rust_widths = "-22 7 -8 8 -8 9 5 8 -8 9 5"
	row("-22 -15 -30 0", "|  quern|   buddy; quern to it|   boundary; quern to it")
	row(rust_widths, "|mean|   sd|mean|   sd|change|real|mean|   sd|change|real")
	put_rust("footprint, KB", "footprint", 1 / 1024, "%.1f")
	put_rust("malloc, instructions", "malloc.mean", 1, "%.1f")
	put_rust("free, instructions", "free.mean", 1, "%.1f")
	put_rust("malloc and free", "pair", 1, "%.1f")
	put_rust("fragmentation factor", "factor", 1, "%.3f")
	print ""
	printf "%.1f KB live at peak in %d blocks, as Rust asks for them (%.1f KB in %d in C);\n", \
		kb_at_peak("rust_quern"), mean("rust_quern", "blocks"), \
		kb_at_peak("quern"), mean("quern", "blocks")
	printf "%d malloc and %d free a trial (%d and %d in C).\n", \
		mean("rust_quern", "malloc.nr"), mean("rust_quern", "free.nr"), \
		mean("quern", "malloc.nr"), mean("quern", "free.nr")
	print "Calls and factors in 114 KB. Of a buddy system more memory may make a trial fail: its"
	print "footprint is the least that halving found."
}

function least_gap(    i, m)
{
	m = 1e9
	for (i = 1; i <= nr_seeds; i++)
		if (value["buddy_fast+wait", seeds[i], "gap.min"] + 0 < m)
			m = value["buddy_fast+wait", seeds[i], "gap.min"] + 0
	return m
}

{
	value[$1, $2, $3] = $4
	if ($1 == "board")
		next
	if ($3 == "malloc.mean" && !is_system[$1]++)
		systems[++nr_systems] = $1
	if ($1 == "buddy" && $3 == "malloc.mean")
		seeds[++nr_seeds] = $2
}
END {
	if (nr_seeds < 2 || !has_all("quern", "malloc.mean")) {
		print "no trials of buddy and quern" > "/dev/stderr"
		exit 1
	}
	add_pairs()
	check_sums()
	founding()
	larger()
	engines()
	if (has_all("buddy_fast+wait", "malloc.mean"))
		waits()
	if (has_all("rust_quern", "malloc.mean"))
		in_rust()
}
