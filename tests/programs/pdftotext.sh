# SPDX-License-Identifier: MIT
# pdftotext: a PDF of 40 pages made by gs as text, with layout and boxes; its fonts,
# information and a page as an image
needs="pdftotext pdftoppm pdffonts gs"
counts="pdftotext pdftoppm pdffonts"

prepare()
{
	{
		echo '%!PS'
		text 1600 | awk '{
			if (NR % 40 == 1) print "/y 780 def"
			printf "/%s findfont %d scalefont setfont\n", NR % 3 ? "Times-Roman" : "Courier-Bold", NR % 5 + 7
			printf "30 y moveto (%s) show /y y 19 sub def\n", $0
			if (NR % 40 == 0) print "showpage"
		}'
	} >page.ps
	gs -q -dSAFER -dNOPAUSE -dBATCH -sDEVICE=pdfwrite -sOutputFile=doc.pdf page.ps
}

run()
{
	pdftotext -layout "$IN/doc.pdf" - | cksum
	pdftotext -bbox-layout "$IN/doc.pdf" boxes.html
	pdftotext "$IN/doc.pdf" - | head -n 5
	pdffonts "$IN/doc.pdf" | wc -l
	pdftoppm -r 40 -f 3 -l 8 -gray "$IN/doc.pdf" page
}

verify()
{
	sed /date/d boxes.html | cksum
	cksum page*.pgm
}
