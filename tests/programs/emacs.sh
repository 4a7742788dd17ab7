# SPDX-License-Identifier: MIT
# emacs --batch: buffers, text properties, regular expressions, hash tables, JSON, sorting,
# byte compilation and threads
counts="emacs emacs-nox"

prepare()
{
	text 3000 >text
	cat >work.el <<-'END'
	;;; -*- lexical-binding: t -*-
	(require 'cl-lib)
	(require 'subr-x)
	(defun work-count (file)
	  (let ((h (make-hash-table :test 'equal)))
	    (with-temp-buffer
	      (insert-file-contents file)
	      (while (re-search-forward "\\([a-z]\\)\\([a-z]+\\)\\([0-9]\\)" nil t)
	        (cl-incf (gethash (match-string 0) h 0))
	        (put-text-property (match-beginning 0) (match-end 0) 'face 'bold)
	        (replace-match "\\3\\2\\1"))
	      (goto-char (point-min))
	      (let ((n 0))
	        (while (not (eobp))
	          (setq n (+ n (length (split-string (buffer-substring (point) (line-end-position))))))
	          (forward-line))
	        (princ (format "%d %d %s\n" n (hash-table-count h) (md5 (current-buffer)))))
	      (sort-lines nil (point-min) (point-max))
	      (reverse-region (point-min) (point-max))
	      (princ (format "%s\n" (sha1 (current-buffer)))))
	    h))
	(defun work-tree (n) (if (= n 0) nil (cons (work-tree (1- n)) (work-tree (1- n)))))
	(defun work-size (tr) (if tr (+ 1 (work-size (car tr)) (work-size (cdr tr))) 1))
	(let* ((h (work-count (expand-file-name "text" (getenv "IN"))))
	       (keys (sort (hash-table-keys h) #'string<))
	       (alist (mapcar (lambda (k) (cons (intern k) (gethash k h))) keys)))
	  (princ (format "%d %S\n" (length keys) (cl-subseq keys 0 5)))
	  (let ((json (json-serialize alist)))
	    (princ (format "%d %s\n" (length json) (md5 (json-serialize (json-parse-string json :object-type 'alist))))))
	  (princ (format "%s\n" (md5 (mapconcat #'upcase keys " ")))))
	(dotimes (_ 3) (princ (format "%d\n" (work-size (work-tree 14)))) (garbage-collect))
	(let ((got nil))
	  (mapc #'thread-join (mapcar (lambda (i) (make-thread (lambda () (push (make-string (* i 100) ?x) got)))) '(1 2 3 4)))
	  (princ (format "%d\n" (apply #'+ (mapcar #'length got)))))
	(let ((bufs (cl-loop for i below 500 collect (generate-new-buffer (format "b%d" i)))))
	  (dolist (b bufs) (with-current-buffer b (insert (make-string 3000 ?y)) (undo-boundary) (erase-buffer) (insert "z")))
	  (princ (format "%d\n" (apply #'+ (mapcar #'buffer-size bufs))))
	  (mapc #'kill-buffer bufs))
	END
}

run()
{
	cp "$IN/work.el" . && emacs -Q --batch --eval '(setq native-comp-deferred-compilation nil)' \
		-f batch-byte-compile work.el 2>&1 && emacs -Q --batch -l ./work.elc
}

verify()
{
	cksum work.elc
}
