# SPDX-License-Identifier: MIT
#
# inputs.bash - what the files of this directory are, and the inputs they share.
#
# A file NAME.sh opens with a line that says which work the program does and,
# where it allocates less than 100 000 times, why. It sets
#
#	needs	the commands without which it is skipped (default: NAME)
#	counts	names of the processes whose allocations count, as the kernel
#		has them, cut to 15 characters (default: needs)
#	allocs	how many allocations they make at least (default: 100000)
#	limit	seconds after which a run is ended (default: 120)
#	status	the exit status that is expected (default: 0)
#
# and defines
#
#	prepare	makes the inputs, without the library, in $IN
#	run	the work, in an empty directory; all in it is preloaded
#	verify	prints what there is to say about the files that run left
#
# prepare and verify are optional. All three run in a shell of their own with an
# empty environment; HOME and TMPDIR are the test's own. What they print must be
# the same each time: no addresses, times, process numbers, temporary names.
# Without the library, run must print something and must not complain on stderr.

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

# repeat COUNT - the standard input COUNT times, with @ replaced by 1, 2, ...
# and each [@*A%B] by that number times A modulo B
repeat()
{
	awk -v n="$1" '{ line[NR] = $0 } END {
		for (i = 1; i <= n; i++)
			for (j = 1; j <= NR; j++)
				print fill(line[j], i)
	}
	function fill(s, i,	part) {
		while (match(s, /\[@\*[0-9]+%[0-9]+\]/)) {
			split(substr(s, RSTART + 3, RLENGTH - 4), part, "%")
			s = substr(s, 1, RSTART - 1) i * part[1] % part[2] \
				substr(s, RSTART + RLENGTH)
		}
		gsub(/@/, i, s)
		return s
	}'
}

# c_source FUNCTIONS - a C file of as many functions, and main
c_source()
{
	echo '#include <stdio.h>'
	echo '#include <stdlib.h>'
	repeat "$1" <<-'END'
	struct s@ { int a[8]; struct s@ *next; double d; };
	static int f@(struct s@ *s, int n)
	{
		int i, sum = @;

		for (i = 0; i < n; i++) {
			s->a[i % 8] += i * [@*5%7];
			switch (i % 5) {
			case 0: sum += s->a[[@*3%8]] ^ @; break;
			case 1: sum -= s->a[[@*5%8]] * [@*9%13]; break;
			case 2: sum = s->a[0] + (sum << [@*2%5]); break;
			default: s->d += sum % 100 / @.0;
			}
		}
		if (!(sum & 1) && n > 1)
			sum += f@(s, n / 2);
		return sum % 1000 + (int)s->d;
	}

	END
	printf 'int main(void)\n{\n\tunsigned int sum = 0;\n'
	printf '\tvoid *p = calloc(1, 4096);\n\n'
	repeat "$1" <<<$'\tsum = sum * 31 + f@(p, [@*7%50]);'
	printf '\tprintf("%%u\\n", sum);\n\tfree(p);\n\treturn 0;\n}\n'
}

# cxx_source CLASSES - a C++ file of containers, templates, exceptions, threads
cxx_source()
{
	printf '#include <%s>\n' algorithm functional iostream map memory set \
		sstream string thread unordered_map vector
	cat <<-'END'
	template <int N> struct shape {
		std::map<std::string, std::vector<int>> m;
		std::unordered_map<int, std::string> u;
		unsigned fill(int n)
		{
			unsigned s = 0;
			for (int i = 0; i < n; i++) {
				auto k = std::to_string(i * N % 257);
				m[k].push_back(i);
				u[i % 61] += k;
				if (u[i % 61].size() > 40)
					u.erase(i % 61);
			}
			for (auto &e : m)
				s += e.second.size() * e.first.size();
			return s + u.size();
		}
	};
	END
	repeat "$1" <<-'END'
	struct base@ {
		virtual ~base@() = default;
		virtual int f(int) const = 0;
	};
	struct derived@ : base@ {
		std::set<long> s;
		std::function<int(int)> g = [this](int x) {
			return x + (int)s.size();
		};
		int f(int n) const override
		{
			if (n % 13 == [@*1%13])
				throw std::string("odd");
			return g(n);
		}
	};
	static unsigned use@()
	{
		auto d = std::make_unique<derived@>();
		unsigned t = 0;
		for (int i = 0; i < 300; i++) {
			d->s.insert(i * @ % 97);
			try {
				t += d->f(i);
			} catch (const std::string &e) {
				t -= e.size();
			}
		}
		return t + shape<@>().fill(400);
	}
	END
	cat <<-'END'
	int main()
	{
		std::vector<std::thread> t;
		std::vector<unsigned> r(4);
		std::ostringstream o;
		for (int k = 0; k < 4; k++)
			t.emplace_back([&r, k] {
	END
	repeat "$1" <<<'if (@ % 4 == k) r[k] += use@();'
	cat <<-'END'
			});
		for (auto &x : t)
			x.join();
		for (unsigned x : r)
			o << x << " ";
		std::cout << o.str() << std::endl;
	}
	END
}

# postscript LINES - pages of as many lines of text and some drawing
postscript()
{
	echo '%!PS'
	text "$1" | awk '{
		if (NR % 60 == 1)
			print "/y 780 def"
		printf "/%s findfont %d scalefont setfont\n",
			NR % 3 ? "Times-Roman" : "Courier-Bold", NR % 5 + 7
		printf "30 y moveto (%s) show /y y 13 sub def\n", $0
		printf "gsave %d %d translate %d rotate 0 0 moveto\n",
			NR * 37 % 500, NR * 91 % 700, NR
		print "20 { 5 3 rlineto 2 -7 rlineto"
		print "9 1 2 8 3 3 rcurveto } repeat stroke grestore"
		print "0 1 60 { 20 dict begin /k exch def"
		print "/s k 20 string cvs def [ k s /a s length ] pop end } for"
		if (NR % 60 == 0)
			print "showpage"
	}'
}
