/* IP addresses as text. */
#pragma once

/* AF_INET or AF_INET6, of which the whole text is an address; 0: it is none. ret, in
 * network order, may be NULL. */
int ip_parse(const char *text, unsigned char ret[16]);
