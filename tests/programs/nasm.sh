# SPDX-License-Identifier: MIT
# nasm: macros, repeats, structures and 20 000 instructions into two object
# formats

prepare()
{
	{
		cat <<-'END'
		%macro step 2
		%%again: add eax, %1
			cmp eax, %2
			jl %%again
		%endmacro
		section .text
		global start
		start:
		END
		repeat 1500 <<-'END'
		f@: push rbx
			mov eax, [rel data[@*7%1500]]
			step [@*1%9], [@*1%99]
		%assign v@ @
		%define d@(x) (x + v@)
			add eax, d@([@*3%4500])
		.loop: dec eax
			jnz .loop
			pop rbx
			call f[@*13%1500]
			ret
		END
		echo 'f0: ret'
		echo 'section .data'
		echo 'data0:'
		repeat 1500 <<<'data@: dd @, f@ - start, "text [@*1%7]"'
		printf '%%assign n 0\n%%rep 2000\n\tdd n * n\n'
		printf '%%assign n n + 1\n%%endrep\n'
	} >program.asm
}

run()
{
	nasm -f elf64 -g -F dwarf -o a.o -l a.lst "$IN/program.asm" &&
		nasm -f macho64 -o b.o "$IN/program.asm" &&
		nasm -E "$IN/program.asm" | cksum
}

verify()
{
	cksum a.o b.o a.lst
}
