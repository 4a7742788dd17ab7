# SPDX-License-Identifier: MIT
# guile: a conservative collector that scans stacks and data segments beside the
# preloaded library; lists, hash tables, big numbers and threads. Its objects come from the
# collector's own blocks; malloc serves loaded code, big numbers' parts and ports.
needs=guile
counts="guile guile-3.0"
allocs=10000

run()
{
	guile --no-auto-compile -c '
	(use-modules (ice-9 threads) (ice-9 regex) (srfi srfi-1))
	(define (tree n) (if (= n 0) (quote ()) (cons (tree (- n 1)) (tree (- n 1)))))
	(define (size t) (if (null? t) 1 (+ 1 (size (car t)) (size (cdr t)))))
	(do ((i 0 (+ i 1))) ((= i 3)) (display (size (tree 15))) (newline))
	(define (fact n) (if (= n 0) 1 (* n (fact (- n 1)))))
	(display (modulo (fact 800) 1000000007)) (newline)
	(define h (make-hash-table))
	(do ((i 0 (+ i 1))) ((= i 20000))
		(hash-set! h (string-append "k" (number->string (modulo (* i 7919) 5003))) (make-string (modulo i 50) #\x)))
	(display (hash-count (const #t) h)) (newline)
	(define threads (map (lambda (k) (call-with-new-thread (lambda ()
		(let loop ((i 0) (s 0)) (if (= i 3000) s (loop (+ i 1) (+ s (string-length (number->string (* i k))))))))))
		(iota 4 1)))
	(display (map join-thread threads)) (newline)
	(display (length (fold-matches "[0-9]+" (string-join (map number->string (iota 5000)) " ") (quote ()) cons))) (newline)
	(display (string-length (with-output-to-string (lambda () (write (iota 20000)))))) (newline)'
}
