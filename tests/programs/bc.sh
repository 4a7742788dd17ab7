# SPDX-License-Identifier: MIT
# bc: factorials, primes, square roots, exponentials and a long division

run()
{
	bc -q -l <<-'END'
	scale = 0
	define f(n) { if (n < 2) return (1); return (n * f(n - 1)); }
	define p(n) {
		auto i
		for (i = 2; i * i <= n; i++) if (n % i == 0) return (0)
		return (1)
	}
	f(300)
	c = 0
	for (k = 2; k < 2500; k++) c += p(k)
	c
	for (k = 0; k < 500; k++) a[k] = k * k * k % 1009
	s = 0
	for (k = 0; k < 500; k++) for (j = 0; j < 20; j++) s += a[k] * a[j]
	s
	scale = 150
	sqrt(2)
	e(1.5)
	4 * a(1)
	l(10) / 7
	obase = 16
	2 ^ 1000 - 1
	END
}
