# SPDX-License-Identifier: MIT
# z3: bit vectors, linear arithmetic, arrays, strings and unsatisfiable cores
prepare()
{
	{
		echo '(push)(declare-const a (_ BitVec 24))(declare-const b (_ BitVec 24))'
		echo '(assert (= (bvmul a b) #x7a2f35))(assert (bvult a b))(assert (bvugt a #x000100))(check-sat)(pop)'
		for i in {1..40}; do
			echo "(push)(declare-const a (_ BitVec 20))(declare-const b (_ BitVec 20))"
			echo "(assert (= (bvxor (bvmul a b) (bvlshr a #x00003)) (_ bv$((i * 7919)) 20)))"
			echo "(assert (bvult (bvadd a (_ bv$i 20)) b))(assert (bvugt (bvurem b #x00011) #x00003))(check-sat)(pop)"
		done
		echo '(push)'
		for i in {1..70}; do echo "(declare-const x$i Int)(assert (and (> x$i 0) (< x$i 400)))"; done
		for i in {2..70}; do echo "(assert (> (+ x$i (* 2 x$((i - 1)))) $((i * 7 % 50 + 20))))"; done
		for i in {3..70}; do echo "(assert (or (< (- x$i x$((i - 2))) 3) (> x$i (* 3 x$((i - 1))))))"; done
		echo '(check-sat)(pop)(push)'
		for i in {1..8}; do
			for h in {1..7}; do echo "(declare-const p${i}_$h Bool)"; done
			echo "(assert (or p${i}_1 p${i}_2 p${i}_3 p${i}_4 p${i}_5 p${i}_6 p${i}_7))"
			for ((j = 1; j < i; j++)); do
				for h in {1..7}; do echo "(assert (not (and p${i}_$h p${j}_$h)))"; done
			done
		done
		echo '(check-sat)(pop)(push)(declare-fun m () (Array Int Int))(declare-fun n () (Array Int Int))'
		for i in {1..70}; do echo "(assert (= (select (store m $i (+ (select n $i) $i)) $((i % 9))) $((i % 9 * 3))))"; done
		echo '(check-sat)(pop)(push)(declare-const s String)(declare-const t String)'
		echo '(assert (= (str.++ s t) "abcabcabd"))(assert (str.contains s "cab"))(assert (> (str.len t) 1))(check-sat)'
		echo '(simplify (str.replace "hello world" "world" "there"))'
		echo '(pop)(push)(declare-const u Real)(declare-const v Real)'
		echo '(assert (= (* u u) 2.0))(assert (> u 0.0))(assert (= v (+ u 1.0)))(check-sat)(eval (> v 2.4))(pop)'
	} >problem.smt2
}

run()
{
	z3 -smt2 "$IN/problem.smt2"
}
