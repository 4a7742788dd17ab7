# SPDX-License-Identifier: MIT
# make -j2: 3600 targets with pattern rules, functions and variables of their
# own; 600 of them run a shell

prepare()
{
	local i

	cat >Makefile <<-'END'
	SHELL = /bin/sh
	numbers := $(shell seq 3000)
	few := $(wordlist 1,300,$(numbers))
	rev = $(if $1,$(call rev,$(wordlist 2,$(words $1),$1)) $(firstword $1))
	all: $(few:%=part%.out) last
	define rule
	part$1.out: part$1.in ; @echo $$(words $$(V)) $$(VPART) >$$@
	part$1.out: V = $$(filter %$1,$$(numbers))
	part$1.out: VPART = $$(subst 1,one,$$(patsubst %3,three-%,$1))
	endef
	$(foreach n,$(few),$(eval $(call rule,$(n))))
	%.in: ; @echo $* >$@
	step1: ;
	many := $(wordlist 1500,2500,$(numbers))
	last: step3000 step2999 $(many:%=step%)
	last: ; @echo $(words $(sort $(seen))) $(reversed) $(lastword $(few))
	last: reversed = $(words $(call rev,$(wordlist 1,200,$(numbers))))
	.SECONDARY:
	END
	for ((i = 2; i <= 3000; i++)); do
		echo "step$i: step$((i / 2)) ; \$(eval seen += $i)"
	done >>Makefile
}

run()
{
	cp "$IN/Makefile" .
	make -j 2 >log && tail -n 1 log && make -q && echo up to date
	make -n -B | wc -l
	make -p -q | grep -c '^part'
}

verify()
{
	cat part*.out | cksum
}
