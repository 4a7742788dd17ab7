# SPDX-License-Identifier: MIT
# vim -es: substitutions, sorting, undo, registers, folding, and a script of
# lists, dictionaries, closures and regular expressions

prepare()
{
	text 4000 >text
	cat >script.vim <<-'END'
	set nocompatible
	%s/\v(\w)([aeiou])(\w*)/\2\1\U\3/g
	g/9 /m0
	sort /\S\+ /
	%!cat
	v/[ab]/d
	undo
	redo
	1,200yank a
	$put a
	%s/\s\+$//e
	let d = {}
	for l in getline(1, '$')
	  for w in split(l)
	    let d[w] = get(d, w, 0) + 1
	  endfor
	endfor
	let Order = {x, y -> y[1] != x[1] ? y[1] - x[1] : x[0] < y[0] ? -1 : 1}
	let top = sort(items(d), Order)[:9]
	let text = json_encode(d)
	let sum = sha256(join(sort(keys(d)), ''))
	let n = len(json_decode(text))
	call writefile([len(d), string(top), n, sum], 'out')
	let list = range(3000)
	call map(list, 'substitute(v:val . "x", "\\d", "<&>", "g")')
	call writefile(list, 'out', 'a')
	w! text.out
	qa!
	END
}

run()
{
	vim -es -u NONE -i NONE -N -n --not-a-term -S "$IN/script.vim" \
		"$IN/text"
	echo $?
}

verify()
{
	head -n 3 out
	cksum out text.out
}
