# SPDX-License-Identifier: MIT
# convert: gradients, noise from a fixed seed, blur, distortion, text,
# quantization and three formats, on OpenMP threads

needs="convert identify"
counts="convert identify"

run()
{
	export OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive
	convert -size 150x100 gradient:red-blue -seed 7 -attenuate 0.5 \
		+noise Gaussian -blur 0x2 \
		\( -size 150x100 plasma:green-yellow -rotate 20 \
		-resize 150x100! \) -compose blend \
		-define compose:args=60 -composite -depth 8 one.ppm
	convert one.ppm -colors 40 -swirl 60 -unsharp 0x1 -depth 8 two.ppm
	convert one.ppm two.ppm +append -resize 80% \
		-fx '(u+u.p{i+1,j})/2*(1+0.1*sin(i/9))' -depth 8 three.ppm
	convert one.ppm -quality 80 four.jpg
	convert four.jpg -strip -define png:exclude-chunks=date,time five.png
	convert one.ppm -crop 30x20 +repage -depth 8 tile%03d.ppm
	convert tile*.ppm -monochrome -morphology Dilate Disk:1 \
		-append six.pbm
	identify -format '%f %wx%h %k %#\n' one.ppm two.ppm three.ppm six.pbm
	convert one.ppm -unique-colors -depth 8 txt:- | cksum
}

verify()
{
	cksum *.ppm *.pbm five.png
}
