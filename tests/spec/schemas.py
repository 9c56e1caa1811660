"""The schemas of the specifications. `schemas.py KIND FILE` says what in the document is
not as its schema has it; exit status 1 if anything is."""

import json
import os
import sys

import jsonschema

data = os.path.join(os.environ["top_srcdir"], "tests/data")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


# Draft 4, with references to files beside them.
def resolve(node, folder, file):
    """The schema with every reference replaced by what it refers to."""
    if isinstance(node, list):
        return [resolve(item, folder, file) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: resolve(value, folder, file) for key, value in node.items()
                if key != "id" or isinstance(value, dict)}  # a member of that name
    path, _, pointer = node["$ref"].partition("#")
    path = os.path.join(folder, path) if path else file
    target = load(path)
    for name in filter(None, pointer.split("/")):
        target = target[name]
    return resolve(target, folder, path)


def schema(name):
    path = os.path.join(data, name)
    return resolve(load(path), os.path.dirname(path), path)


SCHEMAS = {
    "config": schema("runtime-spec/config-schema.json"),
    "state": schema("runtime-spec/state-schema.json"),
    "features": schema("runtime-spec/features-schema.json"),
    "image-config": schema("image-spec/config-schema.json"),
    "image-index": schema("image-spec/image-index-schema.json"),
    "image-manifest": schema("image-spec/image-manifest-schema.json"),
    "image-layout": schema("image-spec/image-layout-schema.json"),
    "descriptor": schema("image-spec/content-descriptor.json"),
}


def schema_errors(kind, document):
    validator = jsonschema.Draft4Validator(SCHEMAS[kind])
    return "\n".join(f"{list(error.path)}: {error.message}"
                     for error in validator.iter_errors(document))


if __name__ == "__main__":
    found = schema_errors(sys.argv[1], load(sys.argv[2]))
    print(found, end="")
    sys.exit(bool(found))
