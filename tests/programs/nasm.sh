# SPDX-License-Identifier: MIT
# nasm: macros, repeats, structures and 20 000 instructions into two object formats
prepare()
{
	awk 'BEGIN {
		print "%macro step 2\n%%again: add eax, %1\n\tcmp eax, %2\n\tjl %%again\n%endmacro\nsection .text\nglobal start\nstart:"
		for (i = 0; i < 1500; i++) {
			printf "f%d: push rbx\n\tmov eax, [rel data%d]\n\tstep %d, %d\n", i, i * 7 % 1500, i % 9 + 1, i % 99
			printf "%%assign v%d %d\n%%define d%d(x) (x + v%d)\n\tadd eax, d%d(%d)\n", i, i, i, i, i, i * 3
			printf ".loop: dec eax\n\tjnz .loop\n\tpop rbx\n\tcall f%d\n\tret\n", (i * 13) % 1500
		}
		print "section .data"
		for (i = 0; i < 1500; i++) printf "data%d: dd %d, f%d - start, \"text %d\"\n", i, i, i % 7, i
		print "%assign n 0\n%rep 2000\n\tdd n * n\n%assign n n + 1\n%endrep"
	}' >program.asm
}

run()
{
	nasm -f elf64 -g -F dwarf -o a.o -l a.lst "$IN/program.asm" && nasm -f macho64 -o b.o "$IN/program.asm" &&
		nasm -E "$IN/program.asm" | cksum
}

verify()
{
	cksum a.o b.o a.lst
}
