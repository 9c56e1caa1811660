/* One message a call; a descriptor is ancillary data (SCM_RIGHTS, unix(7)). */
#include "base/socket.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

ssize_t socket_send(int sock, const void *data, size_t length, int fd)
{
	struct iovec vector = { .iov_base = (void *)(uintptr_t)data, .iov_len = length };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1 };
	union control control = { { 0 } };
	struct cmsghdr *rights;
	ssize_t sent;

	if (fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	}
	do {
		sent = sendmsg(sock, &header, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent;
}

static int received_fd(struct msghdr *header)
{
	struct cmsghdr *rights = CMSG_FIRSTHDR(header);
	int fd = -1;

	if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
	return fd;
}

ssize_t socket_receive(int sock, void *data, size_t size, int *ret_fd)
{
	struct iovec vector = { .iov_base = data, .iov_len = size };
	union control control = { { 0 } };
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
	};
	ssize_t length;

	do {
		header.msg_controllen = sizeof(control.bytes);
		length = recvmsg(sock, &header, MSG_CMSG_CLOEXEC);
	} while (length < 0 && errno == EINTR);
	*ret_fd = length > 0 ? received_fd(&header) : -1;
	return length;
}
