#!/usr/bin/env bash
# Makes the captures anew: real sessions over loopback, with the keys of their channels inside. Needs the right to
# capture. Every run gives other bytes, so `spec/wireshark/check.sh --write` has to follow, and a look at what it wrote.
set -euo pipefail
cd "$(dirname "$0")"
scenarios=${*:-session refused malformed split fragments}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

cargo build --quiet -p snow-dist-tests --bin captures
program=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/captures

for scenario in $scenarios; do
  dumpcap -q -i lo -f tcp -w "$work/raw.pcapng" 2>"$work/dumpcap" &
  listener=$!
  until grep -qs '^File:' "$work/dumpcap"; do sleep 0.1; done
  SSLKEYLOGFILE="$work/keys" "$program" "$scenario"
  sleep 1 # what dumpcap has not read yet
  kill -INT "$listener" && wait "$listener" || true
  # Other programs' packets are left out: what these keys open is ours.
  tshark -X lua_script:../wireshark/snow_dist.lua -r "$work/raw.pcapng" -o "tls.keylog_file:$work/keys" -Y snowdist \
    -T fields -e tcp.stream 2>/dev/null | sort -un >"$work/streams"
  ours="tcp.stream in {$(paste -sd, "$work/streams")}"
  tshark -r "$work/raw.pcapng" -Y "$ours" -F pcapng -w "$work/own.pcapng" 2>/dev/null
  sort -u -o "$work/keys" "$work/keys"
  editcap --inject-secrets "tls,$work/keys" "$work/own.pcapng" "$scenario.pcapng"
  rm "$work/keys"
done
