/* libnftables, loaded when the first rule is needed. */
#include "netsetup/firewall_nft.h"

#include <dlfcn.h>
#include <nftables/libnftables.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

#define LIBRARY "libnftables.so.1"

struct nft_library {
	void *handle;
	struct nft_ctx *(*ctx_new)(uint32_t flags);
	void (*ctx_free)(struct nft_ctx *context);
	int (*buffer_output)(struct nft_ctx *context);
	int (*buffer_error)(struct nft_ctx *context);
	const char *(*error_text)(struct nft_ctx *context);
	int (*run)(struct nft_ctx *context, const char *commands);
};

static void *symbol(struct nft_library *library, const char *name)
{
	return library->handle ? dlsym(library->handle, name) : NULL;
}

/* Stays loaded: the process ends soon, and unloading costs as much as loading. */
static int load(struct nft_library *library, struct error *err)
{
	library->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	library->ctx_new = symbol(library, "nft_ctx_new");
	library->ctx_free = symbol(library, "nft_ctx_free");
	library->buffer_output = symbol(library, "nft_ctx_buffer_output");
	library->buffer_error = symbol(library, "nft_ctx_buffer_error");
	library->error_text = symbol(library, "nft_ctx_get_error_buffer");
	library->run = symbol(library, "nft_run_cmd_from_buffer");
	if (!library->ctx_new || !library->ctx_free || !library->buffer_output ||
		!library->buffer_error || !library->error_text || !library->run)
		return fail(err, "loading %s, which sets firewall rules: %s", LIBRARY,
			dlerror());
	return 0;
}

/* The library says what the kernel said only in words. */
static int fail_words(const char *words, struct error *err)
{
	size_t line = strcspn(words, "\n");
	int errnum = 0;

	if (strstr(words, strerror(ENOENT)))
		errnum = ENOENT;
	else if (strstr(words, strerror(EEXIST)))
		errnum = EEXIST;
	else if (strstr(words, strerror(EPERM)))
		errnum = EPERM;
	else if (strstr(words, strerror(EAFNOSUPPORT)) ||
		 strstr(words, strerror(EOPNOTSUPP)))
		errnum = EOPNOTSUPP;
	return fail_code(err, errnum, "setting firewall rules: %.*s%s", (int)line, words,
		errnum == EOPNOTSUPP ? "; does the kernel have nftables?" : "");
}

int nft_run(const char *commands, struct error *err)
{
	struct nft_library library = { 0 };
	struct nft_ctx *context;
	int result = 0;

	if (load(&library, err) < 0)
		return -1;
	context = library.ctx_new(NFT_CTX_DEFAULT);
	if (!context)
		str_out_of_memory();
	library.buffer_output(context);
	library.buffer_error(context);
	log_debug("nft: %s", commands);
	if (library.run(context, commands) != 0)
		result = fail_words(library.error_text(context), err);
	library.ctx_free(context);
	return result;
}
