/* sd-notify MESSAGE: sends it to $NOTIFY_SOCKET, as systemd-notify would. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *name = getenv("NOTIFY_SOCKET");
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (argc != 2 || !name) {
		fprintf(stderr, "sd-notify: a message and NOTIFY_SOCKET are needed\n");
		return 2;
	}
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", name);
	if (sendto(sock, argv[1], strlen(argv[1]), 0, (struct sockaddr *)&to,
		    sizeof(to)) < 0) {
		perror(name);
		return 1;
	}
	return 0;
}
