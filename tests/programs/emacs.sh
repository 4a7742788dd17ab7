# SPDX-License-Identifier: MIT
# emacs --batch: buffers, text properties, regular expressions, hash tables,
# JSON, sorting, byte compilation and threads

counts="emacs emacs-nox"

prepare()
{
	text 3000 >text
	cat >work.el <<-'END'
	;;; -*- lexical-binding: t -*-
	(require 'cl-lib)
	(require 'subr-x)
	(setq inhibit-message t)
	(defun say (&rest args)
	  (princ (concat (apply #'format args) "\n")))

	(defun work-replace (counts)
	  (while (re-search-forward "\\([a-z]\\)\\([a-z]+\\)\\([0-9]\\)" nil t)
	    (cl-incf (gethash (match-string 0) counts 0))
	    (put-text-property (match-beginning 0) (match-end 0) 'face 'bold)
	    (replace-match "\\3\\2\\1")))

	(defun work-count (file)
	  (let ((counts (make-hash-table :test 'equal)) (n 0))
	    (with-temp-buffer
	      (insert-file-contents file)
	      (work-replace counts)
	      (goto-char (point-min))
	      (while (not (eobp))
	        (cl-incf n (length (split-string
	                            (buffer-substring
	                                             (point) (line-end-position)))))
	        (forward-line))
	      (say "%d %d %s" n (hash-table-count counts)
	           (md5 (current-buffer)))
	      (sort-lines nil (point-min) (point-max))
	      (reverse-region (point-min) (point-max))
	      (say "%s" (sha1 (current-buffer))))
	    counts))

	(defun work-tree (n)
	  (if (= n 0) nil (cons (work-tree (1- n)) (work-tree (1- n)))))
	(defun work-size (tr)
	  (if tr (+ 1 (work-size (car tr)) (work-size (cdr tr))) 1))

	(let* ((counts (work-count (expand-file-name "text" (getenv "IN"))))
	       (keys (sort (hash-table-keys counts) #'string<))
	       (alist (mapcar (lambda (k) (cons (intern k) (gethash k counts)))
	                      keys))
	       (json (json-serialize alist)))
	  (say "%d %S" (length keys) (cl-subseq keys 0 5))
	  (say "%d %s" (length json)
	       (md5 (json-serialize
	             (json-parse-string json :object-type 'alist))))
	  (say "%s" (md5 (mapconcat #'upcase keys " "))))

	(dotimes (_ 3)
	  (say "%d" (work-size (work-tree 14)))
	  (garbage-collect))

	(let ((got nil))
	  (mapc #'thread-join
	        (mapcar (lambda (i)
	                  (make-thread
	                   (lambda () (push (make-string (* i 100) ?x) got))))
	                '(1 2 3 4)))
	  (say "%d" (apply #'+ (mapcar #'length got))))

	(let ((bufs (cl-loop for i below 500
	                     collect (generate-new-buffer (format "b%d" i)))))
	  (dolist (b bufs)
	    (with-current-buffer b
	      (insert (make-string 3000 ?y))
	      (undo-boundary)
	      (erase-buffer)
	      (insert "z")))
	  (say "%d" (apply #'+ (mapcar #'buffer-size bufs)))
	  (mapc #'kill-buffer bufs))
	END
}

run()
{
	cp "$IN/work.el" . &&
		emacs -Q --batch \
			--eval '(setq native-comp-deferred-compilation nil)' \
			-f batch-byte-compile work.el 2>&1 &&
		emacs -Q --batch -l ./work.elc
}

verify()
{
	cksum work.elc
}
