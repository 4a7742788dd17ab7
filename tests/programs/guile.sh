# SPDX-License-Identifier: MIT
# guile: a conservative collector that scans stacks and data segments beside
# the preloaded library; lists, hash tables, big numbers and threads. Its
# objects come from the collector's own blocks; malloc serves loaded code, big
# numbers' parts and ports.

needs=guile
counts="guile guile-3.0"
allocs=10000

prepare()
{
	cat >work.scm <<-'END'
	(use-modules (ice-9 threads) (ice-9 regex) (srfi srfi-1))
	(define (say x) (display x) (newline))
	(define (tree n)
	  (if (= n 0) '() (cons (tree (- n 1)) (tree (- n 1)))))
	(define (size t)
	  (if (null? t) 1 (+ 1 (size (car t)) (size (cdr t)))))
	(do ((i 0 (+ i 1))) ((= i 3)) (say (size (tree 15))))

	(define (fact n) (if (= n 0) 1 (* n (fact (- n 1)))))
	(say (modulo (fact 800) 1000000007))

	(define h (make-hash-table))
	(define (key i)
	  (string-append "k" (number->string (modulo (* i 7919) 5003))))
	(do ((i 0 (+ i 1))) ((= i 20000))
	  (hash-set! h (key i) (make-string (modulo i 50) #\x)))
	(say (hash-count (const #t) h))

	(define (work k)
	  (let loop ((i 0) (s 0))
	    (if (= i 3000) s
	        (loop (+ i 1) (+ s (string-length (number->string (* i k))))))))
	(say (map join-thread
	          (map (lambda (k) (call-with-new-thread (lambda () (work k))))
	               (iota 4 1))))
	(define text (string-join (map number->string (iota 5000)) " "))
	(say (length (fold-matches "[0-9]+" text '() cons)))
	(define port-text
	  (with-output-to-string (lambda () (write (iota 20000)))))
	(say (string-length port-text))
	END
}

run()
{
	guile --no-auto-compile -s "$IN/work.scm"
}
