# SPDX-License-Identifier: MIT
#
# inputs.bash - what the files of this directory are, and the inputs they share.
#
# A file NAME.sh opens with a line that says which work the program does and, where
# it allocates less than 100 000 times, why. It sets
#
#	needs	the commands without which it is skipped (default: NAME)
#	counts	names of the processes whose allocations count, as the kernel has them,
#		cut to 15 characters (default: needs)
#	allocs	how many allocations they make at least (default: 100000)
#	limit	seconds after which a run is ended (default: 60)
#	status	the exit status that is expected (default: 0)
#
# and defines
#
#	prepare	makes the inputs, without the library, in $IN
#	run	the work, in an empty directory; everything in it is preloaded
#	verify	prints what there is to say about the files that run() left
#
# prepare and verify are optional. All three run in a shell of their own with an
# empty environment; HOME and TMPDIR are the test's own. What they print must be the
# same each time: no addresses, times, process numbers or temporary names.

# numbers COUNT [SEED] - pseudo-random numbers below 2^31, one a line
numbers()
{
	awk -v n="$1" -v x="${2:-1}" 'BEGIN {
		while (n-- > 0) {
			x = (x * 16807) % 2147483647
			printf "%d\n", x
		}
	}'
}

# words COUNT [SEED] - words of 3 to 10 letters, one a line, some of them often
words()
{
	awk -v n="$1" -v x="${2:-1}" 'BEGIN {
		split("ba ce di fo gu ka le mi no pu ra se ti vo wu", part, " ")
		while (n-- > 0) {
			x = (x * 16807) % 2147483647
			r = x
			word = substr("xyz", r % 4, 1)
			for (i = r % 7 % 4; i >= 0; i--) {
				r = int(r / 16)
				word = word part[r % 15 + 1]
			}
			print word r % 10
		}
	}'
}

# text LINES [SEED] - the same as prose, ten words a line
text()
{
	words $(($1 * 10)) "${2:-1}" | paste -d ' ' - - - - - - - - - -
}

# c_source FUNCTIONS - a C file of as many different functions, and main
c_source()
{
	awk -v n="$1" 'BEGIN {
		print "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>"
		for (i = 0; i < n; i++) {
			printf "struct s%d { int a[%d]; struct s%d *next; double d; };\n", i, i % 7 + 1, i
			printf "static int f%d(struct s%d *s, int n)\n{\n\tint i, sum = %d;\n\n", i, i, i
			printf "\tfor (i = 0; i < n; i++) {\n\t\ts->a[i %% %d] += i * %d;\n", i % 7 + 1, i + 3
			printf "\t\tswitch (i %% 5) {\n"
			for (j = 0; j < 4; j++)
				printf "\t\tcase %d: sum += s->a[%d] ^ %d; break;\n", j, (i + j) % (i % 7 + 1), i * j
			printf "\t\tdefault: s->d += sum / %d.0;\n\t\t}\n\t}\n", i + 1
			if (i)
				printf "\tif (sum & 1)\n\t\tsum += f%d((struct s%d *)s, n / 2);\n", i - i % 3 - (i % 3 == 0), i - i % 3 - (i % 3 == 0)
			printf "\treturn sum + (int)s->d;\n}\n\n"
		}
		print "int main(void)\n{\n\tunsigned int sum = 0;\n\tvoid *p = calloc(1, 4096);\n"
		for (i = 0; i < n; i++)
			printf "\tsum = sum * 31 + f%d(p, %d);\n", i, i % 50
		print "\tprintf(\"%u\\n\", sum);\n\tfree(p);\n\treturn 0;\n}"
	}'
}

# cxx_source CLASSES - a C++ file of containers, templates, exceptions and threads
cxx_source()
{
	awk -v n="$1" 'BEGIN {
		split("algorithm functional iostream map memory set sstream string thread unordered_map vector", header, " ")
		for (i = 1; i in header; i++) printf "#include <%s>\n", header[i]
		print "template <int N> struct shape {"
		print "\tstd::map<std::string, std::vector<int>> m; std::unordered_map<int, std::string> u;"
		print "\tint fill(int n) { for (int i = 0; i < n; i++) { auto k = std::to_string(i * N % 257);"
		print "\t\tm[k].push_back(i); u[i % 61] += k; if (u[i % 61].size() > 40) u.erase(i % 61); }"
		print "\t\tint s = 0; for (auto &e : m) s += e.second.size() * e.first.size(); return s + u.size(); } };"
		for (i = 1; i <= n; i++) {
			printf "struct base%d { virtual ~base%d() = default; virtual int f(int) const = 0; };\n", i, i
			printf "struct derived%d : base%d { std::set<long> s; std::function<int(int)> g = [this](int x) { return x + (int)s.size(); };\n", i, i
			printf "\tint f(int n) const override { if (n %% 13 == %d) throw std::string(\"odd\"); return g(n); } };\n", i % 13
			printf "static int use%d() { auto d = std::make_unique<derived%d>(); int t = 0; for (int i = 0; i < 300; i++) { d->s.insert(i * %d %% 97);\n", i, i, i
			printf "\ttry { t += d->f(i); } catch (const std::string &e) { t -= e.size(); } } return t + shape<%d>().fill(400); }\n", i
		}
		print "int main() { std::vector<std::thread> t; std::vector<int> r(4);"
		print "\tfor (int k = 0; k < 4; k++) t.emplace_back([&r, k] {"
		for (i = 1; i <= n; i++) printf "\t\tif (%d %% 4 == k) r[k] += use%d();\n", i, i
		print "\t}); for (auto &x : t) x.join(); std::ostringstream o; for (int x : r) o << x << \" \"; std::cout << o.str() << std::endl; }"
	}'
}
