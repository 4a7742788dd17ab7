# SPDX-License-Identifier: MIT
# gs: a PostScript program draws and prints in two fonts; it is rendered to PNG,
# turned into PDF, and the PDF into text and PNG again

prepare()
{
	postscript 2040 >page.ps
}

# render DEVICE OUTPUT ARGS
render()
{
	gs -q -dSAFER -dNOPAUSE -dBATCH -sDEVICE="$1" -sOutputFile="$2" "${@:3}"
}

run()
{
	render png16m page%d.png -r30 "$IN/page.ps" &&
		render pdfwrite page.pdf "$IN/page.ps" &&
		render txtwrite - page.pdf &&
		render txtwrite text.xml -dTextFormat=0 "$IN/page.ps" &&
		render pnggray again%d.png -r40 page.pdf
}

verify()
{
	cksum text.xml page*.png again*.png
}
