/*
 * The allow-list of devices for cgroup version 2: an eBPF program that the kernel runs at
 * each open and mknod of a device, instruction by instruction.
 *
 * Its input is struct bpf_cgroup_dev_ctx: the type and the wanted accesses in one word,
 * major, minor. It walks the rules from the last to the first, for the last that fits
 * decides. A rule that denies one of the wanted accesses ends with 0; one that allows
 * takes its accesses off the wanted ones, and when none is left ends with 1. After the
 * last rule the answer is that for all devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/cgroup/devices.h"

#define RULE_MAX 8 /* instructions of the longest rule */

/* What the registers hold throughout. */
enum {
	ANSWER = BPF_REG_0,
	CONTEXT = BPF_REG_1,
	TYPE = BPF_REG_2,
	WANTED = BPF_REG_3, /* accesses not yet allowed */
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
};

struct program {
	struct bpf_insn *items;
	size_t count;
};

static void put(struct program *to, struct bpf_insn instruction)
{
	to->items[to->count++] = instruction;
}

static void put_load(struct program *to, unsigned char reg, short offset)
{
	put(to, (struct bpf_insn){ .code = BPF_LDX | BPF_W | BPF_MEM,
			.dst_reg = reg & 0xf,
			.src_reg = CONTEXT,
			.off = offset });
}

/* reg = reg OPERATION value, in 64 bits; the words are loaded zero-extended. */
static void put_alu(
	struct program *to, unsigned char operation, unsigned char reg, int value)
{
	put(to, (struct bpf_insn){ .code = BPF_ALU64 | operation | BPF_K,
			.dst_reg = reg & 0xf,
			.imm = value });
}

/* Compares 32 bits, so that a number above 2^31 is not sign-extended. */
static void put_jump(struct program *to, unsigned char operation, unsigned char reg,
	int value, short over)
{
	put(to, (struct bpf_insn){ .code = BPF_JMP32 | operation | BPF_K,
			.dst_reg = reg & 0xf,
			.off = over,
			.imm = value });
}

static void put_answer(struct program *to, int answer)
{
	put_alu(to, BPF_MOV, ANSWER, answer);
	put(to, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

static void put_prologue(struct program *to)
{
	put_load(to, TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	put_load(to, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	put_load(to, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	/* WANTED = access_type >> 16; TYPE = access_type & 0xffff */
	put(to, (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X,
			.dst_reg = WANTED,
			.src_reg = TYPE });
	put_alu(to, BPF_RSH, WANTED, 16);
	put_alu(to, BPF_AND, TYPE, 0xffff);
}

static void put_rule(struct program *to, const struct cgroup_device_rule *rule)
{
	struct bpf_insn body[RULE_MAX];
	struct program inner = { .items = body };
	size_t tests = 1u + (rule->major != DEVICE_ANY) + (rule->minor != DEVICE_ANY);

	if (rule->allow) {
		/* wanted &= ~access; if (!wanted) return 1 */
		put_alu(&inner, BPF_AND, WANTED, (int)(~rule->access & DEVICE_ALL));
		put_jump(&inner, BPF_JNE, WANTED, 0, 2);
		put_answer(&inner, 1);
	} else {
		/* if (wanted & access) return 0 */
		put_jump(&inner, BPF_JSET, WANTED, (int)rule->access, 1);
		put(&inner, (struct bpf_insn){ .code = BPF_JMP | BPF_JA, .off = 2 });
		put_answer(&inner, 0);
	}
	/* Each test that fails jumps over the tests after it and the body. */
	put_jump(to, BPF_JNE, TYPE,
		rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR,
		(short)(--tests + inner.count));
	if (rule->major != DEVICE_ANY)
		put_jump(to, BPF_JNE, MAJOR, (int)rule->major,
			(short)(--tests + inner.count));
	if (rule->minor != DEVICE_ANY)
		put_jump(to, BPF_JNE, MINOR, (int)rule->minor,
			(short)(--tests + inner.count));
	for (size_t i = 0; i < inner.count; i++)
		put(to, body[i]);
}

void cgroup_devices_program(
	const struct cgroup_devices *devices, struct bpf_insn **ret, size_t *ret_count)
{
	struct program program = {
		.items = str_alloc(
			(8 + devices->count * RULE_MAX) * sizeof(struct bpf_insn)),
	};

	put_prologue(&program);
	for (size_t i = devices->count; i-- > 0;)
		put_rule(&program, &devices->rules[i]);
	put_answer(&program, devices->allow_all);
	*ret = program.items;
	*ret_count = program.count;
}

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* Before Linux 5.11 programs counted against RLIMIT_MEMLOCK; a full one shows as EPERM.
 * Raised only then, and as far as we may: others need no such right. */
static bool raise_memlock(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		return true;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return false;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_MEMLOCK, &limit) == 0;
}

static int load(const struct cgroup_devices *devices, int *ret_fd, struct error *err)
{
	auto_free struct bpf_insn *program = NULL;
	size_t count;
	union bpf_attr attr = { 0 };
	int fd;

	cgroup_devices_program(devices, &program, &count);
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)program;
	attr.insn_cnt = (uint32_t)count;
	attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
	fd = bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0 && errno == EPERM && raise_memlock())
		fd = bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0) {
		(void)fail_errno(err, "loading the allow-list of devices (eBPF)");
		return err->errnum == EPERM
			       ? fail_hint(err,
					 "it needs CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN")
			       : -1;
	}
	*ret_fd = fd;
	return 0;
}

#define ATTACHED_MAX 64

/* The programs that are attached to this very directory; ours is the last of them. */
static int attached(int dir_fd, int *ret_fd)
{
	uint32_t ids[ATTACHED_MAX];
	union bpf_attr attr = { 0 };

	attr.query.target_fd = (uint32_t)dir_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_cnt = ATTACHED_MAX;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	*ret_fd = -1;
	if (bpf(BPF_PROG_QUERY, &attr) < 0 || !attr.query.prog_cnt)
		return 0;
	if (attr.query.prog_cnt > ATTACHED_MAX)
		return -1;
	attr = (union bpf_attr){ .prog_id = ids[attr.query.prog_cnt - 1] };
	*ret_fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	return *ret_fd;
}

int cgroup_devices_attach(const struct cgroup_devices *devices, const char *directory,
	bool update, struct error *err)
{
	auto_fd dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd old = -1;
	auto_fd fd = -1;
	union bpf_attr attr = { 0 };

	if (dir_fd < 0)
		return fail_errno(err, "opening %s", directory);
	if (update && attached(dir_fd, &old) < 0)
		return fail_errno(
			err, "finding the allow-list of devices of %s", directory);
	if (old < 0 && devices->allow_all && !devices->count)
		return 0;
	if (load(devices, &fd, err) < 0)
		return -1;
	attr.target_fd = (uint32_t)dir_fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	/* Programs of the directories above and of systemd go on to have their say. */
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	if (bpf(BPF_PROG_ATTACH, &attr) < 0)
		return fail_errno(
			err, "attaching the allow-list of devices to %s", directory);
	return 0;
}
