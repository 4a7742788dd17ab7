# SPDX-License-Identifier: MIT
#
# heaps.awk - the table of heaps.sh, behind text.awk. Lines are NAME TRACE SMALLEST-HEAP
# INSTRUCTIONS-A-CALL THE-SAME-WITH-STEPS; learned, left_out and pairs are words.

{
	if (!($1 in seen)) {
		seen[$1]
		names[++nr] = $1
	}
	heap[$1, $2] = $3
	calls[$1, $2] = $4
	steps[$1, $2] = $5
}

function is_fixed(name)
{
	return name ~ /:/
}

# As small a heap as with the rule, to 2 %
function is_safe_on(name, trace)
{
	return (name, trace) in heap && \
	       heap[name, trace] <= 1.02 * heap["rule", trace]
}

function is_safe(name, list, nr_list,    i)
{
	for (i = 1; i <= nr_list; i++)
		if (!is_safe_on(name, list[i]))
			return 0
	return 1
}

# M^w T^(1-w) over that of another setting, logarithm
function cost(name, base, trace, w, with_steps,    t, b)
{
	t = with_steps ? steps[name, trace] : calls[name, trace]
	b = with_steps ? steps[base, trace] : calls[base, trace]
	return w * log(heap[name, trace] / heap[base, trace]) + \
	       (1 - w) * log(t / b)
}

function mean(name, base, list, nr_list, w, with_steps,    i, sum)
{
	for (i = 1; i <= nr_list; i++)
		sum += cost(name, base, list[i], w, with_steps)
	return exp(sum / nr_list)
}

function worst(name, base, list, nr_list,    i, x, most)
{
	for (i = 1; i <= nr_list; i++) {
		x = exp(cost(name, base, list[i], 0.5, 1))
		if (x > most)
			most = x
	}
	return most
}

function completes(name, list, nr_list,    i)
{
	for (i = 1; i <= nr_list; i++)
		if (!((name, list[i]) in heap))
			return 0
	return 1
}

# The cheapest safe setting on some traces
function best_of(list, nr_list,    i, x, best, least)
{
	for (i = 1; i <= nr; i++) {
		if (!is_fixed(names[i]) || !is_safe(names[i], list, nr_list))
			continue
		x = mean(names[i], "rule", list, nr_list, 0.5, 1)
		if (!best || x < least) {
			best = names[i]
			least = x
		}
	}
	return best
}

function put(title, name,    at)
{
	if (!completes(name, out, nr_out)) {
		printf "%-30s does not complete each of them\n", title
		return
	}
	printf "%-30s%7.3f%7.3f%7.3f%7.3f%7.3f%7.3f |%7.3f%7.3f%7.3f%7.3f\n", \
		title, mean(name, best, out, nr_out, 1, 0), \
		mean(name, best, out, nr_out, 0, 1), \
		mean(name, best, out, nr_out, 0.3, 1), \
		mean(name, best, out, nr_out, 0.5, 1), \
		mean(name, best, out, nr_out, 0.7, 1), \
		worst(name, best, out, nr_out), \
		mean(name, best, out, nr_out, 0, 0), \
		mean(name, best, out, nr_out, 0.3, 0), \
		mean(name, best, out, nr_out, 0.5, 0), \
		mean(name, best, out, nr_out, 0.7, 0)
}

# Each trace as if its best safe setting had been known
function put_oracle(    i, k, x, least, sum, one)
{
	for (i = 1; i <= nr_out; i++) {
		one[1] = out[i]
		x = best_of(one, 1)
		for (k = 1; k <= 3; k++)
			sum[k] += cost(x, best, out[i], 0.1 + 0.2 * k, 1)
	}
	printf "%-30s%7s%7s%7.3f%7.3f%7.3f\n", "the best safe one of each", "", "", \
		exp(sum[1] / nr_out), exp(sum[2] / nr_out), exp(sum[3] / nr_out)
}

function put_tuned(    n, i, p, pair, one, x, sum, rules, most)
{
	n = split(pairs, p, " ")
	for (i = 1; i <= n; i++) {
		split(p[i], pair, ",")
		one[1] = pair[1]
		x = best_of(one, 1)
		if (!x || !((x, pair[2]) in heap))
			x = "rule"
		sum += cost(x, best, pair[2], 0.5, 1)
		rules += cost("rule", best, pair[2], 0.5, 1)
		x = exp(cost(x, best, pair[2], 0.5, 1))
		most = x > most ? x : most
	}
	printf "\nTuned on a first input of %d programs, J (w 0.5) on a second: " \
	       "%.3f of that setting, worst %.3f;\nthe rule there %.3f. Settings " \
	       "that were tried: %d, safe: %d.\n", n, exp(sum / n), most, \
	       exp(rules / n), nr_fixed, nr_safe
}

END {
	nr_learned = split(learned, from, " ")
	nr_out = split(left_out, out, " ")
	best = best_of(from, nr_learned)
	if (!best)
		exit 1
	for (i = 1; i <= nr; i++) {
		nr_fixed += is_fixed(names[i])
		nr_safe += is_fixed(names[i]) && \
			   is_safe(names[i], from, nr_learned)
	}
	heading("Heaps in firmware at half as much again as is live at the peak, " \
		"by QEMU, over the fixed setting that\nis best on other programs " \
		"and safe there. M is the smallest heap, T instructions with a " \
		"step every 64\ncalls, J = M^w T^(1-w), the worst program at " \
		"w 0.5; behind the line the same without steps, which\na device " \
		"takes when it is idle. Eight programs left out.")
	printf "%-30s%7s%7s%7s%7s%7s%7s |%7s%7s%7s%7s\n", "", "M", "T", \
		"w 0.3", "w 0.5", "w 0.7", "worst", "T", "w 0.3", "w 0.5", \
		"w 0.7"
	put(best, best)
	put("held_part:24,roomy_part:4", "held_part:24,roomy_part:4")
	put("rule", "rule")
	put("bandit", "bandit")
	put("dqn", "dqn")
	put_oracle()
	put_tuned()
	heading("Each program left out, J at w 0.5 with steps, and without")
	printf "%-30s%7s%7s%7s |%7s%7s%7s\n", "", "rule", "bandit", "dqn", \
		"rule", "bandit", "dqn"
	for (i = 1; i <= nr_out; i++)
		printf "%-30s%7.3f%7.3f%7.3f |%7.3f%7.3f%7.3f\n", out[i], \
			exp(cost("rule", best, out[i], 0.5, 1)), \
			exp(cost("bandit", best, out[i], 0.5, 1)), \
			exp(cost("dqn", best, out[i], 0.5, 1)), \
			exp(cost("rule", best, out[i], 0.5, 0)), \
			exp(cost("bandit", best, out[i], 0.5, 0)), \
			exp(cost("dqn", best, out[i], 0.5, 0))
}
