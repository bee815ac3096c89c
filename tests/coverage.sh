#!/usr/bin/env bash
# Line coverage of the codec, file by file: lines that tests run, all lines, and the numbers of those that none
# runs. Fails if there is one.
#
# Needs cargo-llvm-cov, and LLVM's tools: rustup's component llvm-tools, or LLVM_COV and LLVM_PROFDATA set to
# those of the LLVM version that `rustc -vV` names.
set -euo pipefail
cd "$(dirname "$0")/.."

# Counted from the lines themselves: LLVM's own summary takes of a generic function only its best instance.
cargo llvm-cov --quiet --workspace --all-features --lcov | awk -F '[:,]' '
  /^SF:/ { file = $2; sub(/.*\/codec\/src\//, "", file); ours = $2 ~ /\/codec\/src\// }
  /^DA:/ && ours { lines[file]++; if ($3 == 0) missed[file] = missed[file] " " $2; else run[file]++ }
  END {
    sort = "sort"
    for (file in lines) {
      printf "%-32s %4d of %4d%s\n", file, run[file], lines[file],
        file in missed ? ", not run:" missed[file] : "" | sort
      all += lines[file]; done += run[file]
    }
    close(sort)
    printf "%-32s %4d of %4d\n", "codec/src", done, all
    exit done < all
  }'
