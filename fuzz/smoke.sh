#!/usr/bin/env bash
# Fuzzes every target for some seconds (20 unless said otherwise); any finding fails.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-20}
new=$(mktemp -d) && trap 'rm -rf "$new"' EXIT

cargo +nightly fuzz build
for target in $(cargo +nightly fuzz list); do
  printf '== %s\n' "$target"
  mkdir "$new/$target"
  # What is found goes to a folder of its own: the committed corpora stay as they are.
  cargo +nightly fuzz run "$target" "$new/$target" "corpus/$target" -- -dict=dist.dict \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=16 -print_final_stats=1 2>&1 |
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss)|ERROR|panicked|SUMMARY|Test unit'
done
