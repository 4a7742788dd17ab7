# SPDX-License-Identifier: MIT
# make -j2: 3000 targets with pattern rules, functions and variables of their own; 300 of
# them run a shell
prepare()
{
	{
		echo 'SHELL = /bin/sh'
		echo 'numbers := $(shell seq 3000)'
		echo 'rev = $(if $1,$(call rev,$(wordlist 2,$(words $1),$1)) $(firstword $1))'
		echo 'all: $(addprefix part,$(addsuffix .out,$(wordlist 1,300,$(numbers)))) last'
		echo 'define rule'
		echo 'part$1.out: part$1.in ; @echo $$(words $$(V)) $$(VPART) >$$@'
		echo 'part$1.out: V = $$(filter %$1,$$(numbers))'
		echo 'part$1.out: VPART = $$(subst 1,one,$$(patsubst %3,three-%,$1))'
		echo 'endef'
		echo '$(foreach n,$(wordlist 1,300,$(numbers)),$(eval $(call rule,$(n))))'
		echo '%.in: ; @echo $* >$@'
		echo 'step1: ;'
		for ((i = 2; i <= 3000; i++)); do echo "step$i: step$((i / 2)) ; \$(eval seen += $i)"; done
		echo 'last: step3000 step2999 $(addprefix step,$(wordlist 1500,2500,$(numbers)))'
		echo '	@echo $(words $(sort $(seen))) $(words $(call rev,$(wordlist 1,200,$(numbers)))) $(lastword $(sort $(numbers)))'
		echo '.SECONDARY:'
	} >Makefile
}

run()
{
	cp "$IN/Makefile" . && make -j 2 >log && tail -n 1 log && make -q && echo up to date
	make -n -B | wc -l
	make -p -q | grep -c '^part'
}

verify()
{
	cat part*.out | cksum
}
