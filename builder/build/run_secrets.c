/* Secrets and agents of a step: what config.json says of them, and the tmpfs. */
#include "builder/build/run_secrets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "builder/bundle/config.h"
#include "builder/relay.h"

void run_secrets_free(struct run_secrets *secrets)
{
	free(secrets->items);
	free(secrets->relays);
	*secrets = (struct run_secrets){ 0 };
}

/* ---- what config.json says ---- */

static void append(struct run_secrets *secrets, const struct run_secret *secret)
{
	secrets->items =
		str_realloc(secrets->items, secrets->count + 1, sizeof(*secrets->items));
	secrets->items[secrets->count++] = *secret;
	secrets->agent_count += secret->is_agent;
	secrets->in_environment |= secret->env != NULL;
}

static struct run_secret make(
	const struct run_mount *mount, const struct build_secret *secret)
{
	return (struct run_secret){
		.secret = secret,
		.mode = mount->mode,
		.uid = mount->uid,
		.gid = mount->gid,
	};
}

/* The reference: one that is not given is no error unless it is required. */
static int missing(const struct run_mount *mount, const char *option, struct error *err)
{
	if (!mount->required)
		return 0;
	return fail(err, "the step requires the %s \"%s\"; give it with --%s", option,
		mount->id, option);
}

int run_secrets_add(struct run_secrets *secrets, const struct build_request *request,
	const struct run_mount *mount, struct oci_config *config, struct error *err)
{
	const struct build_secret *given = secrets_find(&request->secrets, mount->id);
	auto_free char *source = str_format("secrets/%zu", secrets->count);
	auto_free char *target = NULL;
	struct run_secret secret;

	if (!given)
		return missing(mount, "secret", err);
	secret = make(mount, given);
	secret.env = mount->env;
	secret.is_file = mount->target || !mount->env;
	if (secret.is_file) {
		target = mount->target
				 ? str_dup(mount->target)
				 : str_format("/run/secrets/%s", path_base(mount->id));
		bundle_add_mount(config, target, "bind", source, "bind,rprivate,ro");
	}
	append(secrets, &secret);
	return 0;
}

int run_secrets_add_agent(struct run_secrets *secrets,
	const struct build_request *request, const struct run_mount *mount,
	struct oci_config *config, struct error *err)
{
	const struct build_secret *agent = secrets_find(&request->agents, mount->id);
	auto_free char *source = str_format("secrets/%zu", secrets->count);
	auto_free char *target = mount->target ? str_dup(mount->target)
					       : str_format("/run/buildkit/ssh_agent.%zu",
							 secrets->agent_count);
	struct run_secret secret;

	if (!agent)
		return missing(mount, "ssh", err);
	secret = make(mount, agent);
	secret.is_agent = true;
	bundle_add_mount(config, target, "bind", source, "bind,rprivate");
	/* The first one is what ssh finds. */
	if (secrets->agent_count == 0)
		strings_env_set(&config->process->env, "SSH_AUTH_SOCK", target);
	append(secrets, &secret);
	return 0;
}

/* ---- in the worker ---- */

static int write_file(const struct run_secret *secret, int fd, const char *name,
	const char *value, size_t length, struct error *err)
{
	struct file_replace_options options = { .mode = 0600 };

	if (file_replace_at(fd, name, value, length, options, err) < 0)
		return -1;
	if (fchownat(fd, name, secret->uid, secret->gid, 0) < 0 ||
		fchmodat(fd, name, secret->mode, 0) < 0)
		return fail_errno(err, "setting its owner and mode");
	return 0;
}

static int add_variable(const struct run_secret *secret, const char *value, size_t length,
	struct strings *env, struct error *err)
{
	if (memchr(value, '\0', length))
		return fail(err, "a variable can hold no zero byte");
	strings_env_set(env, secret->env, value);
	return 0;
}

static int write_secret(const struct run_secret *secret, int fd, size_t number,
	struct strings *env, struct error *err)
{
	auto_free char *name = str_format("%zu", number);
	auto_free char *value = NULL;
	size_t length = 0;

	if (secret_read(secret->secret, &value, &length, err) < 0 ||
		(secret->is_file &&
			write_file(secret, fd, name, value, length, err) < 0) ||
		(secret->env && add_variable(secret, value, length, env, err) < 0))
		return fail_while(err, "secret \"%s\"", secret->secret->id);
	return 0;
}

/* By the descriptor: a socket's address has no room for a long path. */
static int begin_relay(struct run_secrets *secrets, const struct run_secret *secret,
	int fd, size_t number, struct error *err)
{
	auto_free char *path = str_format("%s/%zu", fd_path(fd).text, number);
	struct relay_options options = {
		.listen_at = path,
		.connect_to = secret->secret->path,
		.mode = secret->mode,
		.uid = secret->uid,
		.gid = secret->gid,
	};
	pid_t pid;

	if (relay_begin(&options, &pid, err) < 0)
		return fail_while(err, "ssh \"%s\"", secret->secret->id);
	secrets->relays = str_realloc(
		secrets->relays, secrets->relay_count + 1, sizeof(*secrets->relays));
	secrets->relays[secrets->relay_count++] = pid;
	return 0;
}

/* Whoever removes what a killed build left finds containers by their state on disk, which
 * holds no secret: a hook copies it there, once the runtime has written it. */
static int add_record(const char *draft, const char *record, struct oci_config *config,
	struct error *err)
{
	struct oci_hooks *hooks = &config->hooks;
	struct oci_hook *hook;

	if (path_mkdirs(record, 0711, err) < 0)
		return -1;
	hooks->create_runtime = str_realloc(hooks->create_runtime,
		hooks->create_runtime_count + 1, sizeof(*hooks->create_runtime));
	hook = &hooks->create_runtime[hooks->create_runtime_count++];
	*hook = (struct oci_hook){ .path = str_dup("/bin/cp") };
	strings_add(&hook->args, "cp");
	strings_addf(&hook->args, "%s/secrets/runtime/%s/state.json", draft,
		path_base(record));
	strings_addf(&hook->args, "%s/", record);
	return 0;
}

/* The config with the variables goes into the tmpfs and over the one that is on disk. */
static int write_config(const char *draft, const char *record, int fd,
	const struct strings *env, struct error *err)
{
	auto_oci_config config = { 0 };
	struct json_options options = { 0 };
	auto_free char *over = path_join(draft, "config.json");
	auto_free char *own = path_join(draft, "secrets/config.json");
	auto_fd draft_fd = open(draft, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (draft_fd < 0)
		return fail_errno(err, "opening %s", draft);
	if (json_read_file(&oci_config_type, &config, draft_fd, "config.json", &options,
		    err) < 0)
		return -1;
	strings_each (item, env) {
		auto_free char *name = str_dup_n(*item, strcspn(*item, "="));

		strings_env_set(&config.process->env, name, *item + strlen(name) + 1);
	}
	if (add_record(draft, record, &config, err) < 0 ||
		bundle_write_config(fd, &config, err) < 0)
		return -1;
	if (mkdirat(fd, "runtime", 0700) < 0 || mount(own, over, NULL, MS_BIND, NULL) < 0)
		return fail_errno(err, "mounting config.json with its secrets");
	return 0;
}

static int make_tmpfs(const char *place, int *ret_fd, struct error *err)
{
	if (mkdir(place, 0700) < 0)
		return fail_errno(err, "making %s", place);
	if (mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") < 0)
		return fail_errno(err, "mounting a tmpfs for secrets");
	*ret_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? fail_errno(err, "opening %s", place) : 0;
}

int run_secrets_write(struct run_secrets *secrets, const char *draft, const char *record,
	struct error *err)
{
	auto_free char *place = path_join(draft, "secrets");
	auto_strings env = { 0 };
	auto_fd fd = -1;

	if (secrets->count == 0)
		return 0;
	if (make_tmpfs(place, &fd, err) < 0)
		return -1;
	for (size_t i = 0; i < secrets->count; i++) {
		const struct run_secret *secret = &secrets->items[i];
		int result = secret->is_agent ? begin_relay(secrets, secret, fd, i, err)
					      : write_secret(secret, fd, i, &env, err);

		if (result < 0)
			return -1;
	}
	return env.count > 0 ? write_config(draft, record, fd, &env, err) : 0;
}

void run_secrets_end(struct run_secrets *secrets)
{
	for (size_t i = 0; i < secrets->relay_count; i++)
		relay_end(secrets->relays[i]);
	secrets->relay_count = 0;
}

char *run_secrets_runtime_root(const struct run_secrets *secrets, const char *draft)
{
	return secrets->in_environment ? path_join(draft, "secrets/runtime") : NULL;
}
