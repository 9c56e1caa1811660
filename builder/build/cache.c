/* Keys and memos. */
#include "builder/build/cache.h"

#include <string.h>

#include "base/fd.h"

#define MEMO_MAX (4u << 20)

void cache_key_begin(struct digest_state *state, const char *kind, const char *parent)
{
	digest_init(state);
	digest_add_text(state, CACHE_VERSION);
	digest_add_text(state, kind);
	digest_add_text(state, parent);
}

int cache_recall(
	const struct store *store, const char *key, char **ret, struct error *err)
{
	struct error first = { 0 };

	*ret = NULL;
	if (file_read_at(store->memo_fd, key, MEMO_MAX, ret, NULL, &first) == 0 ||
		first.errnum == ENOENT)
		return 0;
	*err = first;
	return fail_while(err, "reading the cache of %s", store->root);
}

int cache_remember(
	const struct store *store, const char *key, const char *text, struct error *err)
{
	struct file_replace_options options = { .mode = 0644 };

	return file_replace_at(store->memo_fd, key, text, strlen(text), options, err);
}
