# SPDX-License-Identifier: MIT
# cmake: a script of lists, strings and JSON, then a project of 250 targets
# configured, built by make and tested with ctest

needs="cmake ctest make"

prepare()
{
	cat >script.cmake <<-'END'
	set(list)
	set(x 1)
	foreach(i RANGE 1 3000)
		math(EXPR x "${x} * 16807 % 2147483647")
		list(APPEND list "item${x}")
		string(REGEX REPLACE "([0-9])([0-9]+)" "\\2-\\1" y "item${x}")
		string(APPEND all "${y};")
		set("var_${i}" "${y}")
	endforeach()
	list(SORT list)
	list(TRANSFORM list TOUPPER)
	list(FILTER list INCLUDE REGEX "[13579]$")
	list(LENGTH list n)
	string(SHA256 h "${all}${list}")
	message("${n} ${h}")
	function(nest depth)
		if(depth GREATER 0)
			math(EXPR d "${depth} - 1")
			nest(${d})
			nest(${d})
		endif()
		set_property(GLOBAL APPEND PROPERTY seen ${depth})
	endfunction()
	nest(8)
	get_property(seen GLOBAL PROPERTY seen)
	list(LENGTH seen n)
	list(REMOVE_DUPLICATES seen)
	string(JSON doc SET "{}" a "[1,2,{\"b\":3}]")
	string(JSON b GET "${doc}" a 2 b)
	message("${n} ${seen} ${b}")
	END
	cat >CMakeLists.txt <<-'END'
	cmake_minimum_required(VERSION 3.20)
	project(many LANGUAGES NONE)
	enable_testing()
	foreach(i RANGE 1 250)
		file(GENERATE OUTPUT "in${i}"
			CONTENT "${i} $<CONFIG> $<IF:$<BOOL:${i}>,yes,no>\n")
		math(EXPR j "${i} / 2")
		add_custom_command(OUTPUT "out${i}"
			COMMAND ${CMAKE_COMMAND} -E touch "out${i}"
			DEPENDS "${CMAKE_BINARY_DIR}/in${i}")
		if(i LESS_EQUAL 20)
			add_custom_target(t${i} ALL DEPENDS "out${i}")
			add_test(NAME test${i} COMMAND
				${CMAKE_COMMAND} -E compare_files "in${i}" "in${i}")
		else()
			add_custom_target(t${i} DEPENDS "out${i}")
		endif()
		if(j)
			add_dependencies(t${i} t${j})
		endif()
	endforeach()
	END
}

run()
{
	cmake -P "$IN/script.cmake" 2>&1
	cp "$IN/CMakeLists.txt" .
	cmake -S . -B build >log && cmake --build build >>log &&
		(cd build && ctest -j 2 >log && grep passed log) &&
		ls build/out* | wc -l
}

verify()
{
	cat build/in* build/Makefile build/CMakeFiles/Makefile2 | cksum
}
