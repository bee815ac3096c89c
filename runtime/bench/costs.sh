#!/usr/bin/env bash
# What a message of 64 bytes costs, in instructions of both ends together, by each way in: valgrind counts a short run and a
# long one, and the difference is what the messages between them cost. The system's own work is not counted.
# Prints a table of medians. `runtime/bench/costs.sh [rounds]`, from the root of the repository; needs valgrind and cc.
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-5}
target=${CARGO_TARGET_DIR:-target}/release

cargo build --quiet --release -p snow-dist-runtime-bench -p snow-dist-capi
cargo build --quiet --release -p snow-dist-guard
cc -O1 -I runtime/capi/include runtime/bench/costs.c -o "$target/costs-c" -L "$target" -lsnow_dist_capi \
  -Wl,-rpath,"$(realpath "$target")"

run() { # way, messages, batch
  case $1 in
    engine)
      local path=send-many
      [ "$3" != 1 ] || path=send
      "${valgrind[@]}" "$target/snow-dist-guard" go "$path" "$2" ;;
    tokio) "${valgrind[@]}" "$target/snow-dist-runtime-bench" costs --messages "$2" --batch "$3" ;;
    c) "${valgrind[@]}" "$target/costs-c" "$2" "$3" ;;
  esac
}

counted=$(mktemp)
trap 'rm -f "$counted"' EXIT
# What goes round on a message is all that is counted: no cache is simulated, and threads take turns fairly.
valgrind=(valgrind --tool=callgrind --callgrind-out-file=/dev/null --fair-sched=yes "--log-file=$counted")
instructions() { run "$@" && sed -n 's/.*Collected *: *//p' "$counted"; }

printf '| messages at once | %s | %s | %s |\n|---|---|---|---|\n' "engine, in memory" "tokio, over TLS" "C, over TLS"
for batch in 1 100; do
  printf '| %s |' "$batch"
  for way in engine tokio c; do
    median=$(for _ in $(seq "$rounds"); do
      short=$(instructions "$way" 1000 "$batch")
      long=$(instructions "$way" 5000 "$batch")
      echo $(((long - short) / 4000))
    done | sort -n | sed -n "$(((rounds + 1) / 2))p")
    printf ' %s |' "$median"
  done
  echo
done
