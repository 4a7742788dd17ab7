# SPDX-License-Identifier: MIT
# gs: a PostScript program draws and prints in two fonts; it is rendered to PNG, turned
# into PDF, and the PDF into text and PNG again
prepare()
{
	{
		echo '%!PS'
		text 2000 | awk '{
			if (NR % 60 == 1) print "/y 780 def"
			printf "/%s findfont %d scalefont setfont\n", NR % 3 ? "Times-Roman" : "Courier-Bold", NR % 5 + 7
			printf "30 y moveto (%s) show /y y 13 sub def\n", $0
			printf "gsave %d %d translate %d rotate 0 0 moveto\n", NR * 37 % 500, NR * 91 % 700, NR
			print "20 { 5 3 rlineto 2 -7 rlineto 9 1 2 8 3 3 rcurveto } repeat stroke grestore"
			print "0 1 60 { 20 dict begin /k exch def /s k 20 string cvs def [ k s /a s length ] pop end } for"
			if (NR % 60 == 0) print "showpage"
		}'
	} >page.ps
}

run()
{
	gs -q -dSAFER -dNOPAUSE -dBATCH -sDEVICE=png16m -r30 -sOutputFile=page%d.png "$IN/page.ps" &&
		gs -q -dSAFER -dNOPAUSE -dBATCH -sDEVICE=pdfwrite -sOutputFile=page.pdf "$IN/page.ps" &&
		gs -q -dSAFER -dNOPAUSE -dBATCH -sDEVICE=txtwrite -sOutputFile=- page.pdf &&
		gs -q -dSAFER -dNOPAUSE -dBATCH -sDEVICE=txtwrite -dTextFormat=0 -sOutputFile=text.xml "$IN/page.ps" &&
		gs -q -dSAFER -dNOPAUSE -dBATCH -sDEVICE=pnggray -r40 -sOutputFile=again%d.png page.pdf
}

verify()
{
	cksum text.xml page*.png again*.png
}
