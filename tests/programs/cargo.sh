# SPDX-License-Identifier: MIT
# cargo and rustc: a program and its library with generics and derives, compiled with all
# its parts at once, and again with optimisation by rustc alone

needs="cargo rustc cc"
counts="cargo rustc"

# So many structures, each with what a program has of them
shapes()
{
	awk -v n="$1" 'BEGIN {
		print "use std::collections::{BTreeMap, HashMap};"
		for (i = 0; i < n; i++) {
			printf "#[derive(Clone, Debug, Default, PartialEq)]\n"
			printf "pub struct Shape%d {\n", i
			printf "    pub name: String,\n    pub sides: Vec<u%d>,\n", \
				i % 2 ? 32 : 64
			printf "    pub parts: BTreeMap<String, %s>,\n}\n", \
				i % 5 ? "Option<Box<Shape" i - 1 ">>" : "u8"
			printf "pub fn build%d(n: usize) -> HashMap<usize, Shape%d> {\n", i, i
			printf "    (0..n)\n        .map(|k| (k, Shape%d {\n", i
			printf "            name: format!(\"{k} of {n}\"),\n"
			printf "            sides: (0..k as u%d).map(|x| x * %d).collect(),\n", \
				i % 2 ? 32 : 64, i + 1
			printf "            ..Default::default()\n        }))\n"
			printf "        .collect()\n}\n"
		}
	}'
}

calls()
{
	awk -v n="$1" 'BEGIN {
		print "fn main() {"
		print "    let mut sum = 0;"
		for (i = 0; i < n; i++)
			printf "    sum += shapes::build%d(20).values()" \
			       ".map(|s| s.name.len() + s.sides.len()).sum::<usize>();\n", i
		print "    println!(\"{sum}\");"
		print "}"
	}'
}

prepare()
{
	mkdir -p program/src shapes/src
	shapes 24 >shapes/src/lib.rs
	calls 24 >program/src/main.rs
	printf '[package]\nname = "shapes"\nversion = "0.1.0"\nedition = "2021"\n' \
		>shapes/Cargo.toml
	printf '[package]\nname = "program"\nversion = "0.1.0"\nedition = "2021"\n
[dependencies]\nshapes = { path = "../shapes" }\n' >program/Cargo.toml
	{
		echo "mod shapes {"
		shapes 8
		echo "}"
		calls 8
	} >one.rs
}

run()
{
	cp -r "$IN"/* . &&
		(cd program && cargo build -q --offline) &&
		rustc --edition 2021 -O -o one one.rs &&
		program/target/debug/program && ./one
}

verify()
{
	program/target/debug/program && ./one && cat program/Cargo.lock
}
