/* Files are read whole, changed line by line and written back. */
#include "netsetup/names/etc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

#define SIZE_MAX_ETC (1u << 16)
#define OWN_NAME     "127.0.1.1" /* where no address was known yet */
#define MARK         "# mocker-netsetup "

/* By an absolute path it is the caller's; in the bundle no link leads out. */
static int open_file(const char *bundle, const char *path, int *ret_fd, struct error *err)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	auto_fd directory = -1;

	if (*path == '/') {
		*ret_fd = open(path, flags);
		return *ret_fd < 0 ? fail_errno(err, "opening %s", path) : 0;
	}
	directory = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return fail_errno(err, "opening the bundle %s", bundle);
	return path_open_in_root(directory, path, flags, 0, ret_fd, err) < 0
		       ? fail_while(err, "the bundle %s", bundle)
		       : 0;
}

int etc_open(const char *bundle, const char *path, int *ret_fd, struct error *err)
{
	auto_fd fd = -1;
	struct stat st;

	if (open_file(bundle, path, &fd, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return fail_errno(err, "looking at %s", path);
	if (!S_ISREG(st.st_mode))
		return fail_code(err, EINVAL, "%s is no regular file", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int read_lines(int fd, const char *name, struct strings *ret, struct error *err)
{
	auto_free char *text = NULL;

	if (fd_read_all(fd, name, (struct fd_read_options){ .limit = SIZE_MAX_ETC },
		    &text, NULL, err) < 0)
		return -1;
	strings_split(ret, text, '\n');
	return 0;
}

/* Whoever reads meanwhile finds something. */
static int write_back(int fd, const char *name, const struct str *text, struct error *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0 ||
		fd_write_all(fd, text->data, text->length) < 0 ||
		ftruncate(fd, (off_t)text->length) < 0)
		return fail_errno(err, "writing the container's %s", name);
	return 0;
}

/* ---- hosts --------------------------------------------------------------------------- */

/* Adds the line's names, without the address before them and the comment behind. */
static void add_names(struct strings *names, const char *line)
{
	auto_free char *copy = str_dup_n(line, strcspn(line, "#"));
	auto_strings words = { 0 };

	for (char *c = copy; *c; c++)
		*c = *c == '\t' ? ' ' : *c;
	strings_split(&words, copy, ' ');
	for (size_t i = 1; i < words.count; i++)
		if (words.items[i][0] && !strings_contain(names, words.items[i]))
			strings_add(names, words.items[i]);
}

static bool begins_with_word(const char *line, const char *word)
{
	const char *rest = str_after(line, word);

	return rest && (*rest == ' ' || *rest == '\t');
}

static bool is_own_name(const char *line)
{
	return begins_with_word(line, OWN_NAME);
}

/* The record's lines of loopback addresses are in every hosts file. */
static bool is_loopback(const char *line)
{
	return str_after(line, "127.") || str_after(line, "::1 ");
}

static void append_own(struct str *out, const struct attachment *record,
	const struct strings *names, const char *mark)
{
	auto_strings lines = { 0 };

	strings_split(&lines, record->hosts, '\n');
	strings_each (line, &lines) {
		auto_strings all = { 0 };

		if (!**line || is_loopback(*line))
			continue;
		strings_copy(&all, names);
		add_names(&all, *line);
		str_appendf(out, "%.*s", (int)strcspn(*line, " "), *line);
		strings_each (name, &all)
			str_appendf(out, " %s", *name);
		str_appendf(out, " %s\n", mark);
	}
}

int etc_write_hosts(int fd, const struct attachment *record, struct error *err)
{
	auto_free char *mark =
		str_format(MARK "%s@%s", record->interface, record->network.name);
	auto_strings lines = { 0 };
	auto_strings names = { 0 }; /* its own ones, the host's name among them */
	auto_str text = { 0 };

	if (record->addresses_count == 0)
		return 0;
	if (read_lines(fd, "hosts", &lines, err) < 0)
		return -1;
	strings_each (line, &lines) {
		if (is_own_name(*line) || strstr(*line, MARK))
			add_names(&names, *line);
		if (**line && !is_own_name(*line) && !str_ends_with(*line, mark))
			str_appendf(&text, "%s\n", *line);
	}
	append_own(&text, record, &names, mark);
	return write_back(fd, "hosts", &text, err);
}

/* ---- resolv.conf --------------------------------------------------------------------- */

int etc_write_resolv_conf(int fd, const struct attachment *record, struct error *err)
{
	auto_strings lines = { 0 };
	auto_str text = { 0 };

	if (!record->resolv_conf)
		return 0;
	if (read_lines(fd, "resolv.conf", &lines, err) < 0)
		return -1;
	str_append(&text, record->resolv_conf);
	strings_each (line, &lines) {
		if (**line && !begins_with_word(*line, "nameserver"))
			str_appendf(&text, "%s\n", *line);
	}
	return write_back(fd, "resolv.conf", &text, err);
}
