/* The table of the state, in the order in which runc prints it. */
#include "spec/state.h"

#include "spec/names.h"

static const struct json_field state_fields[] = {
	JSON_STRING(struct oci_state, oci_version, "ociVersion", .required = true),
	JSON_STRING(struct oci_state, id, "id", .required = true),
	JSON_I32_OPT(struct oci_state, pid, "pid"),
	JSON_WORD(struct oci_state, status, "status", status_words, .required = true),
	JSON_STRING(struct oci_state, bundle, "bundle", .required = true),
	JSON_STRING(struct oci_state, rootfs, "rootfs"),
	JSON_STRING(struct oci_state, created, "created"),
	JSON_PAIRS(struct oci_state, annotations, "annotations"),
	JSON_STRING(struct oci_state, owner, "owner"),
	JSON_END,
};
const struct json_type oci_state_type = JSON_TYPE(struct oci_state, state_fields);

void state_free(struct oci_state *state)
{
	json_free(&oci_state_type, state);
}
