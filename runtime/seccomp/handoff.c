/* What two processes tell each other where one of them can make no system call. */
#include "runtime/seccomp/handoff.h"

#include <stddef.h>
#include <sys/mman.h>

#define SPINS_MAX UINT64_C(20000000000)

int handoff_make(struct handoff **ret, struct error *err)
{
	struct handoff *handoff = mmap(NULL, sizeof(*handoff), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (handoff == MAP_FAILED)
		return fail_errno(err, "sharing memory with another process");
	handoff->fd = -1;
	*ret = handoff;
	return 0;
}

void handoff_free(struct handoff *handoff)
{
	if (handoff)
		(void)munmap(handoff, sizeof(*handoff)); /* was mapped so */
}

int handoff_give(struct handoff *handoff, int fd)
{
	__atomic_store_n(&handoff->fd, fd, __ATOMIC_RELEASE);
	for (uint64_t spins = 0; spins < SPINS_MAX; spins++) {
		int answer = __atomic_load_n(&handoff->answer, __ATOMIC_ACQUIRE);

		if (answer)
			return answer;
	}
	return 0;
}

int handoff_look(const struct handoff *handoff)
{
	return __atomic_load_n(&handoff->fd, __ATOMIC_ACQUIRE);
}

void handoff_answer(struct handoff *handoff, int answer)
{
	__atomic_store_n(&handoff->answer, answer, __ATOMIC_RELEASE);
}
