#!/usr/bin/env bash
# Holds the dissector against the captures and the vectors, and shows that it would notice a difference.
#   check.sh          everything
#   check.sh --write  writes what tshark shows of the captures as what is expected; look at it before you keep it
set -euo pipefail
cd "$(dirname "$0")"
captures=../captures
export PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

package() { # command, Debian package: installed where the command is missing
  command -v "$1" >/dev/null && return
  local root=""
  [ "$(id -u)" = 0 ] || root=sudo
  export DEBIAN_FRONTEND=noninteractive
  $root apt-get update -qq
  $root apt-get install -y -qq --no-install-recommends "$2"
}

shown() { # dissector, capture: the Snow DIST part of what tshark shows, without times of day
  tshark -X "lua_script:$1" -r "$2" -2 -O snowdist -Y snowdist 2>"$work/errors" >"$work/all" || {
    cat "$work/errors" >&2
    return 1
  }
  # tshark ends with 0 whatever a dissector does.
  if grep -i lua "$work/errors" >&2 ||
    grep -E '_ws\.(lua\.error|malformed)|Lua Error|Malformed Packet' "$work/all" >&2; then
    return 1
  fi
  awk '/^Frame / { split($0, part, ":"); frame = part[1]; inside = 0; next }
       /^Snow DIST/ { inside = 1; if (frame != "") print "== " frame; frame = "" }
       /^[^ ]/ && !/^Snow DIST/ { inside = 0 }
       inside && NF' "$work/all"
}

hold() { # dissector, capture, expected: whether they agree
  shown "$1" "$2" >"$work/shown" && diff -u "$3" "$work/shown"
}

fails() { # what, command: it must not succeed, and must have said why
  local what=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    echo "the check does not notice: $what"
    exit 1
  fi
  [ -s "$work/said" ] || { echo "the check fails without a word: $what"; exit 1; }
}

altered() { # sed expression: the dissector with a fault, in a file of its own
  sed "$1" snow_dist.lua >"$work/altered.lua"
  ! cmp -s snow_dist.lua "$work/altered.lua" || { echo "nothing to alter: $1"; exit 1; }
}

listed_fields() { # the list in the README, and what tshark knows of
  sed -n '/^## Fields/,$ s/^| `\(snowdist\.[a-z0-9_.]*\)` |.*/\1/p' README.md | sort
}

known_fields() {
  tshark -G fields -X lua_script:snow_dist.lua 2>/dev/null |
    awk -F'\t' '$1 == "F" && $3 ~ /^snowdist\./ && $3 !~ /^snowdist\.(cap|dist|hs|stf)_[a-z]+_[0-9]+$/ { print $3 }' | sort -u
}

package tshark tshark
package python3 python3

if [ "${1:-}" = --write ]; then
  for capture in "$captures"/*.pcapng; do shown snow_dist.lua "$capture" >"${capture%.pcapng}.expected"; done
  exit
fi

count=0
for capture in "$captures"/*.pcapng; do
  hold snow_dist.lua "$capture" "${capture%.pcapng}.expected"
  messages=$(grep -c '^Snow DIST' "$work/shown")
  echo "$(basename "$capture"): $messages frames and messages as expected"
  count=$((count + 1))
done
[ "$count" -ge 5 ] || { echo "only $count captures"; exit 1; }

diff -u <(listed_fields) <(known_fields)
echo "fields: as README.md lists them"

python3 vectors.py
python3 conversations.py
python3 fragments.py
python3 fuzz.py 1

session=$captures/session.pcapng
altered 's/name = "MONITOR_EXIT", version/name = "MONITOR_END", version/'
fails "another name" hold "$work/altered.lua" "$session" "${session%.pcapng}.expected"
fails "another name, in the vectors" python3 vectors.py "$work/altered.lua"
altered 's/"from:pid to:pid reason:reason"/"to:pid from:pid reason:reason"/'
fails "fields in another order" hold "$work/altered.lua" "$session" "${session%.pcapng}.expected"
altered 's/if not is_utf8(text) then refuse/if false then refuse/'
fails "text that is not judged" python3 vectors.py "$work/altered.lua"
altered 's/^function READ.pid(c, name)/&\n  error("a fault")/'
fails "an error of Lua" hold "$work/altered.lua" "$session" "${session%.pcapng}.expected"
fails "an error of Lua, among random bytes" python3 fuzz.py 1 "$work/altered.lua"
sed '0,/ref: 1/s//ref: 2/' "${session%.pcapng}.expected" >"$work/expected"
fails "another expectation" hold snow_dist.lua "$session" "$work/expected"
altered 's/if not is_due then notes/if false then notes/'
fails "a message that is not due" python3 conversations.py "$work/altered.lua"
altered 's/frame.pieces\[#frame.pieces + 1\] = piece/table.insert(frame.pieces, 1, piece)/'
fails "pieces in another order" python3 fragments.py "$work/altered.lua"
altered 's/or is_last ~= (length == frame.total) then/then/'
fails "a last piece where bytes are missing" python3 fragments.py "$work/altered.lua"
altered 's/local fragments, is_first = fragments_of(record.direction),/local fragments, is_first = fragments_of(record.stream),/'
fails "one set of numbers for both directions" python3 fragments.py "$work/altered.lua"
altered 's/if fragments_kept_bytes + #piece > .* then release/if false then release/'
fails "no end of what is kept" python3 fragments.py "$work/altered.lua"
altered 's/^local function show_message_at(.*/&\n  is_new = true/'
fails "pieces that are collected in each pass" python3 fragments.py "$work/altered.lua"
altered 's/^function FITS.CALL_REPLY(.*/&\n  do return true end/'
fails "a reply with other pids" python3 conversations.py "$work/altered.lua"
altered 's/if name ~= "NAMED" then stream.open/if true then stream.open/'
fails "a monitor that NAMED ends" python3 conversations.py "$work/altered.lua"
altered 's/is_allowed(record, row, record.whole_notes) then join/false then join/'
fails "a call in fragments that nobody knows of" python3 fragments.py "$work/altered.lua"
altered '/tls_application_protocol = /s|dist/1|dist/9|'
fails "another application protocol" hold "$work/altered.lua" "$session" "${session%.pcapng}.expected"
altered 's/port_default = 9000/port_default = 9009/'
fails "another port" hold "$work/altered.lua" "$captures/split.pcapng" "$captures/split.expected"
echo "faults put in on purpose are noticed"
