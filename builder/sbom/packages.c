/* Stanzas of "Key: value" lines, or of apk's "K:value", between empty lines. */
#include "builder/sbom/packages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

#define DATABASE_MAX (64u << 20)
#define PACKAGES_MAX 100000

/* Which keys say what. */
struct dialect {
	const char *kind;
	const char *name;
	const char *version;
	const char *architecture;
	const char *license; /* NULL: does not say */
	const char *maintainer;
	const char *status; /* NULL: whatever is listed is installed */
};

static const struct dialect dpkg = {
	.kind = "deb",
	.name = "Package:",
	.version = "Version:",
	.architecture = "Architecture:",
	.maintainer = "Maintainer:",
	.status = "Status:",
};

static const struct dialect apk = {
	.kind = "apk",
	.name = "P:",
	.version = "V:",
	.architecture = "A:",
	.license = "L:",
	.maintainer = "m:",
};

static void package_free(struct package *package)
{
	free(package->name);
	free(package->version);
	free(package->architecture);
	free(package->license);
	free(package->maintainer);
	*package = (struct package){ 0 };
}

void packages_free(struct packages *packages)
{
	for (size_t i = 0; i < packages->count; i++)
		package_free(&packages->items[i]);
	free(packages->items);
	free(packages->distribution);
	free(packages->release);
	*packages = (struct packages){ 0 };
}

/* A file of the image, "" where it has none. */
static int read_file(int root_fd, const char *path, char **ret, struct error *err)
{
	struct fd_read_options read = { .limit = DATABASE_MAX, .regular_only = true };
	auto_fd fd = path_try_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*ret = str_dup("");
		return 0;
	}
	if (fd < 0)
		return fail_errno(err, "opening the image's %s", path);
	return fd_read_all(fd, path, read, ret, NULL, err);
}

static void take_value(char **to, const char *line, const char *key)
{
	const char *value = key ? str_after(line, key) : NULL;

	if (!value || *to)
		return;
	*to = str_dup(value + strspn(value, " \t"));
}

static bool is_installed(const char *status)
{
	return !status || str_ends_with(status, " installed");
}

static int add(struct packages *packages, struct package *package, const char *status,
	struct error *err)
{
	if (!package->name || !package->version || !is_installed(status)) {
		package_free(package);
		return 0;
	}
	if (packages->count >= PACKAGES_MAX) {
		package_free(package);
		return fail(err, "the image's package database has more than %d packages",
			PACKAGES_MAX);
	}
	packages->items =
		str_grow(packages->items, packages->count, sizeof(*packages->items));
	packages->items[packages->count++] = *package;
	*package = (struct package){ 0 };
	return 0;
}

static int parse(struct packages *packages, const struct dialect *dialect, char *text,
	struct error *err)
{
	struct package package = { .kind = dialect->kind };
	char *status = NULL;
	char *line;
	int result = 0;

	while (result == 0 && (line = strsep(&text, "\n"))) {
		take_value(&package.name, line, dialect->name);
		take_value(&package.version, line, dialect->version);
		take_value(&package.architecture, line, dialect->architecture);
		take_value(&package.license, line, dialect->license);
		take_value(&package.maintainer, line, dialect->maintainer);
		take_value(&status, line, dialect->status);
		if (*line && text)
			continue;
		result = add(packages, &package, status, err);
		package.kind = dialect->kind;
		free(take_ptr(&status));
	}
	return result;
}

static int read_database(int root_fd, const char *path, const struct dialect *dialect,
	struct packages *packages, struct error *err)
{
	auto_free char *text = NULL;

	return read_file(root_fd, path, &text, err) < 0
		       ? -1
		       : parse(packages, dialect, text, err);
}

/* One file for each package. */
static int read_directory(
	int root_fd, const char *path, struct packages *packages, struct error *err)
{
	auto_fd fd = path_try_open_in_root(root_fd, path, O_RDONLY | O_DIRECTORY, 0);
	auto_strings names = { 0 };

	if (fd < 0)
		return 0; /* not this distribution's */
	if (path_names(fd, path, &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		auto_free char *file = path_join(path, *name);

		if (**name == '.' || str_ends_with(file, ".md5sums"))
			continue;
		if (read_database(root_fd, file, &dpkg, packages, err) < 0)
			return -1;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct package *left = a;
	const struct package *right = b;
	int order = strcmp(left->kind, right->kind);

	if (order == 0)
		order = strcmp(left->name, right->name);
	return order ? order : strcmp(left->version, right->version);
}

static char *unquote(const char *text)
{
	size_t length = strlen(text);

	if (length >= 2 && (*text == '"' || *text == '\'') && text[length - 1] == *text)
		return str_dup_n(text + 1, length - 2);
	return str_dup(text);
}

static int read_release(int root_fd, struct packages *packages, struct error *err)
{
	auto_free char *text = NULL;
	char *at;
	char *line;

	if (read_file(root_fd, "/etc/os-release", &text, err) < 0)
		return -1;
	for (at = text; (line = strsep(&at, "\n"));) {
		const char *id = str_after(line, "ID=");
		const char *version = str_after(line, "VERSION_ID=");

		if (id && !packages->distribution)
			packages->distribution = unquote(id);
		if (version && !packages->release)
			packages->release = unquote(version);
	}
	return 0;
}

int packages_find(int root_fd, struct packages *ret, struct error *err)
{
	auto_packages packages = { 0 };

	if (read_release(root_fd, &packages, err) < 0 ||
		read_database(root_fd, "/var/lib/dpkg/status", &dpkg, &packages, err) <
			0 ||
		read_directory(root_fd, "/var/lib/dpkg/status.d", &packages, err) < 0 ||
		read_database(root_fd, "/lib/apk/db/installed", &apk, &packages, err) < 0)
		return -1;
	if (packages.count > 1)
		qsort(packages.items, packages.count, sizeof(*packages.items), compare);
	*ret = packages;
	packages = (struct packages){ 0 };
	return 0;
}
