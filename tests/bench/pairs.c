/*
 * Times commands side by side: each round runs every command once, in turn, so that noise
 * of the machine meets all of them alike. Prints for each the median, the tenth and the
 * ninetieth percentile of the wall time, the peak memory, and the median of the rounds'
 * ratios to the first command.
 *
 *	pairs [-n ROUNDS] [-w WARMUPS] NAME=COMMAND...
 *
 * A command is split at spaces, without a shell; {} becomes a number that no other run of
 * this process has. A command that fails ends the whole with its output shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

struct subject {
	char *name;
	struct strings words;
	double *times;  /* ms, one a round */
	double *ratios; /* to the first subject's time of the same round */
	long peak_kib;
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(double *values, size_t count, double part)
{
	qsort(values, count, sizeof(*values), compare);
	return values[(size_t)((double)(count - 1) * part + 0.5)];
}

/* The words of one run, {} replaced. */
static void fill_words(struct strings *to, const struct strings *from, unsigned number)
{
	strings_each (word, from) {
		char *mark = strstr(*word, "{}");

		if (mark)
			strings_addf(to, "%.*s%u%s", (int)(mark - *word), *word, number,
				mark + 2);
		else
			strings_add(to, *word);
	}
}

static no_return void become(char **argv, int output)
{
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void show(int output)
{
	char text[4096];
	ssize_t length;

	lseek(output, 0, SEEK_SET);
	while ((length = read(output, text, sizeof(text))) > 0)
		(void)!write(STDERR_FILENO, text, (size_t)length); /* best effort */
}

static int run_once(
	struct subject *subject, unsigned number, double *ret_ms, struct error *err)
{
	auto_strings words = { 0 };
	auto_fd output = memfd_create("output", MFD_CLOEXEC);
	struct rusage usage;
	double start;
	pid_t pid;
	int status;

	fill_words(&words, &subject->words, number);
	start = now_ms();
	pid = vfork();
	if (pid < 0)
		return fail_errno(err, "starting %s", subject->name);
	if (pid == 0)
		become(words.items, output);
	if (wait4(pid, &status, 0, &usage) < 0)
		return fail_errno(err, "waiting for %s", subject->name);
	*ret_ms = now_ms() - start;
	subject->peak_kib = MAX(subject->peak_kib, usage.ru_maxrss);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		show(output);
		return fail(err, "%s failed with wait status %#x", subject->name, status);
	}
	return 0;
}

static int run_rounds(struct subject *subjects, size_t count, uint32_t warmups,
	uint32_t rounds, struct error *err)
{
	unsigned number = 0;

	for (uint32_t round = 0; round < warmups + rounds; round++) {
		for (size_t i = 0; i < count; i++) {
			double ms;

			if (run_once(&subjects[i], ++number, &ms, err) < 0)
				return -1;
			if (round < warmups)
				continue;
			subjects[i].times[round - warmups] = ms;
			subjects[i].ratios[round - warmups] =
				ms / subjects[0].times[round - warmups];
		}
	}
	return 0;
}

static void print_table(struct subject *subjects, size_t count, uint32_t rounds)
{
	printf("%-16s %10s %10s %10s %10s %8s\n", "", "median ms", "p10", "p90",
		"peak KiB", "ratio");
	for (size_t i = 0; i < count; i++)
		printf("%-16s %10.2f %10.2f %10.2f %10ld %8.3f\n", subjects[i].name,
			percentile(subjects[i].times, rounds, 0.5),
			percentile(subjects[i].times, rounds, 0.1),
			percentile(subjects[i].times, rounds, 0.9), subjects[i].peak_kib,
			percentile(subjects[i].ratios, rounds, 0.5));
}

static int parse_subject(
	struct subject *subject, const char *word, uint32_t rounds, struct error *err)
{
	const char *equals = strchr(word, '=');

	if (!equals || equals == word || !equals[1])
		return fail(err, "expected NAME=COMMAND, found \"%s\"", word);
	subject->name = str_dup_n(word, (size_t)(equals - word));
	strings_split(&subject->words, equals + 1, ' ');
	subject->times = str_alloc(rounds * sizeof(double));
	subject->ratios = str_alloc(rounds * sizeof(double));
	return 0;
}

static int bench(int argc, char **argv, struct error *err)
{
	uint32_t rounds = 30;
	uint32_t warmups = 3;
	size_t count;
	struct subject *subjects;
	int letter;

	while ((letter = getopt(argc, argv, "+n:w:")) != -1) {
		if (letter == '?')
			return fail(err,
				"usage: pairs [-n ROUNDS] [-w WARMUPS] NAME=COMMAND...");
		if (str_to_u32(optarg, letter == 'n' ? "-n" : "-w",
			    letter == 'n' ? &rounds : &warmups, err) < 0)
			return -1;
	}
	if (optind == argc || rounds == 0)
		return fail(err, "usage: pairs [-n ROUNDS] [-w WARMUPS] NAME=COMMAND...");
	count = (size_t)(argc - optind);
	subjects = str_alloc(count * sizeof(*subjects)); /* lives as long as we do */
	for (size_t i = 0; i < count; i++) {
		if (parse_subject(&subjects[i], argv[optind + (int)i], rounds, err) < 0)
			return -1;
	}
	if (run_rounds(subjects, count, warmups, rounds, err) < 0)
		return -1;
	print_table(subjects, count, rounds);
	return 0;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	if (bench(argc, argv, &err) == 0)
		return 0;
	fprintf(stderr, "pairs: %s\n", err.text);
	return 1;
}
