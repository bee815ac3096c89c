#!/usr/bin/env bash
# Builds the site and judges it in a browser. Installs what it needs. --pictures: pictures stand in target/site-pictures then.
set -euo pipefail
cd "$(dirname "$0")/../.."

package() { # command, Debian package: installed where the command is missing
  command -v "$1" >/dev/null && return
  local root=""
  [ "$(id -u)" = 0 ] || root=sudo
  $root apt-get update -qq
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2"
}

package node nodejs
package chromium-headless-shell chromium-headless-shell
command -v mdbook >/dev/null || CARGO_PROFILE_DEV_DEBUG=0 RUSTFLAGS="" \
  cargo install --quiet --locked mdbook@0.5.4 --debug --no-default-features --features search

node spec/site/build/build.mjs
node spec/site/build/check.mjs "$@"
