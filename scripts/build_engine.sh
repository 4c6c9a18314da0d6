#!/bin/sh
# Builds Pulumi's CLI of VERSION into FILE from its Go module, unless one is there; says one line where it cannot.
# It is for tests alone: users install the CLI as Pulumi tells them.
set -u
version=$1 file=$2
if command -v pulumi >/dev/null 2>&1 || [ -x "$file" ]; then exit 0; fi
if ! command -v go >/dev/null 2>&1; then
  echo "no pulumi and no Go to build it with: the engine tests skip, saying so"
  exit 0
fi
echo "building Pulumi's engine $version into $(dirname "$file"): three minutes, once"
named="-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$version"
part=$file.$$
trap 'rm -f "$part" "$part.log"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$(dirname "$file")" || exit 0
if (cd "$(dirname "$0")/../tests/engine/cli" && CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags "-s -w $named" \
  -o "$part" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi) >"$part.log" 2>&1; then
  mv "$part" "$file"
else
  echo "Pulumi's engine was not built, so the engine tests skip, saying so: $(tail -n 1 "$part.log")"
fi
