#!/usr/bin/env bash
# The programs in C of the tests under valgrind, and with what compilers know of memory, of C and of threads.
set -euo pipefail
cd "$(dirname "$0")/../.."

# One at a time: under valgrind a handshake takes seconds, and has seven.
programs() { cargo test --quiet --workspace --test c -- --test-threads 1; }

echo "valgrind: memory of the program and of the library, and what is lost of it"
SNOW_RUN="valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect
  --errors-for-leak-kinds=definite,indirect --suppressions=$PWD/runtime/capi/tests/c/valgrind.supp" programs

echo "ASan and UBSan: the program is built with them; of the library they see what it allocates, frees and loses"
SNOW_CC="cc -fsanitize=address,undefined -fno-sanitize-recover=all" programs

sources=$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library
if [ ! -d "$sources" ]; then
  echo "TSan: skipped. It needs the sources of Rust's own library (rustup component add rust-src --toolchain nightly)"
  exit 0
fi
echo "TSan: the program, the library, and Rust's own library, so that every lock is seen"
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="-Zsanitizer=thread" cargo +nightly build --quiet -Zbuild-std --target "$host" --target-dir target/tsan \
  -p snow-dist-capi --no-default-features --features ring
SNOW_LIB="$PWD/target/tsan/$host/debug" SNOW_CC="cc -fsanitize=thread -fno-builtin $PWD/runtime/capi/tests/c/tsan.c" \
  TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/runtime/capi/tests/c/tsan.txt" programs
