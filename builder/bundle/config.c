/* The whole of config.json, from its chapters. */
#include "builder/bundle/config.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "spec/names.h"

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

#define NAME_CHARACTERS \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

void bundle_request_free(struct bundle_request *request)
{
	strings_free(&request->publish);
	strings_free(&request->dns);
	strings_free(&request->hosts);
	strings_free(&request->env);
	strings_free(&request->env_files);
	strings_free(&request->args);
	strings_free(&request->mounts);
	strings_free(&request->volumes);
	strings_free(&request->tmpfs);
	strings_free(&request->devices);
	strings_free(&request->cdi_directories);
	strings_free(&request->uidmap);
	strings_free(&request->gidmap);
	strings_free(&request->security);
	strings_free(&request->ulimits);
	strings_free(&request->cap_add);
	strings_free(&request->cap_drop);
	strings_free(&request->sysctl);
	strings_free(&request->annotations);
	strings_free(&request->labels);
	*request = (struct bundle_request){ 0 };
}

void bundle_add_namespace(struct oci_config *config, int64_t type, const char *path)
{
	struct oci_linux *platform = &config->linux;

	platform->namespaces = str_realloc(platform->namespaces,
		platform->namespaces_count + 1, sizeof(*platform->namespaces));
	platform->namespaces[platform->namespaces_count++] = (struct oci_namespace){
		.type = type,
		.path = str_dup(path),
	};
}

static void add_namespaces(struct oci_config *config)
{
	static const int64_t types[] = { CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS,
		CLONE_NEWNS, CLONE_NEWCGROUP };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		bundle_add_namespace(config, types[i], NULL);
}

/* NAME=VALUE options into an object of the document. */
static int add_pairs(const struct strings *list, const char *option, struct pairs *ret,
	struct error *err)
{
	strings_each (item, list) {
		const char *equals = strchr(*item, '=');
		auto_free char *name = NULL;

		if (!equals || equals == *item)
			return fail(err, "%s \"%s\": expected NAME=VALUE", option, *item);
		name = str_dup_n(*item, (size_t)(equals - *item));
		pairs_set(ret, name, equals + 1);
	}
	return 0;
}

static void annotate(struct pairs *annotations, const char *key, const char *value)
{
	if (value && *value && !pairs_get(annotations, key))
		pairs_set(annotations, key, value);
}

/* Annotations are orders to some runtimes: a property of a systemd unit, a file of the host
 * that a hook writes to, a configuration of CRIU. An image's author gives none. */
static bool is_order(const char *key)
{
	static const char *const prefixes[] = { "org.systemd.property.", "org.criu.",
		"run.oci.", "io.katacontainers.", "com.github.containers.",
		"module.wasm.", "org.opencontainers.runc." };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (str_after(key, prefixes[i]))
			return true;
	}
	return false;
}

static void add_image_labels(const struct pairs *labels, struct pairs *annotations)
{
	for (size_t i = 0; i < labels->count; i++) {
		const struct pair *label = &labels->items[i];

		if (is_order(label->key))
			log_warning(
				"the image's label %s is left out of config.json: "
				"runtimes take it for an order; --annotation gives it",
				label->key);
		else
			pairs_set(annotations, label->key, label->value);
	}
}

/* conversion.md, Annotation Fields: labels win over what the config's members say. */
static int add_annotations(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	const struct image_config *image = &input->image->config;
	const struct bundle_request *request = input->request;
	struct pairs *annotations = &config->annotations;
	const char *stop_signal =
		request->stop_signal ? request->stop_signal : image->config.stop_signal;
	auto_free char *ports = strings_join(&image->config.exposed_ports, ",");
	auto_free char *features = strings_join(&image->os_features, ",");
	int number;

	if (request->stop_signal && signal_parse(request->stop_signal, &number, err) < 0)
		return fail_while(err, "--stop-signal");
	add_image_labels(&image->config.labels, annotations);
	annotate(annotations, "org.opencontainers.image.os", image->os);
	annotate(annotations, "org.opencontainers.image.architecture",
		image->architecture);
	annotate(annotations, "org.opencontainers.image.variant", image->variant);
	annotate(annotations, "org.opencontainers.image.os.version", image->os_version);
	annotate(annotations, "org.opencontainers.image.os.features", features);
	annotate(annotations, "org.opencontainers.image.author", image->author);
	annotate(annotations, "org.opencontainers.image.created", image->created);
	annotate(annotations, "org.opencontainers.image.stopSignal", stop_signal);
	annotate(annotations, "org.opencontainers.image.exposedPorts", ports);
	return add_pairs(&request->labels, "--label", annotations, err) < 0
		       ? -1
		       : add_pairs(
				 &request->annotations, "--annotation", annotations, err);
}

/* The oldest version that has all of it: there are runtimes that refuse every later one
 * than they know. */
static const char *version_for(const struct oci_config *config)
{
	return config->linux.net_devices_count ? OCI_VERSION : "1.0.2";
}

/* The name becomes a host name and one of the network's, and the runtime would take it for
 * an ID. A host name goes to sethostname(2) and into /etc/hosts. */
static int check_names(const struct bundle_request *request, struct error *err)
{
	const char *name = request->name;
	const char *hostname = request->hostname;

	if (name &&
		(!*name || strchr(".-", *name) || name[strspn(name, NAME_CHARACTERS)] ||
			strlen(name) > HOST_NAME_MAX))
		return fail(err,
			"--name \"%s\": expected up to %d letters, digits and . _ -, no . or "
			"- first",
			name, HOST_NAME_MAX);
	if (!hostname || request->for_step)
		return 0;
	for (const char *c = hostname; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == '#' || *c == 0x7f)
			return fail(err,
				"--hostname \"%s\": blanks, # and control characters are "
				"not possible",
				hostname);
	}
	if (!*hostname || strlen(hostname) > HOST_NAME_MAX)
		return fail(err, "--hostname \"%s\": expected 1 to %d bytes", hostname,
			HOST_NAME_MAX);
	return 0;
}

int bundle_make_config(
	const struct bundle_input *input, struct oci_config *ret, struct error *err)
{
	const struct bundle_request *request = input->request;
	const char *hostname = request->hostname ? request->hostname : request->name;
	auto_oci_config config = { 0 };

	if (check_names(request, err) < 0)
		return -1;
	config.root = str_alloc(sizeof(*config.root));
	config.root->path = str_dup("rootfs");
	config.root->readonly = request->read_only;
	config.hostname = str_dup(hostname ? hostname : "mocker");
	add_namespaces(&config);
	if (input->overlay)
		overlay_add_mounts(input->overlay, &config);
	if (bundle_add_process(input, &config, err) < 0 ||
		bundle_add_mounts(input, &config, err) < 0 ||
		bundle_add_network(input, &config, err) < 0 ||
		bundle_add_user_namespace(input, &config, err) < 0 ||
		bundle_add_limits(input, &config, err) < 0 ||
		bundle_add_devices(input, &config, err) < 0 ||
		bundle_add_security(input, &config, err) < 0 ||
		add_annotations(input, &config, err) < 0 ||
		add_pairs(&request->sysctl, "--sysctl", &config.linux.sysctl, err) < 0)
		return -1;
	config.oci_version = str_dup(version_for(&config));
	*ret = config;
	config = (struct oci_config){ 0 };
	return 0;
}

int bundle_write_config(int bundle_fd, const struct oci_config *config, struct error *err)
{
	struct file_replace_options replace = { .mode = 0644 };
	struct json_write_options options = { .pretty = true };
	auto_str text = { 0 };

	json_write(&text, &oci_config_type, config, options);
	return file_replace_at(
		bundle_fd, "config.json", text.data, text.length, replace, err);
}
