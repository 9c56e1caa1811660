/*
 * The store: an OCI image layout and, beside it, unpacked layers.
 *
 *	oci-layout  index.json      the layout's version; names of images
 *	blobs/sha256/HEX            image records and whatever an export or import adds
 *	layers/KEY/fs               the upper directory that a step left, with overlayfs marks
 *	layers/KEY/layer.json       its size, parent, instruction (see layer.h)
 *	memo/KEY                    small answers worth keeping (see cache.h)
 *	leases/HEX                  bundles whose root stands on layers (see lease.h)
 *	temp/NAME  runtime          a session's work and containers (see session.h)
 *	empty  empty2               empty directories: overlayfs wants one more layer
 *	probe                       of users: overlayfs is tried there (see overlay_probe.h)
 *	lock  index.lock            see below
 *	caches.lock                 held while a step takes several caches (see run.c)
 *
 * Everything is written beside its place and renamed into it; nothing is changed in place.
 *
 * After a power cut index.json is an old one or the new one, and the records that it names
 * are there. Layers and their archives are not synced, for that would mean to wait for all
 * that anybody writes to the file system: those of the last moments can be lost or hold
 * files that are empty, as after any copy; `rmi` and `prune --all` remove them. An image
 * whose record is damaged nevertheless is told of and left out; the others stay as they are.
 *
 * Who uses layers holds `lock` shared; who removes layers holds it exclusively. Who changes
 * index.json holds index.lock exclusively, for that moment only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/digest.h"

#define STORE_BLOB_MAX (16u << 20) /* of a document; layers are not read into memory */

struct store {
	char *root; /* absolute */
	int root_fd;
	int blobs_fd;
	int layers_fd;
	int memo_fd;
	int leases_fd;
	int temp_fd;
	int lock_fd;
	bool copies; /* overlayfs is refused here: layers are copied on each other */
};

#define auto_store __attribute__((cleanup(store_close))) struct store
#define STORE_CLOSED                                                           \
	{                                                                      \
		.root_fd = -1, .blobs_fd = -1, .layers_fd = -1, .memo_fd = -1, \
		.leases_fd = -1, .temp_fd = -1, .lock_fd = -1,                 \
	}

/* root NULL: /var/lib/mocker, or for users beneath XDG_DATA_HOME or HOME; a directory that
 * others could write to is refused. Makes what is missing and takes the lock: LOCK_SH to use
 * layers, LOCK_EX to remove some. LOCK_EX does not wait: errnum EWOULDBLOCK while a build
 * runs. */
int store_open(
	const char *root, int lock, struct store *ret, struct error *err) must_check;
void store_close(struct store *store);

/* Owned by the caller: ROOT/A/B. */
char *store_path(const struct store *store, const char *a, const char *b);

/* A document as a blob; one that is there but damaged is written anew. */
int store_put_blob(const struct store *store, const void *data, size_t length,
	struct digest *ret, struct error *err) must_check;
/* Checked against its digest: errnum EBADMSG where the bytes have another. */
int store_get_blob(const struct store *store, const struct digest *digest, char **ret,
	size_t *ret_length, struct error *err) must_check;
/* A file that is complete becomes a blob; its bytes were hashed by the caller. The file
 * at dir_fd/name is moved. */
int store_move_blob(const struct store *store, int dir_fd, const char *name,
	const struct digest *digest, struct error *err) must_check;
/* The same of a file that stays where it is, too, and that nobody writes any more. */
int store_link_blob(const struct store *store, int dir_fd, const char *name,
	const struct digest *digest, struct error *err) must_check;
/* Waits until the blob and its name are on the disk. */
int store_sync_blob(const struct store *store, const struct digest *digest,
	struct error *err) must_check;
/* For reading; -1 with errno where there is none. */
int store_open_blob(const struct store *store, const struct digest *digest);
