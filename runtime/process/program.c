/* The program of a container: found in its PATH, and why execve(2) refused it. */
#include "runtime/process/program.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/process.h"

/* 0 or an errno: may this be executed? */
static int check(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	if (!S_ISREG(status.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

static bool is_on_noexec(const char *path)
{
	struct statvfs system;
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	       statvfs(path, &system) == 0 && system.f_flag & ST_NOEXEC;
}

/* Which part of the way to the file is at fault: a directory, a link that leads nowhere,
 * the mount. NULL where it is the file itself. Owned by the caller. */
static char *fault_on_the_way(const char *path)
{
	auto_free char *part = str_dup(path);
	char target[PATH_MAX];
	struct stat status;
	ssize_t length;

	for (char *end = strchr(part + 1, '/'); end; end = strchr(end + 1, '/')) {
		*end = '\0';
		if (stat(part, &status) < 0)
			return errno == ENOENT
				       ? str_format("the directory %s is missing", part)
				       : NULL; /* told of the one above */
		if (!S_ISDIR(status.st_mode))
			return str_format("%s is not a directory", part);
		if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) < 0)
			return str_format("the directory %s may not be searched by this "
					  "user",
				part);
		*end = '/';
	}
	if (is_on_noexec(path))
		return str_dup("it lies on a mount with the option noexec");
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0 || stat(path, &status) == 0)
		return NULL;
	return str_format("it is a symbolic link to %.*s", (int)length, target);
}

/* Appends it to what is said already. */
static int blame_way(const char *path, struct error *err)
{
	auto_free char *fault = path[0] == '/' ? fault_on_the_way(path) : NULL;

	return fault ? fail_hint(err, "%s", fault) : -1;
}

/* Of a name that was looked up the path is told too. */
static int deny(const char *name, const char *path, struct error *err)
{
	bool looked_up = strcmp(name, path) != 0;
	auto_free char *fault = path[0] == '/' ? fault_on_the_way(path) : NULL;

	(void)fail_code(err, EACCES, "exec: \"%s\": permission denied%s%s", name,
		looked_up ? ": " : "", looked_up ? path : "");
	return fail_hint(
		err, "%s", fault ? fault : "is the file executable for this user?");
}

static int refuse(const char *name, const char *path, int errnum, struct error *err)
{
	if (errnum == EACCES)
		return deny(name, path, err);
	if (errnum == ENOENT || errnum == ENOTDIR)
		(void)fail_code(err, errnum, "exec: \"%s\": stat %s: %s", name, path,
			errnum == ENOENT ? "no such file or directory"
					 : "not a directory");
	else if (errnum == EISDIR)
		(void)fail_code(err, EACCES,
			"exec: \"%s\": is a directory: permission denied", name);
	else
		(void)fail_code(err, errnum, "exec: \"%s\": %s", name, strerror(errnum));
	return blame_way(path, err);
}

static int find_in_path(const char *name, const char *search, const char *cwd, char **ret,
	struct error *err)
{
	auto_strings directories = { 0 };
	auto_free char *denied = NULL; /* the first */

	strings_split(&directories, search, ':');
	strings_each (directory, &directories) {
		/* An empty element is the current directory. */
		auto_free char *from = (*directory)[0] == '/'
					       ? str_dup(*directory)
					       : path_join(cwd, *directory);
		auto_free char *path = path_join(from, name);
		int errnum = check(path);

		if (errnum == 0) {
			*ret = take_ptr(&path);
			return 0;
		}
		if (errnum == EACCES && !denied)
			denied = take_ptr(&path);
	}
	if (denied)
		return refuse(name, denied, EACCES, err);
	return fail_code(
		err, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

int program_find(const char *name, const struct strings *env, const char *cwd, char **ret,
	struct error *err)
{
	const char *search = strings_env(env, "PATH");
	auto_free char *path = NULL;
	int errnum;

	if (!name[0])
		return fail_code(err, ENOENT,
			"exec: \"\": executable file not found in $PATH; the first of "
			"process.args is empty");
	if (!strchr(name, '/'))
		return find_in_path(
			name, search ? search : PROCESS_PATH_DEFAULT, cwd, ret, err);
	path = name[0] == '/' ? str_dup(name) : path_join(cwd, name);
	errnum = check(path);
	if (errnum)
		return refuse(name, path, errnum, err);
	*ret = take_ptr(&path);
	return 0;
}

/* What the file needs to be executed, be it "#!" or ELF. */
struct needs {
	char path[512]; /* "" where it needs nothing */
	bool script;
	bool carriage_return; /* after the path: to the kernel it is a part of it */
	bool empty;
};

/* The word after "#!". False if the file does not begin so. */
static bool script_interpreter(const char *head, struct needs *ret)
{
	size_t length;

	if (head[0] != '#' || head[1] != '!')
		return false;
	head += 2;
	head += strspn(head, " \t");
	length = strcspn(head, " \t\n");
	ret->carriage_return = length && head[length - 1] == '\r';
	length -= ret->carriage_return;
	if (length == 0 || length >= sizeof(ret->path))
		return false;
	memcpy(ret->path, head, length);
	ret->path[length] = '\0';
	return true;
}

/* Where the table of segments is, and each of them, in either class of ELF. */
struct elf {
	bool wide; /* ELFCLASS64 */
	unsigned count;
	uint64_t table;
};

static bool elf_open(const char *head, struct elf *ret)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;

	memcpy(&wide, head, sizeof(wide));
	memcpy(&narrow, head, sizeof(narrow));
	if (memcmp(wide.e_ident, ELFMAG, SELFMAG) != 0)
		return false;
	*ret = wide.e_ident[EI_CLASS] == ELFCLASS64
		       ? (struct elf){ true, wide.e_phnum, wide.e_phoff }
		       : (struct elf){ false, narrow.e_phnum, narrow.e_phoff };
	return true;
}

/* As a wide one. */
static bool elf_segment(int fd, const struct elf *elf, unsigned index, Elf64_Phdr *ret)
{
	Elf32_Phdr narrow;
	size_t size = elf->wide ? sizeof(*ret) : sizeof(narrow);
	void *to = elf->wide ? (void *)ret : (void *)&narrow;

	if (pread(fd, to, size, (off_t)(elf->table + index * size)) != (ssize_t)size)
		return false;
	if (!elf->wide)
		*ret = (Elf64_Phdr){
			.p_type = narrow.p_type,
			.p_offset = narrow.p_offset,
			.p_filesz = narrow.p_filesz,
		};
	return true;
}

/* PT_INTERP of an ELF file of our byte order; others go without the hint. */
static bool elf_interpreter(int fd, const char *head, char *interpreter, size_t size)
{
	Elf64_Phdr segment;
	struct elf elf;

	if (!elf_open(head, &elf))
		return false;
	for (unsigned i = 0; i < elf.count; i++) {
		if (!elf_segment(fd, &elf, i, &segment))
			return false;
		if (segment.p_type != PT_INTERP)
			continue;
		if (segment.p_filesz < 2 || segment.p_filesz > size)
			return false;
		if (pread(fd, interpreter, segment.p_filesz, (off_t)segment.p_offset) !=
			(ssize_t)segment.p_filesz)
			return false;
		interpreter[segment.p_filesz - 1] = '\0';
		return true;
	}
	return false;
}

static bool read_needs(int fd, struct needs *ret)
{
	char head[512] = { 0 };
	ssize_t length = fd < 0 ? -1 : pread(fd, head, sizeof(head) - 1, 0);

	*ret = (struct needs){ .empty = length == 0 };
	if (length < 0)
		return false;
	ret->script = script_interpreter(head, ret);
	if (!ret->script && !elf_interpreter(fd, head, ret->path, sizeof(ret->path)))
		ret->path[0] = '\0';
	return true;
}

#define WINDOWS "a carriage return (Windows line ends)"

/* An interpreter that is there may be a script itself, or lack its ELF loader; the kernel
 * follows five, and so do we. */
static int explain_next(const struct needs *first, struct error *err)
{
	struct needs needs = *first;

	for (int depth = 0; depth < 5 && needs.path[0]; depth++) {
		auto_free char *path = str_dup(needs.path);
		auto_fd fd = -1;
		int problem = check(path);

		if (problem) {
			if (depth)
				(void)fail_hint(err, "that needs %s: %s", path,
					strerror(problem));
			return blame_way(path, err);
		}
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (!read_needs(fd, &needs))
			return -1;
		if (needs.carriage_return)
			return fail_hint(
				err, "the first line of %s ends in " WINDOWS, path);
	}
	return needs.path[0] ? fail_hint(err, "it is a script, whose interpreter is a "
					      "script, and so on")
			     : -1;
}

/* ENOENT of an existing file, EACCES of an executable one, and the like: its
 * interpreter's. */
static int explain_needs(
	const char *name, const char *path, int program_fd, int errnum, struct error *err)
{
	auto_fd fd = -1;
	struct needs needs;
	int problem;

	if (program_fd <= 0)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (!read_needs(program_fd > 0 ? program_fd : fd, &needs) || !needs.path[0])
		return refuse(name, path, needs.empty ? ENOEXEC : errnum, err);
	if (needs.carriage_return && errnum == ENOENT)
		return fail_code(err, errnum,
			"exec: \"%s\": its first line ends in " WINDOWS
			", and there is no interpreter \"%s\\r\"",
			name, needs.path);
	problem = check(needs.path);
	if (needs.script)
		(void)fail_code(err, errnum,
			"exec: \"%s\": its first line asks for the interpreter %s: %s",
			name, needs.path, strerror(problem ? problem : errnum));
	else if (problem)
		(void)fail_code(err, errnum,
			"exec: \"%s\": its ELF loader %s: %s; was it linked for another "
			"distribution's C library?",
			name, needs.path, strerror(problem));
	else
		(void)refuse(name, path, errnum, err);
	return explain_next(&needs, err);
}

int program_explain(
	const char *name, const char *path, int program_fd, int errnum, struct error *err)
{
	if (errnum == EACCES && is_on_noexec(path))
		return deny(name, path, err);
	if (errnum == ENOEXEC)
		return fail_code(err, errnum,
			"exec: \"%s\": exec format error; it is neither a program of this "
			"machine's architecture nor a script that begins with \"#!\"",
			name);
	if (errnum == ENOENT || errnum == EACCES || errnum == ELIBBAD ||
		errnum == ELOOP || errnum == ENOTDIR)
		return explain_needs(name, path, program_fd, errnum, err);
	return refuse(name, path, errnum, err);
}
