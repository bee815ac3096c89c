#!/usr/bin/env bash
# Holds every model against what is expected of it, and shows that mistakes in the protocol are noticed.
#   check.sh           everything
#   check.sh MODEL     the traces of one model, such as version1/reflection
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
seconds_max=300 # for one model

fault() { printf '%s\n' "$*" >&2; return 1; }

result() { # file, sessions: one letter and digit for each query
  timeout "$seconds_max" verifpal verify --quiet --result-code --sessions "$2" "$1" >"$work/said" 2>&1 ||
    fault "$1: no result in $seconds_max s, or an error: $(cat "$work/said")" || return
  grep -xE '([acfue][01])+' <(tail -n 1 "$work/said") || fault "$1: holds no query"
}

hold() { # file, sessions, expected result
  local found
  found=$(result "$1" "$2") || return
  [ "$found" = "$3" ] || fault "$1: $found, and expected was $3"
}

rows() { grep -v '^#' "$1"; }

expected() { # model, column: 2 its sessions, 3 its result
  rows expected.tsv | awk -F'\t' -v model="$1" -v column="$2" '$1 == model { print $column }'
}

altered() { # model, sed expression: the model with a protection removed, in a file of its own
  sed "$2" "$1.vp" >"$work/altered.vp"
  ! cmp -s "$1.vp" "$work/altered.vp" || fault "nothing to alter in $1: $2"
}

breaks() { # result, result of a mutant: whether a query that held does not hold any more
  local at
  [ "${#1}" = "${#2}" ] || return
  for ((at = 1; at < ${#1}; at += 2)); do
    [ "${1:at:1}${2:at:1}" != 01 ] || return 0
  done
  return 1
}

models() { # every model there is has its row, and every row its model
  diff <(find . -name '*.vp' | sed 's|^\./||; s|\.vp$||' | sort) <(rows expected.tsv | cut -f 1 | sort)
  while IFS=$'\t' read -r model sessions code; do
    SECONDS=0
    hold "$model.vp" "$sessions" "$code"
    echo "$model: $code, $SECONDS s"
  done < <(rows expected.tsv)
}

mutants() {
  local count=0
  while IFS=$'\t' read -r what model edit code; do
    altered "$model" "$edit"
    breaks "$(expected "$model" 3)" "$code" || fault "$model without $what: no query is expected to fail"
    hold "$work/altered.vp" 1 "$code" || fault "$model without $what"
    count=$((count + 1))
  done < <(rows mutants.tsv)
  [ "$count" -gt 0 ] || fault "no mutants"
  echo "$count protections: each is missed when it is removed"
}

spare() {
  local count=0
  while IFS=$'\t' read -r what model edit; do
    altered "$model" "$edit"
    hold "$work/altered.vp" "$(expected "$model" 2)" "$(expected "$model" 3)" || fault "$model without $what"
    count=$((count + 1))
  done < <(rows spare.tsv)
  echo "$count protections that another one backs: all holds without them"
}

unnoticed() { # what, command: it must not succeed
  local what=$1
  shift
  ! "$@" >"$work/noticed" 2>&1 || fault "the check does not notice: $what"
}

itself() {
  altered version2/stripped '/? Peer\|? cookie/d'
  unnoticed "a model without queries" hold "$work/altered.vp" 1 ""
  unnoticed "another result" hold version1/reflection.vp 1 a0c0
  unnoticed "an edit that changes nothing" altered version2/stripped 's/nothing/anything/'
  unnoticed "a mutant that survives" breaks a0c0 a0c0
  unnoticed "a model that is not one" hold README.md 1 a0
  echo "faults of the check: noticed"
}

if [ $# -gt 0 ]; then
  sessions=$(expected "$1" 2)
  verifpal verify --quiet --sessions "${sessions:?no such model}" "$1.vp"
  exit
fi
models
mutants
spare
itself
