#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# networks.schema.json agrees with the broker: it takes the files of the documents,
# and refuses the files of bad-files/ that are JSON, but for those of which only
# the broker can tell that they are wrong.

set -u
cd "$(dirname "$0")/../.." || exit

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/bad" "$tmp/good" || exit
cp broker/networks.json "$tmp/good/shipped.json" || exit
tests/unit/json-blocks "$tmp/good" || exit
tests/unit/bad-files-test.sh "$tmp/bad" || exit

# Debian's own: jsonschema is a package of Debian.
/usr/bin/python3 - "$tmp" <<'END'
import json
import pathlib
import sys

import jsonschema

folder = pathlib.Path(sys.argv[1])
with open("broker/networks.schema.json") as file:
    schema = json.load(file)
kind = jsonschema.validators.validator_for(schema)
validator = kind(schema)
failed = False
count = 0


def check(good, name, reason=""):
    global failed, count
    count += 1
    print("ok" if good else "not ok", count, "-", name)
    if not good:
        failed = True
        print("#", reason)


def constant(name):
    raise ValueError(name)


def read(path):
    """None: it is not JSON, so that no schema is asked."""
    try:
        return json.loads(path.read_bytes().decode(), parse_constant=constant)
    except ValueError:
        return None


def problem(path):
    error = jsonschema.exceptions.best_match(validator.iter_errors(read(path)))
    return None if error is None else error.message


def schema_is_valid():
    try:
        kind.check_schema(schema)
    except jsonschema.exceptions.SchemaError as error:
        return error.message
    return None


check(schema_is_valid() is None, "the schema is one", schema_is_valid())
for path in sorted((folder / "good").glob("*.json")):
    check(problem(path) is None, f"it takes {path.name}", problem(path))
for line in (folder / "bad" / "titles").read_text().splitlines():
    number, mark, title = line.split(" ", 2)
    path = folder / "bad" / f"{number}.json"
    if read(path) is None and path.read_bytes().strip() != b"null":
        continue
    if mark == "broker":
        check(problem(path) is None, title, "not for the broker alone")
    else:
        check(problem(path) is not None, title, "the schema takes it")
print(f"1..{count}")
sys.exit(failed)
END
