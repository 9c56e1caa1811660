/*
 * The backend of the story: a static HTTP server that is no more than the story needs. It
 * serves the files of $WORK_DIR (index.html for /) on port $PORT (10000), one request at a
 * time. The tests build it with -static: it runs in any container, and plays the download
 * site too.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *setting(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static int listen_on(unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "port %u", port);
	if (listen(fd, 16) < 0)
		err(1, "listen");
	return fd;
}

static void answer_head(int client, const char *status, long long length)
{
	dprintf(client,
		"HTTP/1.0 %s\r\nContent-Length: %lld\r\nConnection: close\r\n"
		"Content-Type: %s\r\n\r\n",
		status, length, length ? "application/octet-stream" : "text/plain");
}

static void answer_file(int client, const char *name)
{
	struct stat status;
	int file = open(*name ? name : "index.html", O_RDONLY | O_CLOEXEC);

	if (file < 0 || fstat(file, &status) < 0 || !S_ISREG(status.st_mode)) {
		answer_head(client, "404 Not Found", 0);
	} else {
		answer_head(client, "200 OK", status.st_size);
		while (sendfile(client, file, NULL, 1 << 20) > 0)
			;
	}
	if (file >= 0)
		close(file);
}

/* Reads up to the empty line: a close with unread bytes would reset the connection. */
static void answer(int client)
{
	char request[4096];
	size_t length = 0;
	char name[256];

	while (length < sizeof(request) - 1) {
		ssize_t got =
			read(client, request + length, sizeof(request) - 1 - length);

		if (got <= 0)
			return;
		length += got;
		request[length] = '\0';
		if (strstr(request, "\r\n\r\n"))
			break;
	}
	if (sscanf(request, "GET /%255[^ /]", name) != 1)
		*name = '\0';
	answer_file(client, name);
}

int main(void)
{
	const char *directory = setting("WORK_DIR", ".");
	int server = listen_on(atoi(setting("PORT", "10000")));

	signal(SIGPIPE, SIG_IGN);
	if (chdir(directory) < 0)
		err(1, "%s", directory);
	printf("%s: serving %s\n", setting("ID", "backend"), directory);
	fflush(stdout);
	for (;;) {
		int client = accept(server, NULL, NULL);

		if (client < 0)
			continue;
		answer(client);
		close(client);
	}
}
