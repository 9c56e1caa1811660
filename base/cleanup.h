/*
 * Owning locals: auto_fd fd = -1; releases at the end of the scope what it still holds.
 * take_fd(&fd), take_ptr(&p), take_pid(&pid) hand over and disarm.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define auto_fd   __attribute__((cleanup(cleanup_fd))) int
#define auto_free __attribute__((cleanup(cleanup_free)))
#define auto_dir  __attribute__((cleanup(cleanup_dir))) DIR *
#define auto_file __attribute__((cleanup(cleanup_file))) FILE *
/* A child of ours: killed and reaped at the end of the scope. */
#define auto_pid __attribute__((cleanup(cleanup_pid))) pid_t

/* The cleanup functions keep errno: they run between a failure and its report. */
void cleanup_fd(const int *fd);
void cleanup_free(void *pointer);
void cleanup_dir(DIR *const *dir);
void cleanup_file(FILE *const *file);
void cleanup_pid(const pid_t *pid);

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline pid_t take_pid(pid_t *pid)
{
	pid_t taken = *pid;

	*pid = -1;
	return taken;
}

static inline void *take_pointer(void *address)
{
	void **pointer = address;
	void *taken = *pointer;

	*pointer = NULL;
	return taken;
}

#define take_ptr(address) ((__typeof__(*(address)))take_pointer(address))
