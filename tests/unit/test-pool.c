/* netsetup/pool: every address once, whatever is asked and whoever dies. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "netsetup/addresses/pool.h"
#include "netsetup/network.h"
#include "tests/unit/test.h"

/* JSON structs own their strings; those of these tables are never freed. */
#define T(text) ((char *)(text))

struct fixture {
	char directory[64];
	struct places places;
	struct pool_range *ranges;
	size_t count;
};

static void begin(
	struct fixture *fixture, const struct network_range *ranges, size_t count)
{
	struct network network = { .ranges = (struct network_range *)(uintptr_t)ranges,
		.ranges_count = count };
	struct error err;

	*fixture = (struct fixture){ .directory = "/tmp/mocker-test-pool.XXXXXX" };
	CHECK(mkdtemp(fixture->directory) != NULL);
	CHECK_OK(places_find(fixture->directory, &fixture->places, &err), &err);
	CHECK_OK(network_ranges(&network, &fixture->ranges, &fixture->count, &err), &err);
}

static void end(struct fixture *fixture)
{
	struct error err;

	CHECK_OK(path_remove_tree(AT_FDCWD, fixture->directory, &err), &err);
	places_free(&fixture->places);
	free(fixture->ranges);
}

static int take(struct fixture *fixture, const char *owner, const char *wanted,
	struct address_text *ret, struct error *err)
{
	auto_pool pool = { 0 };
	const struct pool_range *range;
	struct address address;
	struct address asked = { 0 };
	const struct pool_request request = {
		.ranges = fixture->ranges,
		.count = fixture->count,
		.owner = owner,
		.wanted = wanted ? &asked : NULL,
	};

	if (wanted && address_parse(wanted, "wanted", &asked, err) < 0)
		return -1;
	if (pool_open(&fixture->places, "net", &pool, err) < 0 ||
		pool_take(&pool, &request, &address, &range, err) < 0)
		return -1;
	*ret = address_text_prefix(&address);
	return 0;
}

static void release(struct fixture *fixture, const char *owner)
{
	auto_pool pool = { 0 };
	struct error err;

	CHECK_OK(pool_open(&fixture->places, "net", &pool, &err), &err);
	CHECK_OK(pool_release(&pool, owner, &err), &err);
}

static void goes_round(void)
{
	static const struct network_range ranges[] = { { .subnet = T("10.0.0.0/29") } };
	static const char *const expected[] = { "10.0.0.2/29", "10.0.0.3/29",
		"10.0.0.4/29", "10.0.0.5/29", "10.0.0.6/29" };
	struct fixture fixture;
	struct address_text text;
	struct error err;

	begin(&fixture, ranges, 1);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		auto_free char *owner = str_format("c%zu/eth0", i);

		CHECK_OK(take(&fixture, owner, NULL, &text, &err), &err);
		CHECK_STR(text.text, expected[i]);
	}
	CHECK_FAILS(take(&fixture, "late/eth0", NULL, &text, &err), &err,
		"the addresses of network \"net\" are exhausted");
	CHECK_HAS(err.text, "10.0.0.4 c2/eth0");
	CHECK_INT(err.errnum, ENOSPC);
	release(&fixture, "c1/eth0");
	release(&fixture, "c3/eth0");
	CHECK_OK(take(&fixture, "new/eth0", NULL, &text, &err), &err);
	CHECK_STR(text.text, "10.0.0.3/29");
	release(&fixture, "new/eth0");
	CHECK_OK(take(&fixture, "newer/eth0", NULL, &text, &err), &err);
	CHECK_STR(text.text, "10.0.0.5/29"); /* the other one rests longer */
	end(&fixture);
}

static void gives_what_is_wanted(void)
{
	static const struct network_range ranges[] = { { .subnet = T("10.0.0.0/24"),
		.first = T("10.0.0.10"),
		.last = T("10.0.0.20"),
		.gateway = T("10.0.0.15") } };
	static const struct {
		const char *wanted;
		const char *expected; /* NULL: the error */
		const char *error;
	} cases[] = {
		{ "10.0.0.12", "10.0.0.12/24", NULL },
		{ "10.0.0.12", NULL, "is taken by a/eth0" },
		{ "10.0.0.15", NULL, "is the gateway" },
		{ "10.0.0.9", NULL, "is not among the addresses" },
		{ "10.0.1.12", NULL, "is not among the addresses" },
		{ "fd00::1", NULL, "is not among the addresses" },
		{ NULL, "10.0.0.10/24", NULL },
	};
	struct fixture fixture;
	struct address_text text;
	struct error err;

	begin(&fixture, ranges, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int result = take(&fixture, "a/eth0", cases[i].wanted, &text, &err);

		if (cases[i].expected) {
			CHECK_OK(result, &err);
			CHECK_STR(text.text, cases[i].expected);
		} else {
			CHECK_FAILS(result, &err, cases[i].error);
		}
	}
	end(&fixture);
}

static void ranges_continue(void)
{
	static const struct network_range ranges[] = {
		{ .subnet = T("10.0.0.0/24"), .first = T("10.0.0.254") },
		{ .subnet = T("10.0.1.0/24"), .last = T("10.0.1.2") },
	};
	struct fixture fixture;
	struct address_text text;
	struct error err;

	begin(&fixture, ranges, 2);
	CHECK_OK(take(&fixture, "a/eth0", NULL, &text, &err), &err);
	CHECK_STR(text.text, "10.0.0.254/24");
	CHECK_OK(take(&fixture, "b/eth0", NULL, &text, &err), &err);
	CHECK_STR(text.text, "10.0.1.2/24");
	CHECK_FAILS(take(&fixture, "c/eth0", NULL, &text, &err), &err, "exhausted");
	end(&fixture);
}

/* A lease of another boot is nobody's; so is its directory. */
static void reboot_frees(void)
{
	static const struct network_range ranges[] = { { .subnet = T("10.0.0.0/30") } };
	struct fixture fixture;
	struct address_text text;
	struct error err;
	auto_free char *old = NULL;
	auto_free char *lease = NULL;

	begin(&fixture, ranges, 1);
	old = str_format("%s/net/0000-another-boot", fixture.places.pools);
	lease = str_format("%s/10.0.0.2", old);
	CHECK_OK(path_mkdirs(old, 0755, &err), &err);
	CHECK_INT(symlink("gone/eth0", lease), 0);
	CHECK_OK(take(&fixture, "a/eth0", NULL, &text, &err), &err);
	CHECK_STR(text.text, "10.0.0.2/30");
	CHECK_INT(access(old, F_OK), -1);
	end(&fixture);
}

struct seen {
	size_t count;
	struct strings owners;
};

static int note(void *argument, const char *address, const char *owner, struct error *err)
{
	struct seen *seen = argument;

	seen->count++;
	if (strings_contain(&seen->owners, owner))
		return fail(err, "%s has two addresses", owner);
	strings_add(&seen->owners, owner);
	return 0;
}

enum { CHILDREN = 64 };

/* Takes one and tells so; every third waits then to be killed. */
static pid_t fork_taker(struct fixture *fixture, int number, int told)
{
	pid_t child = fork();
	struct address_text text;
	struct error err;
	char owner[32];
	char byte = (char)number;
	bool taken;

	if (child != 0)
		return child;
	snprintf(owner, sizeof(owner), "c%d/eth0", number);
	taken = take(fixture, owner, NULL, &text, &err) == 0;
	if (write(told, &byte, 1) < 0)
		_exit(1);
	if (number % 3 == 0)
		for (;;)
			pause();
	_exit(taken ? 0 : 1);
}

/* Half of every third at some moment of taking, the other half once they hold theirs. */
static void kill_takers(const pid_t *children, int told)
{
	bool holds[CHILDREN] = { false };
	char number;

	for (int i = 0; i < CHILDREN; i += 6) {
		usleep((useconds_t)(rand() % 200));
		kill(children[i], SIGKILL);
	}
	for (int i = 3; i < CHILDREN; i += 6) {
		while (!holds[i] && CHECK_INT(read(told, &number, 1), 1))
			holds[(int)number] = true;
		kill(children[i], SIGKILL);
	}
}

/* A lease is a name in a directory: that no address is given twice shows as each survivor,
 * and each that was killed with one, holding one, and as many leases as holders. */
static void survives_killing(void)
{
	static const struct network_range ranges[] = { { .subnet = T("10.0.0.0/24") } };
	struct fixture fixture;
	struct seen seen = { 0 };
	pid_t children[CHILDREN];
	struct error err;
	auto_pool pool = { 0 };
	int told[2];

	begin(&fixture, ranges, 1);
	CHECK_INT(pipe(told), 0);
	for (int i = 0; i < CHILDREN; i++)
		children[i] = fork_taker(&fixture, i, told[1]);
	kill_takers(children, told[0]);
	close(told[0]);
	close(told[1]);
	for (int i = 0; i < CHILDREN; i++) {
		int status;

		CHECK_INT(waitpid(children[i], &status, 0), children[i]);
		CHECK(i % 3 == 0 ? WIFSIGNALED(status) : status == 0);
	}
	CHECK_OK(pool_open(&fixture.places, "net", &pool, &err), &err);
	CHECK_OK(pool_each(&pool, note, &seen, &err), &err);
	for (int i = 0; i < CHILDREN; i++) {
		auto_free char *owner = str_format("c%d/eth0", i);

		CHECK(i % 6 == 0 || strings_contain(&seen.owners, owner));
	}
	CHECK(seen.count <= CHILDREN);
	strings_free(&seen.owners);
	end(&fixture);
}

static void ports_have_owners(void)
{
	static const struct network_range ranges[] = { { .subnet = T("10.0.0.0/24") } };
	struct fixture fixture;
	struct error err;
	auto_pool pool = { 0 };

	begin(&fixture, ranges, 1);
	CHECK_OK(pool_open_ports(&fixture.places, &pool, &err), &err);
	CHECK_OK(pool_lease(&pool, "tcp.80", "a/eth0@net", &err), &err);
	CHECK_OK(pool_lease(&pool, "tcp.80", "a/eth0@net", &err), &err);
	CHECK_FAILS(pool_lease(&pool, "tcp.80", "b/eth0@net", &err), &err,
		"tcp.80 is taken by a/eth0@net");
	CHECK_OK(pool_release_name(&pool, "tcp.80", "b/eth0@net", &err), &err);
	CHECK(pool_holds(&pool, "tcp.80", "a/eth0@net"));
	CHECK_OK(pool_release_name(&pool, "tcp.80", "a/eth0@net", &err), &err);
	CHECK(!pool_holds(&pool, "tcp.80", "a/eth0@net"));
	end(&fixture);
}

static const struct test tests[] = {
	{ "addresses go round, and a full pool says who holds them", goes_round },
	{ "a wanted address is given or explained", gives_what_is_wanted },
	{ "the ranges of a set continue each other", ranges_continue },
	{ "leases of another boot are nobody's", reboot_frees },
	{ "64 takers, a third of them killed: no address twice", survives_killing },
	{ "a port of the host belongs to one attachment", ports_have_owners },
};

TEST_MAIN(tests)
