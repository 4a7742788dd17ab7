# SPDX-License-Identifier: MIT
#
# quern.3.awk - the manual page quern(3) out of the comments of quern.h.
#
#	awk -v version=0.1.0 -f quern.3.awk quern.h >quern.3
#	awk -v names=1 -f quern.3.awk quern.h		functions and macros, a line each
#
# A comment that begins with two stars says what stands behind it: "name() - what it does",
# arguments, paragraphs, "Context:", "Return:". Lines behind a tab are code.

# --- troff ---

# Identifiers stand out: @argument, %CONSTANT, function()
function marked(text,    done, word, rest)
{
	gsub(/\\/, "\\e", text)
	while (match(text, /@[a-z_]+|%[A-Z_0-9]+|[A-Za-z_][A-Za-z_0-9]*\(\)/)) {
		word = substr(text, RSTART, RLENGTH)
		rest = substr(text, RSTART + RLENGTH)
		done = done substr(text, 1, RSTART - 1)
		if (word ~ /^@/)
			done = done "\\fI" substr(word, 2) "\\fR"
		else if (word ~ /^%/)
			done = done "\\fB" substr(word, 2) "\\fR"
		else
			done = done "\\fB" substr(word, 1, length(word) - 2) "\\fR()"
		text = rest
	}
	text = done text
	gsub(/-/, "\\-", text)
	return text
}

function put_line(text)
{
	print (text ~ /^[.']/ ? "\\&" : "") text
}

# In lines of which none is long
function put(text,    nr, i, word, line)
{
	nr = split(marked(text), word, " ")
	for (i = 1; i <= nr; i++) {
		if (line != "" && length(line) + length(word[i]) > 76) {
			put_line(line)
			line = ""
		}
		line = line (line == "" ? "" : " ") word[i]
	}
	put_line(line)
}

# An identifier at its start stays as it is
function sentence(text)
{
	if (text !~ /^[A-Za-z]+[_(]/)
		text = toupper(substr(text, 1, 1)) substr(text, 2)
	return text (text ~ /[.:]$/ ? "" : ".")
}

# Paragraphs with newlines between them; those of code begin with a tab. The first one of a
# section has no macro in front of it.
function put_paragraphs(text, is_first,    nr, i, part, in_code)
{
	nr = split(text, part, "\n")
	for (i = 1; i <= nr; i++) {
		if (part[i] ~ /^\t/ && !in_code)
			print ".IP\n.nf"
		else if (part[i] !~ /^\t/ && in_code)
			print ".fi"
		in_code = part[i] ~ /^\t/
		if (in_code)
			put_line(marked(substr(part[i], 2)))
		else if (part[i] != "") {
			if (!is_first)
				print ".PP"
			put(part[i])
			is_first = 0
		}
	}
	if (in_code)
		print ".fi"
}

# A declaration in lines that are not too long
function put_declaration(text,    line, nr, i, word)
{
	gsub(/[ \t]+/, " ", text)
	gsub(/ $/, "", text)
	nr = split(text, word, /, /)
	for (i = 1; i <= nr; i++) {
		word[i] = word[i] (i < nr ? "," : "")
		if (length(line) + length(word[i]) > 66) {
			print ".B \"" line "\""
			line = "   "
		}
		line = line (line == "" ? "" : " ") word[i]
	}
	print ".B \"" line "\""
}

# --- comments ---

function begin()
{
	n++
	state = "brief"
}

function add(what, text)
{
	return what == "" ? text : what " " text
}

function take_head(line,    at)
{
	at = index(line, " - ")
	if (line ~ /^DOC: /) {
		kind[n] = "doc"
		return
	}
	name[n] = at ? substr(line, 1, at - 1) : line
	brief[n] = at ? substr(line, at + 3) : ""
	kind[n] = name[n] ~ /^(struct|enum) / ? "type" : "value"
	if (name[n] ~ /\(\)$/)
		kind[n] = "function"
	sub(/\(\)$/, "", name[n])
}

function take_argument(line,    at)
{
	state = "argument"
	at = index(line, ":")
	nr_args[n]++
	arg[n, nr_args[n]] = substr(line, 2, at - 2)
	line = substr(line, at + 1)
	sub(/^[ \t]+/, "", line)
	told[n, nr_args[n]] = line
}

# A line of a comment without its star
function take(line)
{
	if (line == "") {
		if (state == "body" && body[n] != "")
			body[n] = body[n] "\n"
		is_new = 1
		state = "body"
		return
	}
	if (line ~ /^@[a-z_]+:/ && state != "body") {
		take_argument(line)
		return
	}
	if (line ~ /^Context/) {
		state = "context"
		sub(/^Context[a-z, ]*: */, "", line)
	} else if (line ~ /^Return: /) {
		state = "return"
		sub(/^Return: */, "", line)
	}
	if (state == "brief" && name[n] == "" && kind[n] == "")
		take_head(line)
	else if (state == "brief") {
		sub(/^[ \t]+/, "", line)
		brief[n] = add(brief[n], line)
	} else if (state == "argument") {
		sub(/^[ \t]+/, "", line)
		told[n, nr_args[n]] = add(told[n, nr_args[n]], line)
	} else if (state == "context")
		context[n] = add(context[n], line)
	else if (state == "return")
		result[n] = add(result[n], line)
	else if (line ~ /^\t/)
		body[n] = body[n] (body[n] == "" || body[n] ~ /\n$/ ? "" : "\n") line "\n"
	else if (body[n] ~ /\n$/ || body[n] == "")
		body[n] = body[n] line
	else
		body[n] = body[n] " " line
}

/^\/\*\*/ {
	begin()
	if ($0 ~ /\*\/$/) {
		line = $0
		sub(/^\/\*\* */, "", line)
		sub(/ *\*\/$/, "", line)
		take(line)
		wants = 1
	} else
		in_doc = 1
	next
}

in_doc && /^ \*\// {
	in_doc = 0
	wants = kind[n] != "doc"
	next
}

in_doc {
	line = $0
	sub(/^ \* ?/, "", line)
	take(line)
	next
}

# --- what stands behind them ---

wants && /^#define/ {
	line = $0
	sub(/^#define +/, "", line)
	if (match(line, /^[A-Za-z_0-9]+\([a-z_, ]*\)/))
		declaration[n] = substr(line, 1, RLENGTH)
	wants = 0
	next
}

wants && kind[n] == "type" {
	if ($0 ~ /^[ \t]+QN_/) {
		line = $0
		sub(/^[ \t]+/, "", line)
		sub(/,? *\/\* */, ": ", line)
		sub(/ *\*\/$/, "", line)
		at = index(line, ": ")
		arg[n, ++nr_args[n]] = substr(line, 1, at - 1)
		told[n, nr_args[n]] = substr(line, at + 2)
	}
	if ($0 ~ /^};/)
		wants = 0
	next
}

wants && $0 != "" {
	line = $0
	sub(/^static inline /, "", line)
	declaration[n] = add(declaration[n], line)
	if (line ~ /;$/)
		wants = 0
}

wants && /^[{]/ {
	wants = 0
	sub(/ *[{].*/, ";", declaration[n])
}

# --- the page ---

function family_of(i,    at)
{
	at = name[i]
	sub(/^(struct|enum) /, "", at)
	if (at ~ /^(qn_pool|QN_POOL)/)
		return 2
	if (at ~ /^(qn_arena|qn_array|QN_ARRAY)/)
		return 3
	if (at ~ /^(qn_heap|qn_pressure|qn_zone|qn_brief|qn_census|qn_state$|QN_|qn_stats$)/)
		return 1
	return 4
}

function is_callable(i)
{
	return kind[i] == "function" || declaration[i] ~ /\(/
}

function put_synopsis(family,    i)
{
	print ".SS " title[family]
	print ".nf"
	for (i = 1; i <= n; i++)
		if (family_of(i) == family && declaration[i] != "" && is_callable(i))
			put_declaration(declaration[i])
	print ".fi"
}

function put_entry(i,    k)
{
	print ".TP"
	if (is_callable(i))
		print ".BR " name[i] " ()"
	else
		print ".B " name[i]
	put(sentence(brief[i]))
	if (!nr_args[i] && body[i] == "")
		return
	print ".RS"
	for (k = 1; k <= nr_args[i]; k++) {
		print ".TP"
		print (kind[i] == "type" ? ".B " : ".I ") arg[i, k]
		put(sentence(told[i, k]))
	}
	put_paragraphs(body[i], 0)
	print ".RE"
}

function put_family(family,    i)
{
	print ".SS " title[family]
	for (i = 1; i <= n; i++)
		if (kind[i] != "doc" && family_of(i) == family)
			put_entry(i)
}

# What is told of each function, one after another
function put_each(heading, what,    i)
{
	print ".SH " heading
	for (i = 1; i <= n; i++)
		if (what[i] != "" && is_callable(i)) {
			print ".TP\n.BR " name[i] " ()"
			put(sentence(what[i]))
		}
}

# Error numbers in the texts of results, with the reasons in brackets behind them
function collect_errors(i,    text, code, why)
{
	text = result[i]
	while (match(text, /-?E[A-Z][A-Z]+/)) {
		code = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		sub(/^-/, "", code)
		why = ""
		if (match(text, /^ \([^)]*\)/))
			why = substr(text, 2, RLENGTH - 1)
		if (!(code in errors))
			codes[++nr_codes] = code
		errors[code] = errors[code] (errors[code] == "" ? "" : "; ") \
			       name[i] "()" (why == "" ? "" : " " why)
	}
}

function put_errors(    i, k, least, done)
{
	for (i = 1; i <= n; i++)
		collect_errors(i)
	print ".SH ERRORS"
	put("Functions that return int return a negative error number, such as -EINVAL." \
	    " Functions that return a pointer return NULL; of these only the ones of the" \
	    " process's heap set errno.")
	for (i = 1; i <= nr_codes; i++) {
		least = ""
		for (k = 1; k <= nr_codes; k++)
			if (!(codes[k] in done) && (least == "" || codes[k] < least))
				least = codes[k]
		done[least] = 1
		print ".TP\n.B " least
		put(sentence(errors[least]))
	}
}

function put_page(    i, list, f)
{
	print ".\\\" made by quern.3.awk out of quern.h"
	print ".TH QUERN 3 \"" date "\" \"quern " version "\" \"Library Functions Manual\""
	print ".SH NAME"
	for (i = 1; i <= n; i++)
		if (is_callable(i))
			list = list (list == "" ? "" : ", ") name[i]
	put(list " - heaps, pools and arenas of your own, and the heap of a process")
	print ".SH SYNOPSIS"
	print ".B #include <quern.h>"
	print ".PP"
	print "Programs are linked by"
	print ".BR \"pkg\\-config \\-\\-libs quern\" ."
	for (f = 1; f <= 4; f++)
		put_synopsis(f)
	print ".SH DESCRIPTION"
	for (i = 1; i <= n; i++)
		if (kind[i] == "doc")
			put_paragraphs(body[i], 1)
	for (f = 1; f <= 4; f++)
		put_family(f)
	put_each("RETURN VALUE", result)
	put_errors()
	put_each("CONTEXT", context)
	print ".SH SEE ALSO"
	print ".BR quern (1),"
	print ".BR malloc (3)"
}

END {
	title[1] = "Heaps of your own"
	title[2] = "Pools"
	title[3] = "Arenas"
	title[4] = "The heap of a process"
	if (!names)
		put_page()
	for (i = 1; names && i <= n; i++)
		if (is_callable(i))
			print name[i]
}
