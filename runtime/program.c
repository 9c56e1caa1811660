/* The program of a container: found in its PATH, and why execve(2) refused it. */
#include "runtime/program.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

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

static int refuse(const char *name, const char *path, int errnum, struct error *err)
{
	if (errnum == ENOENT || errnum == ENOTDIR)
		return fail_code(err, errnum, "exec: \"%s\": stat %s: %s", name, path,
			errnum == ENOENT ? "no such file or directory"
					 : "not a directory");
	if (errnum == EISDIR)
		return fail_code(err, EACCES,
			"exec: \"%s\": is a directory: permission denied", name);
	return fail_code(err, errnum, "exec: \"%s\": %s", name,
		errnum == EACCES ? "permission denied; is the file executable for this "
				   "user?"
				 : strerror(errnum));
}

static int find_in_path(const char *name, const char *search, const char *cwd, char **ret,
	struct error *err)
{
	auto_strings directories = { 0 };
	bool denied = false;

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
		denied = denied || errnum == EACCES;
	}
	if (denied)
		return refuse(name, name, EACCES, err);
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
		return find_in_path(name, search ? search : PATH_DEFAULT, cwd, ret, err);
	path = name[0] == '/' ? str_dup(name) : path_join(cwd, name);
	errnum = check(path);
	if (errnum)
		return refuse(name, path, errnum, err);
	*ret = take_ptr(&path);
	return 0;
}

/* The word after "#!". False if the file does not begin so. */
static bool script_interpreter(const char *head, char *interpreter, size_t size)
{
	size_t length;

	if (head[0] != '#' || head[1] != '!')
		return false;
	head += 2;
	head += strspn(head, " \t");
	length = strcspn(head, " \t\r\n");
	if (length == 0 || length >= size)
		return false;
	memcpy(interpreter, head, length);
	interpreter[length] = '\0';
	return true;
}

/* PT_INTERP of a 64-bit ELF file of our byte order; the others go without the hint. */
static bool elf_interpreter(int fd, const char *head, char *interpreter, size_t size)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	memcpy(&header, head, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
		header.e_ident[EI_CLASS] != ELFCLASS64)
		return false;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		if (pread(fd, &segment, sizeof(segment), at) != sizeof(segment))
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

/* ENOENT of an existing file, EACCES of an executable one: its interpreter's. */
static int explain_interpreter(
	const char *name, const char *path, int errnum, struct error *err)
{
	char head[512] = { 0 };
	char interpreter[512];
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd < 0 ? -1 : pread(fd, head, sizeof(head) - 1, 0);
	int problem;

	if (length <= 0)
		return refuse(name, path, length == 0 ? ENOEXEC : errnum, err);
	if (script_interpreter(head, interpreter, sizeof(interpreter))) {
		problem = check(interpreter);
		return fail_code(err, errnum,
			"exec: \"%s\": its first line asks for the interpreter %s: %s",
			name, interpreter, strerror(problem ? problem : errnum));
	}
	if (elf_interpreter(fd, head, interpreter, sizeof(interpreter)) &&
		(problem = check(interpreter)))
		return fail_code(err, errnum,
			"exec: \"%s\": its ELF loader %s: %s; was it linked for another "
			"distribution's C library?",
			name, interpreter, strerror(problem));
	return refuse(name, path, errnum, err);
}

int program_explain(const char *name, const char *path, int errnum, struct error *err)
{
	struct statvfs system;

	if (errnum == EACCES && statvfs(path, &system) == 0 && system.f_flag & ST_NOEXEC)
		return fail_code(err, errnum,
			"exec: \"%s\": permission denied: it lies on a mount with the option "
			"noexec",
			name);
	if (errnum == ENOEXEC)
		return fail_code(err, errnum,
			"exec: \"%s\": exec format error; it is neither a program of this "
			"machine's architecture nor a script that begins with \"#!\"",
			name);
	if (errnum == ENOENT || errnum == EACCES || errnum == ELIBBAD)
		return explain_interpreter(name, path, errnum, err);
	return refuse(name, path, errnum, err);
}
