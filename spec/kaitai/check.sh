#!/usr/bin/env bash
# Judges the grammar against the vectors, and then the check itself. Installs what it needs.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v npm >/dev/null; then
  root=""
  [ "$(id -u)" = 0 ] || root=sudo
  $root apt-get update -qq
  $root apt-get install -y -qq --no-install-recommends nodejs npm
fi
npm ci --silent --prefer-offline --no-audit --no-fund
node check.mjs
node mutants.mjs
