/* Threads, each with a connection of its own, take the next blob until there is none. */
#include "builder/registry/blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "builder/digest.h"
#include "builder/layout.h"
#include "builder/size.h"

#define CONNECTIONS 4
#define ATTEMPTS    6
#define STALLS_MAX  3
#define BREAKS_MAX  100                 /* however little comes between them */
#define TICK        (100 * 1000 * 1000) /* nanoseconds between changes of a live line */

/* What the threads share; the lock guards all that changes. */
struct shared {
	const struct client *client;
	const struct blobs *blobs;
	pthread_mutex_t lock;
	size_t next;
	size_t finished;
	uint64_t received;
	uint64_t total;
	int64_t shown; /* when the live line was written last */
	bool failed;
	struct error error;
};

/* One blob on its way. */
struct arrival {
	struct shared *shared;
	const struct image_descriptor *descriptor;
	struct digest_state digest;
	uint64_t offset; /* that far it is here */
	int fd;
	bool bad; /* what came is wrong: no use in trying again */
	unsigned int stalls;
	struct error error;
};

/* ---- what is told ------------------------------------------------------------------- */

static void say(int output, const char *text)
{
	if (output >= 0 && fd_write_all(output, text, strlen(text)) < 0)
		return; /* who does not listen is not told */
}

/* With the lock held. */
static void show_bytes(struct shared *shared)
{
	const struct blobs *blobs = shared->blobs;
	auto_free char *line = NULL;

	if (!blobs->live || clock_ns() - shared->shown < TICK)
		return;
	shared->shown = clock_ns();
	line = str_format("\r\033[K  %zu of %zu blobs, %s of %s", shared->finished,
		blobs->count, size_text(shared->received).text,
		size_text(shared->total).text);
	say(blobs->output, line);
}

static void show_finished(struct shared *shared, const struct image_descriptor *blob)
{
	const struct blobs *blobs = shared->blobs;
	auto_free char *line = str_format("%s  %zu/%zu %.19s %s\n",
		blobs->live ? "\r\033[K" : "", shared->finished, blobs->count,
		blob->digest, size_text(blob->size).text);

	say(blobs->output, line);
}

/* ---- one blob ----------------------------------------------------------------------- */

static int restart(struct arrival *arrival)
{
	digest_free(&arrival->digest);
	digest_init(&arrival->digest);
	arrival->offset = 0;
	if (ftruncate(arrival->fd, 0) < 0 || lseek(arrival->fd, 0, SEEK_SET) < 0)
		return fail_errno(
			&arrival->error, "writing %s", arrival->descriptor->digest);
	return 0;
}

/* False: another thread failed, and all end. */
static bool count_bytes(struct shared *shared, size_t length)
{
	bool go_on;

	pthread_mutex_lock(&shared->lock);
	shared->received += length;
	show_bytes(shared);
	go_on = !shared->failed;
	pthread_mutex_unlock(&shared->lock);
	return go_on;
}

static int receive(
	void *argument, long status, uint64_t at, const char *data, size_t length)
{
	struct arrival *arrival = argument;
	const struct image_descriptor *blob = arrival->descriptor;

	arrival->bad = true; /* unless it goes well */
	/* A server that knows no ranges begins again. */
	if (at == 0 && arrival->offset > 0 && restart(arrival) < 0)
		return -1;
	if (at != arrival->offset)
		return fail(&arrival->error,
			"%s: the registry sent bytes from %ju on, asked for %ju",
			blob->digest, (uintmax_t)at, (uintmax_t)arrival->offset);
	if (length > blob->size - arrival->offset)
		return fail(&arrival->error,
			"%s: the registry sends more than its %ju bytes", blob->digest,
			(uintmax_t)blob->size);
	if (fd_write_all(arrival->fd, data, length) < 0)
		return fail_errno(&arrival->error, "writing %s", blob->digest);
	digest_add(&arrival->digest, data, length);
	arrival->offset += length;
	if (!count_bytes(arrival->shared, length))
		return fail(&arrival->error, "another blob failed");
	arrival->bad = false;
	return 0;
}

static int fetch_once(struct client *client, struct arrival *arrival, bool *ret_again,
	struct error *err)
{
	const struct image_descriptor *blob = arrival->descriptor;
	auto_free char *url =
		str_format("/v2/%s/blobs/%s", client->repository, blob->digest);
	auto_http_response response = { 0 };
	auto_strings headers = { 0 };
	struct http_request request = {
		.method = "GET",
		.url = url,
		.sink = receive,
		.argument = arrival,
	};
	int result;

	if (arrival->offset > 0)
		strings_addf(&headers, "Range: bytes=%ju-", (uintmax_t)arrival->offset);
	request.headers = headers;
	result = client_request(client, &request, &response, err);
	arrival->stalls += response.stalled;
	*ret_again = response.broken || response.status >= 500 ||
		     response.status == 429 ||
		     (result == 0 && arrival->offset < blob->size);
	if (arrival->bad) {
		*err = arrival->error;
		*ret_again = false;
		return -1;
	}
	if (result == 0 && arrival->offset < blob->size)
		return fail(err, "%s: the registry sent %ju of its %ju bytes",
			blob->digest, (uintmax_t)arrival->offset, (uintmax_t)blob->size);
	return result;
}

static void pause_before(unsigned int attempt)
{
	struct timespec time = { .tv_sec = (1 << attempt) / 8,
		.tv_nsec = (1 << attempt) % 8 * 125000000L };

	(void)nanosleep(&time, NULL); /* shorter is fine */
}

/* As long as something comes, each break is a first one. */
static int fetch(struct client *client, struct arrival *arrival, struct error *err)
{
	unsigned int attempt = 0;
	unsigned int breaks = 0;

	while (arrival->offset < arrival->descriptor->size || attempt == 0) {
		uint64_t before = arrival->offset;
		bool again = false;

		if (fetch_once(client, arrival, &again, err) == 0)
			break;
		if (arrival->offset == arrival->descriptor->size)
			break;
		attempt = arrival->offset > before ? 1 : attempt + 1;
		if (!again || attempt >= ATTEMPTS || ++breaks >= BREAKS_MAX ||
			arrival->stalls >= STALLS_MAX)
			return -1;
		pause_before(attempt);
	}
	return 0;
}

static int verify(struct arrival *arrival, struct error *err)
{
	struct digest found = digest_end(&arrival->digest);
	struct digest expected;

	if (layout_digest(arrival->descriptor, &expected, err) < 0)
		return -1;
	if (strcmp(found.hex, expected.hex) == 0)
		return 0;
	return fail(err, "%s: the registry sent bytes with the digest sha256:%s",
		arrival->descriptor->digest, found.hex);
}

static int download(struct shared *shared, struct client *client,
	const struct image_descriptor *blob, struct error *err)
{
	struct arrival arrival = { .shared = shared, .descriptor = blob, .fd = -1 };
	auto_free char *name = NULL;
	struct digest digest;
	auto_fd fd = -1;
	int result;

	if (layout_digest(blob, &digest, err) < 0)
		return -1;
	name = layout_blob_name(&digest);
	fd = openat(shared->blobs->directory_fd, name,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail_errno(err, "making a file for %s", blob->digest);
	arrival.fd = fd;
	digest_init(&arrival.digest);
	result = fetch(client, &arrival, err);
	if (result == 0)
		result = verify(&arrival, err);
	digest_free(&arrival.digest);
	return result;
}

/* ---- threads ------------------------------------------------------------------------ */

static const struct image_descriptor *take_next(struct shared *shared)
{
	const struct image_descriptor *blob = NULL;

	pthread_mutex_lock(&shared->lock);
	if (!shared->failed && shared->next < shared->blobs->count)
		blob = shared->blobs->items[shared->next++];
	pthread_mutex_unlock(&shared->lock);
	return blob;
}

/* The first failure is the one that counts: the others follow from it. */
static void give_up(struct shared *shared, const struct error *error)
{
	pthread_mutex_lock(&shared->lock);
	if (!shared->failed)
		shared->error = *error;
	shared->failed = true;
	pthread_mutex_unlock(&shared->lock);
}

static void finish(struct shared *shared, const struct image_descriptor *blob)
{
	pthread_mutex_lock(&shared->lock);
	shared->finished++;
	show_finished(shared, blob);
	pthread_mutex_unlock(&shared->lock);
}

static void *work(void *argument)
{
	struct shared *shared = argument;
	const struct image_descriptor *blob;
	auto_client client = { 0 };
	struct error error;

	if (client_clone(shared->client, &client, &error) < 0) {
		give_up(shared, &error);
		return NULL;
	}
	while ((blob = take_next(shared))) {
		if (download(shared, &client, blob, &error) < 0)
			give_up(shared, &error);
		else
			finish(shared, blob);
	}
	return NULL;
}

int blobs_download(
	const struct client *client, const struct blobs *blobs, struct error *err)
{
	struct shared shared = { .client = client, .blobs = blobs };
	pthread_t threads[CONNECTIONS];
	size_t count = 0;

	for (size_t i = 0; i < blobs->count; i++)
		shared.total += blobs->items[i]->size;
	pthread_mutex_init(&shared.lock, NULL);
	while (count < MIN(blobs->count, (size_t)CONNECTIONS) &&
		pthread_create(&threads[count], NULL, work, &shared) == 0)
		count++;
	if (count == 0)
		(void)work(&shared); /* without threads, or without blobs: here */
	for (size_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_mutex_destroy(&shared.lock);
	if (shared.failed) {
		*err = shared.error;
		return -1;
	}
	return 0;
}
