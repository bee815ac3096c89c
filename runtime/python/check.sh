#!/usr/bin/env bash
# Builds the wheel, installs it into an environment of its own, and runs the tests in Python and those beside a node in Rust.
set -euo pipefail
cd "$(dirname "$0")/../.."
made=$(mktemp -d) && trap 'rm -rf "$made"' EXIT

# Of a copy: what builds wheels leaves files beside the sources.
cp -r runtime/python "$made/source"
python3 -m venv "$made/venv"
"$made/venv/bin/pip" wheel --quiet --no-deps --wheel-dir "$made" "$made/source"
"$made/venv/bin/pip" install --quiet --no-index "$made"/snow_dist-*.whl
SNOW_PYTHON="$made/venv/bin/python" cargo test --workspace --test python -- --ignored

# The example of an adapter, as somebody begins with it.
SNOW_DIST_LIBRARY=$PWD/target/debug/deps/libsnow_dist_capi.so cargo run --quiet --bin snow-dist -- \
  conform --quiet --requirement 'SES-LNK-*' --requirement 'SES-MSG-*' -- \
  "$made/venv/bin/python" spec/conformance/example/adapter.py
