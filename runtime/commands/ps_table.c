/*
 * What `ps -ef` prints, of the container's processes alone: a start of ps(1) costs more than
 * the rest of the command, and a machine for containers may have none. Fields of
 * /proc/PID/stat by their names in proc(5).
 */
#include "runtime/commands/ps_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/container.h"
#include "runtime/process/procfs.h"

struct row {
	uid_t uid; /* effective */
	int ppid;
	unsigned tty_nr;
	uint64_t utime; /* this and the others: clock ticks */
	uint64_t stime;
	uint64_t starttime; /* since boot */
};

/* What the rows have in common. */
struct clock {
	time_t now;
	time_t booted;
	uint64_t ticks; /* a second */
};

static void read_clock(struct clock *ret)
{
	struct timespec since_boot;

	(void)clock_gettime(CLOCK_BOOTTIME, &since_boot); /* cannot fail for this clock */
	ret->now = time(NULL);
	ret->booted = ret->now - since_boot.tv_sec;
	ret->ticks = (uint64_t)sysconf(_SC_CLK_TCK);
}

/* False: it has ended. A name may have blanks and parentheses of its own. */
static bool read_row(pid_t pid, struct row *ret)
{
	auto_free char *stat = procfs_read(pid, "stat");
	auto_free char *status = procfs_read(pid, "status");
	auto_free char *uids = status ? procfs_field(status, "Uid") : NULL;
	const char *after_name = stat ? strrchr(stat, ')') : NULL;

	return after_name && uids && sscanf(uids, "%*u %u", &ret->uid) == 1 &&
	       sscanf(after_name,
		       ") %*c %d %*d %*d %u %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		       " %*d %*d %*d %*d %*d %*d %" SCNu64,
		       &ret->ppid, &ret->tty_nr, &ret->utime, &ret->stime,
		       &ret->starttime) == 5;
}

/* The day for what began on another one, the year for what began in another one. */
static void add_start(const struct clock *clock, time_t start, struct str *to)
{
	struct tm began, today;
	char text[16] = "";

	localtime_r(&start, &began);
	localtime_r(&clock->now, &today);
	(void)strftime(text, sizeof(text),
		began.tm_year != today.tm_year   ? "%Y"
		: began.tm_yday != today.tm_yday ? "%b%d"
						 : "%H:%M",
		&began);
	str_appendf(to, " %-5s", text);
}

/* The majors of Documentation/admin-guide/devices.txt: 4 is consoles and serial lines, 136
 * to 143 are pseudo-terminals. */
static void add_terminal(unsigned device, struct str *to)
{
	unsigned major = device >> 8 & 0xfff;
	unsigned minor = (device & 0xff) | (device >> 12 & 0xfff00);
	auto_free char *name = NULL;

	if (major >= 136 && major <= 143)
		name = str_format("pts/%u", (major - 136) * 256 + minor);
	else if (major == 4)
		name = minor < 64 ? str_format("tty%u", minor)
				  : str_format("ttyS%u", minor - 64);
	str_appendf(to, " %-8s", name ? name : "?");
}

static void add_time(uint64_t seconds, struct str *to)
{
	uint64_t days = seconds / 86400;
	auto_free char *of_day =
		str_format("%02u:%02u:%02u", (unsigned)(seconds / 3600 % 24),
			(unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));

	if (days)
		str_appendf(to, " %" PRIu64 "-%s", days, of_day);
	else
		str_appendf(to, " %s", of_day);
}

/* Of a hundred, over all of its life. */
static uint64_t cpu_share(const struct clock *clock, const struct row *row, time_t start)
{
	uint64_t used = (row->utime + row->stime) * 100 / clock->ticks;

	return clock->now > start ? MIN(used / (uint64_t)(clock->now - start), 99) : 0;
}

static void add_row(const struct clock *clock, pid_t pid, struct str *to)
{
	auto_free char *command = procfs_command(pid);
	auto_free char *user = NULL;
	struct row row;
	time_t start;

	if (!read_row(pid, &row))
		return;
	user = container_user_name(row.uid);
	start = clock->booted + (time_t)(row.starttime / clock->ticks);
	str_appendf(to, "%-8s %7d %7d %2" PRIu64, user, pid, row.ppid,
		cpu_share(clock, &row, start));
	add_start(clock, start, to);
	add_terminal(row.tty_nr, to);
	add_time((row.utime + row.stime) / clock->ticks, to);
	str_appendf(to, " %s\n", command ? command : "?");
}

void ps_table(const struct cgroup_pids *pids, struct str *to)
{
	struct clock clock;

	read_clock(&clock);
	str_append(to, "UID          PID    PPID  C STIME TTY          TIME CMD\n");
	for (size_t i = 0; i < pids->count; i++)
		add_row(&clock, pids->items[i], to);
}
