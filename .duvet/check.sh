#!/usr/bin/env bash
# Every requirement of spec/ is cited where it is implemented and where it is shown, or is an exception with a reason;
# no citation is stale; spec/coverage.md says so. `.duvet/check.sh --write` writes that page.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements() { cargo run --quiet --bin requirements -- "$@"; }

traced() { # what is extracted from the texts must not outlive them
  rm -rf .duvet/requirements
  duvet report --ci && duvet query -c implementation,test
}

mkdir -p target/duvet
requirements citations > target/duvet/data.rs
if ! traced > target/duvet/log 2>&1; then
  cat target/duvet/log
  exit 1
fi

requirements page target/duvet/report.json > target/duvet/coverage.md
if [ "${1:-}" = --write ]; then
  cp target/duvet/coverage.md spec/coverage.md
fi
diff -u spec/coverage.md target/duvet/coverage.md

# The check itself: it must find what is broken here, in copies.
fails() { # what is broken, a file, a sed command for it, what must be said
  local copy=target/duvet/broken
  rm -rf "$copy"
  mkdir -p "$copy/target/duvet"
  cp -r .duvet spec "$copy"
  cp target/duvet/data.rs "$copy/target/duvet"
  find codec/src runtime/src runtime/tests tests/tests -name '*.rs' -exec cp --parents --target-directory "$copy" {} +
  sed -i "$3" "$copy/$2"
  if cmp --silent "$2" "$copy/$2"; then
    echo "nothing is broken: $1"
    exit 1
  fi
  if (cd "$copy" && traced) > target/duvet/log 2>&1 || ! grep --quiet --fixed-strings "$4" target/duvet/log; then
    cat target/duvet/log
    echo "not found: $1"
    exit 1
  fi
}

fails "a requirement without citations" spec/stf.md \
  '$a\\n### [STF-NEW-001] New {#stf-new-001}\n\nA reader MUST be new.' "missing citation"
fails "a requirement without an implementation" codec/src/stf/mod.rs \
  '/stf-ver-001/,+1d' "missing citation"
fails "a requirement without a test" target/duvet/data.rs \
  '/stf-ver-001/,+2d' "missing test"
fails "a number that does not exist" codec/src/stf/mod.rs \
  's/stf-ver-001/stf-ver-999/' 'missing section "stf-ver-999"'
fails "a quote that is stale" spec/stf.md \
  's/refuse bytes that do not begin with the version byte/refuse bytes without the version byte/' "could not find text"
fails "an exception for what does not exist" .duvet/exceptions/operators.toml \
  's/con-cls-013/con-cls-999/' 'missing section "con-cls-999"'
rm -rf target/duvet/broken
