# SPDX-License-Identifier: MIT
# tar: 4000 files in 80 folders archived, listed, compared, extracted and
# updated

tree()
{
	local i

	mkdir tree
	for i in {1..80}; do
		mkdir "tree/folder $i"
		split -l 2 -a 2 <(text 100 $i) \
			"tree/folder $i/file with a long enough name "
	done
	touch -d @1000000000 tree tree/* tree/*/*
}

prepare()
{
	tree
}

run()
{
	tar --sort=name --owner=0 --group=0 --numeric-owner --format=pax \
		-C "$IN" -cf a.tar tree
	tar -tvf a.tar | cksum
	tar -C "$IN" -df a.tar
	mkdir out && tar -C out -xf a.tar
	tar --sort=name --format=gnu -C out -cf b.tar tree
	tar --delete -f b.tar 'tree/folder 7'
	tar -tf b.tar --wildcards '*[ab]d' | cksum
	tar -xf a.tar --to-command='cat >/dev/null' 'tree/folder 1'
}

verify()
{
	diff -r "$IN/tree" out/tree && tar -tf b.tar | wc -l
	[ "$(stat -c %Y "out/tree/folder 3")" = 1000000000 ] && echo times kept
}
