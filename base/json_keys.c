/* Duplicate member names. JSON leaves open what they mean and readers differ (first, last,
 * both), which is how one document passes a check and does something else: refused.
 * Structs with a table notice by a bit of json_frame.seen; everything else comes here. */
#include <string.h>
#include <sys/auxv.h>

#include "base/json_private.h"

/* Keyed by what the kernel gave this process at random: names chosen to collide would
 * make reading quadratic. */
static uint64_t hash(struct json_key key)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	uint64_t secret[2] = { 0x9e3779b97f4a7c15, 0xd1b54a32d192ed03 };
	uint64_t h;

	if (random)
		memcpy(secret, random, sizeof(secret));
	h = secret[0] ^ key.length;
	for (size_t i = 0; i < key.length; i += sizeof(uint64_t)) {
		uint64_t part = 0;
		__extension__ unsigned __int128 product;

		memcpy(&part, key.text + i, MIN(key.length - i, sizeof(part)));
		product = (unsigned __int128)(part ^ secret[1]) * (h | 1);
		h = (uint64_t)product ^ (uint64_t)(product >> 64) ^ secret[0];
	}
	return h ^ h >> 32;
}

/* The key's slot: empty, or the one that holds an equal key. */
static struct json_key *find(const struct json_keys *keys, struct json_key key)
{
	size_t i = hash(key) & (keys->capacity - 1);

	while (keys->slots[i].text) {
		if (keys->slots[i].length == key.length &&
			memcmp(keys->slots[i].text, key.text, key.length) == 0)
			break;
		i = (i + 1) & (keys->capacity - 1);
	}
	return &keys->slots[i];
}

static int grow(struct json_reader *reader, struct json_keys *keys)
{
	struct json_keys larger = { .capacity =
					    keys->capacity ? 2 * keys->capacity : 16 };

	if (json_charge(reader, larger.capacity * sizeof(*larger.slots)) < 0)
		return -1;
	larger.slots = str_alloc(larger.capacity * sizeof(*larger.slots));
	for (size_t i = 0; i < keys->capacity; i++) {
		if (keys->slots[i].text)
			*find(&larger, keys->slots[i]) = keys->slots[i];
	}
	larger.count = keys->count;
	json_keys_free(keys);
	*keys = larger;
	return 0;
}

int json_keys_add(struct json_reader *reader, struct json_keys *keys, struct json_key key,
	size_t at)
{
	struct json_key *slot;

	if (keys->count >= keys->capacity / 2 && grow(reader, keys) < 0)
		return -1;
	slot = find(keys, key);
	if (slot->text)
		return json_fail_at(reader, at, "duplicate member");
	*slot = key;
	keys->count++;
	return 0;
}

void json_keys_free(struct json_keys *keys)
{
	free(keys->slots);
	*keys = (struct json_keys){ 0 };
}
