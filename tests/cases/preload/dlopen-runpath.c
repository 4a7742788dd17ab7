// SPDX-License-Identifier: MIT
/*
 * A library that only the RUNPATH of a plugin leads to: dlopen() looks where its
 * caller says, so it has to know its caller. This is the program and, built as
 * shared objects, the plugin and the library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *open_by(const char *how)
{
	if (!strcmp(how, "dlopen"))
		return dlopen("libtwo.so", RTLD_NOW);
	if (!strcmp(how, "deepbind"))
		return dlopen("libtwo.so", RTLD_NOW | RTLD_DEEPBIND);
	if (!strcmp(how, "origin"))
		return dlopen("$ORIGIN/../two/libtwo.so", RTLD_NOW);
	if (!strcmp(how, "dlmopen"))
		return dlmopen(LM_ID_BASE, "libtwo.so",
			       RTLD_NOW | RTLD_DEEPBIND);
	return dlmopen(LM_ID_NEWLM, "libtwo.so", RTLD_NOW | RTLD_DEEPBIND);
}

int main(int argc, char **argv)
{
	void *plugin = dlopen("one/plugin.so", RTLD_NOW);
	void *(*plugin_opens_by)(const char *);

	if (!plugin || open_by("dlopen"))
		return 1;
	plugin_opens_by = dlsym(plugin, "open_by");
	puts(plugin_opens_by(argv[1]) ? "found" : dlerror());
	return 0;
}
