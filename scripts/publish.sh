#!/usr/bin/env bash
# Publishes the tarballs that lie beside it, as scripts/stage.js lays them out: bash release/publish.sh [--dry-run]
#
# What is published already is left out, so after a failure half-way it can be run again. The platform packages come first:
# nobody may get a latchkey whose binary is not there yet.
set -euo pipefail
cd "$(dirname "$0")"

for tarball in latchkey-native-*.tgz latchkey-[0-9]*.tgz; do
  package=$(tar -xzOf "$tarball" package/package.json |
    node --print 'const { name, version } = JSON.parse(fs.readFileSync(0, "utf8")); `${name}@${version}`')
  version=${package##*@}
  # npm says nothing of a version that does not exist, or fails.
  if [ "$(npm view "$package" version 2>/dev/null || true)" = "$version" ]; then
    echo "$package is published already."
    continue
  fi
  # A prerelease must not be what `npm install latchkey` gets, and npm refuses it without a tag.
  case $version in
    *-*) tag=next ;;
    *) tag=latest ;;
  esac
  npm publish "./$tarball" --access public --tag "$tag" "$@"
  echo "$package is published as $tag."
done
