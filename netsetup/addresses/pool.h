/*
 * The addresses of one network: who holds which, exactly, whatever dies when.
 *
 * A lease is a symbolic link whose name is the address and whose text is the owner, in a
 * directory of the network and of this boot: made in one atomic system call that fails if
 * another was first, so that no address is ever given twice; a process killed before or
 * after it leaves a free address or a lease that names its owner. `ls -l` shows them.
 * The next address is the one after the last that was given, so that a released one rests
 * as long as possible.
 *
 * A lock on the directory orders takers and releasers; it dies with its holder.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "netsetup/addresses/address.h"
#include "netsetup/places.h"

/* A container gets one address of each set; the ranges of a set continue each other. */
struct pool_range {
	struct address subnet;
	struct address first;
	struct address last;
	struct address gateway; /* never given; family 0: none */
	uint32_t set;
};

struct pool {
	int directory; /* locked */
	char *network;
};

#define auto_pool __attribute__((cleanup(pool_close))) struct pool

/* Opens and locks; leases of other boots are removed. */
int pool_open(const struct places *places, const char *network, struct pool *ret,
	struct error *err) must_check;
/* The same without making anything; errnum ENOENT where nothing was ever given. */
int pool_open_existing(const struct places *places, const char *network, struct pool *ret,
	struct error *err) must_check;
void pool_close(struct pool *pool);

/* The host's published ports are leases too: "tcp.80", "udp.53@192.0.2.1". A lease that
 * another holds fails with errnum EADDRINUSE and says who; one's own is success. */
int pool_open_ports(
	const struct places *places, struct pool *ret, struct error *err) must_check;
int pool_lease(struct pool *pool, const char *name, const char *owner,
	struct error *err) must_check;
bool pool_holds(struct pool *pool, const char *name, const char *owner);
/* Releases the lease if the owner holds it. */
int pool_release_name(struct pool *pool, const char *name, const char *owner,
	struct error *err) must_check;

struct pool_request {
	const struct pool_range *ranges;
	size_t count;
	uint32_t set;
	const char *owner;            /* "CONTAINER/INTERFACE" */
	const char *other_leases;     /* a directory; what has a file there is taken */
	const struct address *wanted; /* NULL: the next free one */
};

/* The address with its subnet's prefix, and the range that it is from. Fails with errnum
 * ENOSPC when the set is exhausted, saying who holds what, and with EADDRINUSE when the
 * wanted one is taken. */
int pool_take(struct pool *pool, const struct pool_request *request,
	struct address *ret_address, const struct pool_range **ret_range,
	struct error *err) must_check;

/* Releases all that the owner holds; none is success. */
int pool_release(struct pool *pool, const char *owner, struct error *err) must_check;
/* One, if that owner holds it. */
int pool_release_address(struct pool *pool, const struct address *address,
	const char *owner, struct error *err) must_check;

/* Calls for each lease; the address has no prefix. */
int pool_each(struct pool *pool,
	int (*each)(void *argument, const char *address, const char *owner,
		struct error *err),
	void *argument, struct error *err) must_check;

/* How many addresses the set has for containers, at most UINT64_MAX, and how many of
 * them are taken. */
int pool_usage(struct pool *pool, const struct pool_request *request, uint64_t *ret_size,
	uint64_t *ret_taken, struct error *err) must_check;

/* Removes the directory of a network that is no more. */
int pool_remove(
	const struct places *places, const char *network, struct error *err) must_check;
