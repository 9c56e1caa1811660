/* SHA-256 by libcrypto, which uses the processor's instructions for it. The only includer
 * of OpenSSL. */
#include "builder/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

void digest_init(struct digest_state *state)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		str_out_of_memory();
	state->context = context;
}

void digest_prepare(void)
{
	(void)digest_of("", 0);
}

void digest_free(struct digest_state *state)
{
	EVP_MD_CTX_free(state->context);
	state->context = NULL;
}

void digest_add(struct digest_state *state, const void *data, size_t length)
{
	if (EVP_DigestUpdate(state->context, data, length) != 1)
		str_out_of_memory();
}

void digest_add_number(struct digest_state *state, uint64_t number)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(number >> (8 * i));
	digest_add(state, bytes, sizeof(bytes));
}

void digest_add_text(struct digest_state *state, const char *text)
{
	digest_add_number(state, text ? strlen(text) : UINT64_MAX);
	if (text)
		digest_add(state, text, strlen(text));
}

struct digest digest_of_bytes(const uint8_t bytes[32])
{
	static const char digits[] = "0123456789abcdef";
	struct digest digest = { 0 };

	for (size_t i = 0; i < 32; i++) {
		digest.hex[2 * i] = digits[bytes[i] >> 4];
		digest.hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	return digest;
}

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void digest_to_bytes(const struct digest *digest, uint8_t ret[32])
{
	for (size_t i = 0; i < 32; i++)
		ret[i] = (uint8_t)(nibble(digest->hex[2 * i]) << 4 |
				   nibble(digest->hex[2 * i + 1]));
}

struct digest digest_end(struct digest_state *state)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	if (EVP_DigestFinal_ex(state->context, bytes, &length) != 1 || length != 32)
		str_out_of_memory();
	digest_free(state);
	return digest_of_bytes(bytes);
}

struct digest digest_of(const void *data, size_t length)
{
	struct digest_state state;

	digest_init(&state);
	digest_add(&state, data, length);
	return digest_end(&state);
}

int digest_of_fd(int fd, const char *name, struct digest *ret, int64_t *ret_size,
	struct error *err)
{
	static const size_t size = 128u << 10;
	auto_free char *buffer = str_realloc(NULL, size, 1);
	auto_digest state = { 0 };
	int64_t total = 0;

	digest_init(&state);
	for (;;) {
		ssize_t got = read(fd, buffer, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, "reading %s", name);
		if (got == 0)
			break;
		digest_add(&state, buffer, (size_t)got);
		total += got;
	}
	*ret = digest_end(&state);
	if (ret_size)
		*ret_size = total;
	return 0;
}

bool digest_is_hex(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

bool digest_parse(const char *text, struct digest *ret)
{
	const char *hex = str_after(text, DIGEST_PREFIX);

	if (!hex || !digest_is_hex(hex))
		return false;
	memcpy(ret->hex, hex, sizeof(ret->hex));
	return true;
}
