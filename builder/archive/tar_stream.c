/*
 *	reader (a thread)                       the caller
 *	read, hash, decompress, hash
 *	fills slot[filled % SLOTS]    -------->  takes slot[taken % SLOTS]
 *	waits while all are full      <--------  gives it back with its next call
 */
#include "builder/archive/tar_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "builder/archive/tar_open.h"

#define SLOTS     4u
#define SLOT_SIZE (256u << 10)
#define READ_SIZE (256u << 10)

struct tar_stream {
	int fd;
	pthread_t thread;
	bool started;
	bool hash;
	unsigned char *read_buffer;
	struct digest_state file_state;
	struct digest_state tar_state;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	unsigned char *slots[SLOTS];
	size_t lengths[SLOTS];
	uint64_t filled;
	uint64_t taken;
	bool borrowed; /* the caller looks at slot[taken] */
	bool ended;    /* nothing more will be filled */
	bool stopped;  /* nobody wants more */
	bool failed;
	bool compressed;
	char error[256];
};

/* ---- the reader's side --------------------------------------------------------------- */

static void set_failed(struct tar_stream *stream, const char *text)
{
	stream->failed = true;
	snprintf(stream->error, sizeof(stream->error), "%s",
		text ? text : "the archive is damaged");
}

static la_ssize_t read_file(struct archive *archive, void *argument, const void **ret)
{
	struct tar_stream *stream = argument;
	ssize_t got;

	do
		got = read(stream->fd, stream->read_buffer, READ_SIZE);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		archive_set_error(archive, errno, "reading: %s", strerror(errno));
		return -1;
	}
	if (stream->hash)
		digest_add(&stream->file_state, stream->read_buffer, (size_t)got);
	*ret = stream->read_buffer;
	return got;
}

/* A slot to fill, or NULL when nobody wants more. */
static unsigned char *wait_for_slot(struct tar_stream *stream)
{
	unsigned char *slot = NULL;

	pthread_mutex_lock(&stream->lock);
	while (!stream->stopped && stream->filled - stream->taken == SLOTS)
		pthread_cond_wait(&stream->changed, &stream->lock);
	if (!stream->stopped)
		slot = stream->slots[stream->filled % SLOTS];
	pthread_mutex_unlock(&stream->lock);
	return slot;
}

static void hand_over(struct tar_stream *stream, size_t length)
{
	if (length == 0)
		return;
	pthread_mutex_lock(&stream->lock);
	stream->lengths[stream->filled++ % SLOTS] = length;
	pthread_cond_signal(&stream->changed);
	pthread_mutex_unlock(&stream->lock);
}

/* One slot full. False: the end, an error, or nobody wants more. */
static bool fill_slot(struct tar_stream *stream, struct archive *archive)
{
	unsigned char *slot = wait_for_slot(stream);
	size_t length = 0;
	la_ssize_t got = 1;

	if (!slot)
		return false;
	while (length < SLOT_SIZE && got > 0) {
		got = archive_read_data(archive, slot + length, SLOT_SIZE - length);
		if (got < 0)
			set_failed(stream, archive_error_string(archive));
		else
			length += (size_t)got;
	}
	if (stream->hash && stream->compressed)
		digest_add(&stream->tar_state, slot, length);
	hand_over(stream, length);
	return got > 0;
}

static void read_all(struct tar_stream *stream)
{
	struct archive *archive = tar_open_filters();
	struct archive_entry *entry;
	int status;

	if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
		archive_read_support_format_empty(archive) != ARCHIVE_OK ||
		archive_read_open(archive, stream, NULL, read_file, NULL) != ARCHIVE_OK) {
		set_failed(stream, archive_error_string(archive));
	} else if ((status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		stream->compressed =
			archive_filter_code(archive, 0) != ARCHIVE_FILTER_NONE;
		while (fill_slot(stream, archive))
			;
	} else if (status != ARCHIVE_EOF) {
		set_failed(stream, archive_error_string(archive));
	}
	(void)archive_read_free(archive); /* reading: nothing can be lost */
}

/* Signals are the other thread's. */
static void *reader(void *argument)
{
	struct tar_stream *stream = argument;

	read_all(stream);
	pthread_mutex_lock(&stream->lock);
	stream->ended = true;
	pthread_cond_signal(&stream->changed);
	pthread_mutex_unlock(&stream->lock);
	return NULL;
}

/* ---- the caller's side --------------------------------------------------------------- */

static int start(struct tar_stream *stream)
{
	sigset_t all, old;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	result = pthread_create(&stream->thread, NULL, reader, stream);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	stream->started = result == 0;
	return result;
}

int tar_stream_begin(int fd, bool hash, struct tar_stream **ret, struct error *err)
{
	struct tar_stream *stream = str_alloc(sizeof(*stream));
	int result;

	stream->fd = fd;
	stream->hash = hash;
	stream->read_buffer = str_realloc(NULL, READ_SIZE, 1);
	for (size_t i = 0; i < SLOTS; i++)
		stream->slots[i] = str_realloc(NULL, SLOT_SIZE, 1);
	digest_init(&stream->file_state);
	digest_init(&stream->tar_state);
	pthread_mutex_init(&stream->lock, NULL);
	pthread_cond_init(&stream->changed, NULL);
	result = start(stream);
	if (result != 0) {
		tar_stream_free(stream);
		return fail_code(err, result, "starting a thread that reads: %s",
			strerror(result));
	}
	*ret = stream;
	return 0;
}

ssize_t tar_stream_next(struct tar_stream *stream, const void **ret)
{
	ssize_t length = 0;

	pthread_mutex_lock(&stream->lock);
	if (stream->borrowed) {
		stream->taken++;
		stream->borrowed = false;
		pthread_cond_signal(&stream->changed);
	}
	while (stream->filled == stream->taken && !stream->ended)
		pthread_cond_wait(&stream->changed, &stream->lock);
	if (stream->filled != stream->taken) {
		*ret = stream->slots[stream->taken % SLOTS];
		length = (ssize_t)stream->lengths[stream->taken % SLOTS];
		stream->borrowed = true;
	} else if (stream->failed) {
		length = -1;
	}
	pthread_mutex_unlock(&stream->lock);
	return length;
}

const char *tar_stream_error(const struct tar_stream *stream)
{
	return stream->error;
}

int tar_stream_end(struct tar_stream *stream, int64_t limit, struct tar_digests *ret,
	struct error *err)
{
	const void *data;
	ssize_t got;

	while ((got = tar_stream_next(stream, &data)) > 0) {
		limit -= got;
		if (limit < 0)
			return fail(err, "it goes on for too long after its end");
	}
	if (got < 0)
		return fail(err, "%s", stream->error);
	if (!stream->hash)
		return 0;
	ret->digest = digest_end(&stream->file_state);
	ret->diff_id = stream->compressed ? digest_end(&stream->tar_state) : ret->digest;
	return 0;
}

void tar_stream_free(struct tar_stream *stream)
{
	if (!stream)
		return;
	if (stream->started) {
		pthread_mutex_lock(&stream->lock);
		stream->stopped = true;
		pthread_cond_signal(&stream->changed);
		pthread_mutex_unlock(&stream->lock);
		pthread_join(stream->thread, NULL);
	}
	pthread_cond_destroy(&stream->changed);
	pthread_mutex_destroy(&stream->lock);
	digest_free(&stream->file_state);
	digest_free(&stream->tar_state);
	for (size_t i = 0; i < SLOTS; i++)
		free(stream->slots[i]);
	free(stream->read_buffer);
	free(stream);
}
