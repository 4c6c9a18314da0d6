#!/usr/bin/env bash
# Reviews a change to an agent, or deploys the agent. Configured by variables, so that it works in any CI:
#   UNMOOR_CI_MODE          review or deploy
#   UNMOOR_CI_SPEC          the spec, or its folder; defaults to the working folder
#   UNMOOR_CI_TARGETS       separated by spaces; required to deploy; a review defaults to every target in the spec
#   UNMOOR_CI_ENVIRONMENT   an environment declared in the spec
#   UNMOOR_CI_BASE          the commit to compare a change with
#   UNMOOR_CI_PREVIEW       false: do not preview resource changes with Pulumi
#   UNMOOR_CI_COMMENT       false: do not comment on the pull or merge request
#   UNMOOR_CI_RUNS, UNMOOR_CI_MINUTES, UNMOOR_CI_USAGE             usage to estimate the cost for
#   UNMOOR_CI_BACKEND, UNMOOR_CI_SECRETS_PROVIDER                  the state's backend and its encryption
#   UNMOOR_CI_PACKAGE       the package that pip installs; defaults to the unmoor on PATH
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
    echo "no target to deploy to; set UNMOOR_CI_TARGETS (the action's input: targets)" >&2
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
  *) echo "UNMOOR_CI_MODE is '${UNMOOR_CI_MODE:-}'; set it to review or deploy" >&2; exit 2 ;;
esac
