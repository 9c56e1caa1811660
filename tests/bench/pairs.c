/*
 * Times commands side by side: each round runs every command once, so that noise of the
 * machine meets all of them alike, and in an order that changes, so that none always follows
 * the same one. With -p there is a pause before each, in which the kernel
 * ends what the last one left to it: the worker that takes a network namespace apart holds
 * the lock that whoever makes the next one waits for. Prints for each the median, the tenth
 * and the ninetieth percentile of the wall time, the peak memory, and the median of the
 * rounds' ratios to each command before it.
 *
 *	pairs [-n ROUNDS] [-w WARMUPS] [-p MILLISECONDS] NAME=COMMAND...
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

#define USAGE "pairs [-n ROUNDS] [-w WARMUPS] [-p MILLISECONDS] NAME=COMMAND..."

struct subject {
	char *name;
	struct strings words;
	double *times; /* ms, one a round */
	long peak_kib;
};

struct options {
	uint32_t rounds;
	uint32_t warmups;
	uint32_t pause_ms;
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

static int run_rounds(struct subject *subjects, size_t count,
	const struct options *options, struct error *err)
{
	unsigned number = 0;

	for (uint32_t round = 0; round < options->warmups + options->rounds; round++) {
		for (size_t i = 0; i < count; i++) {
			size_t at = (i + round / 2) % count;
			struct subject *subject =
				&subjects[round % 2 ? count - 1 - at : at];
			double ms;

			(void)usleep(options->pause_ms * 1000); /* less does no harm */
			if (run_once(subject, ++number, &ms, err) < 0)
				return -1;
			if (round >= options->warmups)
				subject->times[round - options->warmups] = ms;
		}
	}
	return 0;
}

/* The median of the rounds' ratios. */
static double ratio(const struct subject *to, const struct subject *of, uint32_t rounds)
{
	auto_free double *ratios = str_alloc(rounds * sizeof(*ratios));

	for (uint32_t round = 0; round < rounds; round++)
		ratios[round] = of->times[round] / to->times[round];
	return percentile(ratios, rounds, 0.5);
}

/* Sorting the times comes last: the rounds are no longer known from then on. */
static void print_table(struct subject *subjects, size_t count, uint32_t rounds)
{
	auto_free double *ratios = str_alloc(count * count * sizeof(*ratios));

	for (size_t i = 0; i < count; i++) {
		for (size_t to = 0; to < i; to++)
			ratios[i * count + to] =
				ratio(&subjects[to], &subjects[i], rounds);
	}
	printf("%-16s %10s %10s %10s %10s  %s\n", "", "median ms", "p10", "p90",
		"peak KiB", count > 1 ? "ratio to each before" : "");
	for (size_t i = 0; i < count; i++) {
		printf("%-16s %10.2f %10.2f %10.2f %10ld", subjects[i].name,
			percentile(subjects[i].times, rounds, 0.5),
			percentile(subjects[i].times, rounds, 0.1),
			percentile(subjects[i].times, rounds, 0.9), subjects[i].peak_kib);
		for (size_t to = 0; to < i; to++)
			printf(" %7.3f", ratios[i * count + to]);
		putchar('\n');
	}
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
	return 0;
}

static int parse_options(int argc, char **argv, struct options *ret, struct error *err)
{
	struct options options = { .rounds = 30, .warmups = 3 };
	int letter;

	while ((letter = getopt(argc, argv, "+n:w:p:")) != -1) {
		const char name[] = { '-', (char)letter, '\0' };
		uint32_t *number = letter == 'n'   ? &options.rounds
				   : letter == 'w' ? &options.warmups
						   : &options.pause_ms;

		if (letter == '?')
			return fail(err, "usage: " USAGE);
		if (str_to_u32(optarg, name, number, err) < 0)
			return -1;
	}
	if (optind == argc || options.rounds == 0)
		return fail(err, "usage: " USAGE);
	*ret = options;
	return 0;
}

static int bench(int argc, char **argv, struct error *err)
{
	struct options options;
	size_t count;
	struct subject *subjects;

	if (parse_options(argc, argv, &options, err) < 0)
		return -1;
	count = (size_t)(argc - optind);
	subjects = str_alloc(count * sizeof(*subjects)); /* lives as long as we do */
	for (size_t i = 0; i < count; i++) {
		if (parse_subject(
			    &subjects[i], argv[optind + (int)i], options.rounds, err) < 0)
			return -1;
	}
	if (run_rounds(subjects, count, &options, err) < 0)
		return -1;
	print_table(subjects, count, options.rounds);
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
