#!/usr/bin/env bash
# The adapter as `snow-dist conform` starts it. Only OpenSSL's configuration can turn session tickets off (HS-TLS-011).
here=$(dirname "$0")
exec node --openssl-config="$here/openssl.cnf" "$here/adapter.mjs" "$@"
