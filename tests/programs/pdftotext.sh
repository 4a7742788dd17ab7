# SPDX-License-Identifier: MIT
# pdftotext: a PDF of 27 pages made by gs as text, with layout and boxes; its
# fonts, and pages as images

needs="pdftotext pdftoppm pdffonts gs"
counts="pdftotext pdftoppm pdffonts"

prepare()
{
	postscript 1620 >page.ps
	gs -q -dSAFER -dNOPAUSE -dBATCH -sDEVICE=pdfwrite \
		-sOutputFile=doc.pdf page.ps
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
