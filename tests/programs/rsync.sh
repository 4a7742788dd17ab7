# SPDX-License-Identifier: MIT
# rsync: a local tree of 5000 files copied, changed, synchronized by checksum
# with deletion and backups, and compared; three processes, two of them forked

prepare()
{
	local i

	mkdir tree
	for i in {1..200}; do
		mkdir -p "tree/d$i"
		split -l 4 -a 2 <(text 100 $i) "tree/d$i/file"
	done
	find tree -exec touch -d @1000000000 {} +
}

run()
{
	rsync -a "$IN/tree/" copy/ &&
		rsync -a --delete --itemize-changes "$IN/tree/" copy/ &&
		echo same
	rm -r copy/d7 copy/d9/filea?
	sed -i 's/zse/ZSE/g' copy/d1*/file*
	touch copy/extra copy/d2/extra
	rsync -a -c --no-whole-file --delete --backup --backup-dir=../old \
		--itemize-changes --out-format='%i %n' "$IN/tree/" copy/ |
		sort | cksum
	rsync -a --link-dest=../copy "$IN/tree/" linked/
	find linked -type f -links 2 | wc -l
	rsync -r --list-only --include='*/' --include='*a' --exclude='*' copy/ |
		awk '{ print $2, $5 }' | cksum
	rsync -a --stats "$IN/tree/" copy/ | grep 'Number of files'
}

verify()
{
	diff -r "$IN/tree" copy && diff -r "$IN/tree" linked &&
		find old -type f | wc -l
}
