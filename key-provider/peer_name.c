/* SPDX-License-Identifier: Apache-2.0 */
#include "key-provider/peer_name.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/str.h"

static void of_unix(int fd, char ret[static PEER_NAME_SIZE])
{
	struct ucred who;
	socklen_t n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0)
		(void)str_format(ret, PEER_NAME_SIZE, "uid %u", (unsigned int)who.uid);
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

static void of_ip(const union address *a, char ret[static PEER_NAME_SIZE])
{
	char host[INET6_ADDRSTRLEN] = "";

	if (a->any.sa_family == AF_INET && inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof(host)))
		(void)str_format(ret, PEER_NAME_SIZE, "%s:%u", host, ntohs(a->v4.sin_port));
	if (a->any.sa_family == AF_INET6 &&
	    inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof(host)))
		(void)str_format(ret, PEER_NAME_SIZE, "[%s]:%u", host, ntohs(a->v6.sin6_port));
}

void peer_name_of(int fd, char ret[static PEER_NAME_SIZE])
{
	union address a = { .room = { .ss_family = AF_UNSPEC } };
	socklen_t n = sizeof(a);

	(void)str_copy(ret, PEER_NAME_SIZE, "somebody");
	if (getpeername(fd, &a.any, &n) < 0)
		return;
	if (a.any.sa_family == AF_UNIX)
		of_unix(fd, ret);
	else
		of_ip(&a, ret);
}

void peer_name_own(int fd, char ret[static PEER_NAME_SIZE])
{
	union address a = { .room = { .ss_family = AF_UNSPEC } };
	socklen_t n = sizeof(a);

	*ret = 0;
	if (getsockname(fd, &a.any, &n) == 0)
		of_ip(&a, ret);
}
