/* A bundle, read and checked before anything is done. */
#include "runtime/bundle.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/process/execute.h"
#include "spec/validate.h"

void bundle_free(struct bundle *bundle)
{
	free(take_ptr(&bundle->path));
	free(take_ptr(&bundle->text));
	free(take_ptr(&bundle->rootfs));
	cleanup_fd(&bundle->fd);
	json_free(&oci_config_type, &bundle->config);
}

static int read_config(
	const struct bundle_request *request, struct bundle *bundle, struct error *err)
{
	const char *file = request->config_file ? request->config_file : "config.json";
	const struct json_options options = { .name = file, .strict = request->strict };

	if (file_read_at(request->config_file ? AT_FDCWD : bundle->fd, file,
		    JSON_SIZE_MAX, &bundle->text, &bundle->length, err) < 0)
		return fail_while(err, "bundle %s", bundle->path);
	if (json_read(&oci_config_type, &bundle->config, bundle->text, bundle->length,
		    &options, err) < 0)
		return -1;
	if (config_validate(&bundle->config, NULL, err) < 0) {
		json_place(file, bundle->text, bundle->length, err);
		return -1;
	}
	resources_of_version(&bundle->config.linux.resources, bundle->config.oci_version);
	return 0;
}

static int check_parts(struct bundle *bundle, struct error *err)
{
	const struct oci_config *config = &bundle->config;

	if (!config->process)
		return fail(
			err, "config.json: /process: is required to create a container");
	if (!config->root)
		return fail(err, "config.json: /root: is required on Linux");
	if (execute_check(config->process, err) < 0) {
		json_place("config.json", bundle->text, bundle->length, err);
		return -1;
	}
	bundle->rootfs = config->root->path[0] == '/'
				 ? path_clean(config->root->path)
				 : path_join(bundle->path, config->root->path);
	return 0;
}

int bundle_load(
	const struct bundle_request *request, struct bundle *ret, struct error *err)
{
	auto_bundle bundle = BUNDLE_NONE;
	const char *directory = request->directory ? request->directory : ".";

	bundle.path = realpath(directory, NULL);
	if (!bundle.path)
		return fail_errno(err, "bundle %s", directory);
	bundle.fd = open(bundle.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bundle.fd < 0)
		return fail_errno(err, "bundle %s", bundle.path);
	if (read_config(request, &bundle, err) < 0 || check_parts(&bundle, err) < 0)
		return -1;
	*ret = bundle;
	bundle = (struct bundle)BUNDLE_NONE;
	return 0;
}
