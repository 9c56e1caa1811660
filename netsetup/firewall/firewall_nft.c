/* libnftables, loaded when the first text is given to it. */
#include "netsetup/firewall/firewall_nft.h"

#include <dlfcn.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
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
	const char *(*output_text)(struct nft_ctx *context);
	const char *(*error_text)(struct nft_ctx *context);
	int (*run)(struct nft_ctx *context, const char *commands);
};

struct nft {
	struct nft_library library;
	struct nft_ctx *context;
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
	library->output_text = symbol(library, "nft_ctx_get_output_buffer");
	library->error_text = symbol(library, "nft_ctx_get_error_buffer");
	library->run = symbol(library, "nft_run_cmd_from_buffer");
	if (!library->ctx_new || !library->ctx_free || !library->buffer_output ||
		!library->buffer_error || !library->output_text || !library->error_text ||
		!library->run)
		return fail(err, "loading %s, which sets firewall rules: %s", LIBRARY,
			dlerror());
	return 0;
}

static int open_nft(struct firewall *firewall, struct error *err)
{
	auto_free struct nft *nft = NULL;

	if (firewall->nft)
		return 0;
	nft = str_alloc(sizeof(*nft));
	if (load(&nft->library, err) < 0)
		return -1;
	nft->context = nft->library.ctx_new(NFT_CTX_DEFAULT);
	if (!nft->context)
		str_out_of_memory();
	nft->library.buffer_output(nft->context);
	nft->library.buffer_error(nft->context);
	firewall->nft = take_ptr(&nft);
	return 0;
}

void firewall_close(struct firewall *firewall)
{
	if (firewall->nft)
		firewall->nft->library.ctx_free(firewall->nft->context);
	free(firewall->nft);
	netlink_close(&firewall->netlink);
	*firewall = (struct firewall){ 0 };
}

int firewall_socket(struct firewall *firewall, struct error *err)
{
	return firewall->netlink ? 0 : netlink_open_netfilter(&firewall->netlink, err);
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

int nft_ask(struct firewall *firewall, const char *commands, struct str *ret_output,
	struct error *err)
{
	const struct nft *nft;

	if (open_nft(firewall, err) < 0)
		return -1;
	nft = firewall->nft;
	log_debug("nft: %s", commands);
	if (nft->library.run(nft->context, commands) != 0)
		return fail_words(nft->library.error_text(nft->context), err);
	if (ret_output)
		str_append(ret_output, nft->library.output_text(nft->context));
	return 0;
}

int nft_run(struct firewall *firewall, const char *commands, struct error *err)
{
	return nft_ask(firewall, commands, NULL, err);
}
