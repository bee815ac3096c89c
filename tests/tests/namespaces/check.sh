#!/usr/bin/env bash
# Runs the tests of this folder in a network namespace of their own, where they make machines and cut their cables.
# Where the system does not allow that, it says why and ends with status 77: skipped, not passed.
set -euo pipefail
cd "$(dirname "$0")/../../.."

skip() {
  printf 'SKIPPED: no partitions of real processes were tried: %s\n' "$1"
  exit 77
}

# Where tools for networks are, for those who are not root as well.
PATH=$PATH:/usr/sbin:/sbin

for tool in ip bridge tc unshare nsenter; do
  command -v "$tool" >/dev/null || skip "there is no command $tool"
done

# Root needs no namespace of users; everyone else is root in one.
own=(unshare --net)
[ "$(id -u)" = 0 ] && "${own[@]}" true 2>/dev/null || own=(unshare --user --map-root-user --net)
why=$("${own[@]}" true 2>&1) || skip "$why"
why=$("${own[@]}" sh -c 'ip link add probe type bridge && ip link add one type veth peer name other netns $$' 2>&1) ||
  skip "$why"

cargo test --quiet --workspace --test namespaces --no-run
# One after the other: they share the namespace.
"${own[@]}" cargo test --quiet --workspace --test namespaces -- --ignored --test-threads 1 --show-output
