/* IP addresses as text: which of the two kinds, by its colons. */
#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

int ip_parse(const char *text, unsigned char ret[16])
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	unsigned char ignored[16];

	return inet_pton(family, text, ret ? ret : ignored) == 1 ? family : 0;
}
