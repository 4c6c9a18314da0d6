#!/usr/bin/env bash
# What CI does with an agent: reviews a change of it, or deploys it. Told by variables, so that it is the same anywhere:
#   UNMOOR_CI_MODE          review or deploy
#   UNMOOR_CI_SPEC          the spec, or its folder; the working folder without it
#   UNMOOR_CI_TARGETS       targets with spaces between; without it all that the spec has settings for
#   UNMOOR_CI_ENVIRONMENT   an environment that the spec declares
#   UNMOOR_CI_BASE          the commit that a change is compared with
#   UNMOOR_CI_PREVIEW       false: no engine is asked what would change
#   UNMOOR_CI_COMMENT       false: nothing is written on the pull or merge request
#   UNMOOR_CI_RUNS, UNMOOR_CI_MINUTES, UNMOOR_CI_USAGE             the use that the money is for
#   UNMOOR_CI_BACKEND, UNMOOR_CI_SECRETS_PROVIDER                  where the state is, and what encrypts its secrets
#   UNMOOR_CI_PACKAGE       what pip installs; without it the unmoor that is on PATH
set -euo pipefail

spec="${UNMOOR_CI_SPEC:-.}"
environment=() where=() targets=()
[ -z "${UNMOOR_CI_ENVIRONMENT:-}" ] || environment=(-e "$UNMOOR_CI_ENVIRONMENT")
[ -z "${UNMOOR_CI_BACKEND:-}" ] || where+=(--backend "$UNMOOR_CI_BACKEND")
[ -z "${UNMOOR_CI_SECRETS_PROVIDER:-}" ] || where+=(--secrets-provider "$UNMOOR_CI_SECRETS_PROVIDER")
read -r -a names <<< "${UNMOOR_CI_TARGETS:-}"
for name in "${names[@]}"; do targets+=(-t "$name"); done

review() {
  local options=() status=0 before said
  said="$(mktemp)"
  if [ -n "${UNMOOR_CI_BASE:-}" ]; then
    before="$(mktemp -d)/before"
    git cat-file -e "$UNMOOR_CI_BASE^{commit}" 2>/dev/null || git fetch --quiet --depth 1 origin "$UNMOOR_CI_BASE"
    git worktree add --quiet --detach "$before" "$UNMOOR_CI_BASE"
    options+=(--before "$before/$(git rev-parse --show-prefix)$spec")
  fi
  [ "${UNMOOR_CI_PREVIEW:-true}" != false ] || options+=(--no-preview)
  [ "${UNMOOR_CI_COMMENT:-true}" = false ] || options+=(--post)
  [ -z "${UNMOOR_CI_RUNS:-}" ] || options+=(--runs "$UNMOOR_CI_RUNS")
  [ -z "${UNMOOR_CI_MINUTES:-}" ] || options+=(--minutes "$UNMOOR_CI_MINUTES")
  [ -z "${UNMOOR_CI_USAGE:-}" ] || options+=(--usage "$UNMOOR_CI_USAGE")
  unmoor review "$spec" "${targets[@]}" "${environment[@]}" "${where[@]}" "${options[@]}" > "$said" || status=$?
  [ -z "${before:-}" ] || git worktree remove --force "$before"
  cat "$said" >> "${GITHUB_STEP_SUMMARY:-/dev/stdout}"
  return "$status"
}

deploy() {
  if [ "${#names[@]}" = 0 ]; then
    echo "deploy: no target is named; set UNMOOR_CI_TARGETS (the action's input targets)" >&2
    return 2
  fi
  for name in "${names[@]}"; do
    unmoor up "$spec" -t "$name" "${environment[@]}" "${where[@]}" --yes
  done
}

[ -z "${UNMOOR_CI_PACKAGE:-}" ] || python3 -m pip install --quiet --disable-pip-version-check "$UNMOOR_CI_PACKAGE"
unmoor check "$spec" "${targets[@]}" "${environment[@]}"
case "${UNMOOR_CI_MODE:-}" in
  review) review ;;
  deploy) deploy ;;
  *) echo "UNMOOR_CI_MODE: it is '${UNMOOR_CI_MODE:-}'; set it to review or deploy" >&2; exit 2 ;;
esac
