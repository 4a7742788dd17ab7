# SPDX-License-Identifier: MIT
# z3: bit vectors, linear arithmetic, pigeonholes, arrays, strings and reals

bit_vectors()
{
	echo '(push)(declare-const a (_ BitVec 24))'
	echo '(declare-const b (_ BitVec 24))'
	echo '(assert (= (bvmul a b) #x7a2f35))(assert (bvult a b))'
	echo '(assert (bvugt a #x000100))(check-sat)(pop)'
	repeat 40 <<-'END'
	(push)(declare-const a (_ BitVec 20))(declare-const b (_ BitVec 20))
	(assert (= (bvxor (bvmul a b) (bvlshr a #x00003))
		   (_ bv[@*7919%1048576] 20)))
	(assert (bvult (bvadd a (_ bv@ 20)) b))
	(assert (bvugt (bvurem b #x00011) #x00003))(check-sat)(pop)
	END
}

arithmetic()
{
	local i

	echo '(push)'
	repeat 70 <<<'(declare-const x@ Int)(assert (and (> x@ 0) (< x@ 400)))'
	for i in {3..70}; do
		echo "(assert (> (+ x$i (* 2 x$((i - 1))))"
		echo "	$((i * 7 % 50 + 20))))"
		echo "(assert (or (< (- x$i x$((i - 2))) 3)"
		echo "	(> x$i (* 3 x$((i - 1))))))"
	done
	echo '(check-sat)(pop)'
}

pigeons()
{
	local i j h

	echo '(push)'
	for i in {1..8}; do
		for h in {1..7}; do
			echo "(declare-const p${i}_$h Bool)"
			for ((j = 1; j < i; j++)); do
				echo "(assert (not (and p${i}_$h p${j}_$h)))"
			done
		done
		echo "(assert (or p${i}_1 p${i}_2 p${i}_3 p${i}_4 p${i}_5"
		echo "	p${i}_6 p${i}_7))"
	done
	echo '(check-sat)(pop)'
}

others()
{
	echo '(push)(declare-fun m () (Array Int Int))'
	echo '(declare-fun n () (Array Int Int))'
	repeat 70 <<-'END'
	(assert (= (select (store m @ (+ (select n @) @)) [@*1%9]) [@*3%27]))
	END
	cat <<-'END'
	(check-sat)(pop)(push)(declare-const s String)(declare-const t String)
	(assert (= (str.++ s t) "abcabcabd"))(assert (str.contains s "cab"))
	(assert (> (str.len t) 1))(check-sat)
	(simplify (str.replace "hello world" "world" "there"))
	(pop)(push)(declare-const u Real)(declare-const v Real)
	(assert (= (* u u) 2.0))(assert (> u 0.0))(assert (= v (+ u 1.0)))
	(check-sat)(eval (> v 2.4))(pop)
	END
}

prepare()
{
	{ bit_vectors; arithmetic; pigeons; others; } >problem.smt2
}

run()
{
	z3 -smt2 "$IN/problem.smt2"
}
