/* Shared libraries by dlopen(). */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

int library_open(const char *file, const struct library_symbol *symbols, size_t count,
	void *functions, void **ret, struct error *err)
{
	*ret = dlopen(file, RTLD_NOW);
	if (!*ret)
		return fail(err, "loading %.*s: %s", (int)strcspn(file, "."), file,
			dlerror());
	for (size_t i = 0; i < count; i++) {
		void *address = dlsym(*ret, symbols[i].name);

		if (!address) {
			library_close(ret);
			return fail(err, "%s has no %s", file, symbols[i].name);
		}
		*(void **)((char *)functions + symbols[i].offset) = address;
	}
	return 0;
}

void library_close(void **handle)
{
	if (*handle)
		(void)dlclose(*handle); /* nothing depends on its unloading */
	*handle = NULL;
}
