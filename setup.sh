#!/usr/bin/env bash
# Makes this folder ready to run: `.venv` with exactly the packages of requirements.lock.
#
#   ./setup.sh run       for `make run` and `make check`
#   ./setup.sh tests     the same, and the Debian packages that the tests need
#   ./setup.sh cabinet   on a real cabinet: only the packages that it runs (docs/install.md)
#   ./setup.sh lock      requirements.lock anew, from setup.cfg (needs `uv` on the path)
#
# It does nothing when nothing is missing. What it cannot vouch for, such as a run that was
# stopped half-way, it makes again from nothing.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

readonly LOCK=requirements.lock
readonly TESTS_FROM="# Only for the checks and tests; ./setup.sh cabinet stops here."
readonly STAMP=.venv/.installed
as_root=()

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Whether packages may be installed here: as root, or by a sudo that asks nothing.
may_install() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" = 0 ] && return 0
  as_root=(sudo -n)
  command -v sudo >/dev/null && sudo -n true 2>/dev/null
}

apt_get() {
  timeout 900 "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" </dev/null 2>&1
}

# Install Debian packages; the list of packages is fetched only when it does not know them.
debian() {
  local told
  say "installing $*"
  told=$(apt_get install --no-install-recommends "$@") && return
  told=$(apt_get update) || true
  told=$(apt_get install --no-install-recommends "$@") && return
  printf '%s\n' "$told" | tail -n 5 >&2
  fail "apt-get could not install $*; see above, then run it again"
}

python_is_right() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}

find_python() {
  for python in python3 python3.11 python3.12 python3.13; do
    command -v "$python" >/dev/null && python_is_right "$python" && return
  done
  fail "Python 3.11, 3.12 or 3.13 is needed; on Debian 12: sudo apt-get install python3"
}

has_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }

need_venv() {
  has_venv && return
  local package="$python-venv"
  may_install || fail "Python's venv module is missing; run: sudo apt-get install $package"
  debian "$package"
  has_venv || fail "Python's venv module is still missing; run: sudo apt-get install $package"
}

# What must be true of .venv, in one line; a changed line means making it again.
environment() {
  printf '%s %s %s %s' "$1" "$(sha256sum <"$LOCK")" "$(.venv/bin/python -V 2>&1)" "$PWD"
}
project() { cat setup.cfg pyproject.toml cabinet/version.py | sha256sum; }
stamped() { [ -f "$STAMP" ] && [ "$(sed -n "$1p" "$STAMP")" = "$2" ]; }

pip() {
  local told
  told=$(PIP_NO_INPUT=1 timeout 1800 .venv/bin/python -m pip --disable-pip-version-check \
    install --quiet --no-deps "$@" 2>&1) && return
  printf '%s\n' "$told" | tail -n 8 >&2
  fail "pip could not install the packages; see above (is there a network?), then run it again"
}

install_packages() {
  local kind=$1 wanted=.venv/wanted
  find_python
  need_venv
  say "making .venv with $("$python" -V)"
  rm -rf .venv
  "$python" -m venv .venv || fail "'$python -m venv .venv' failed; see above"
  awk -v kind="$kind" -v end="$TESTS_FROM" 'kind == "cabinet" && $0 == end { exit } 1' \
    "$LOCK" >"$wanted"
  say "installing $(grep -c '^[a-z0-9].*==' "$wanted") locked packages"
  pip --require-hashes --only-binary :all: -r "$wanted"
}

# A cabinet gets a copy of the code, so that what runs is what was installed.
install_project() {
  if [ "$1" = cabinet ]; then pip --no-build-isolation .; else pip --no-build-isolation -e .; fi
}

virtual_environment() {
  local kind=$1
  if ! stamped 1 "$(environment "$kind")"; then
    install_packages "$kind"
    install_project "$kind"
  elif ! stamped 2 "$(project)"; then
    say "installing the project"
    install_project "$kind"
  else
    return 0
  fi
  printf '%s\n%s\n' "$(environment "$kind")" "$(project)" >"$STAMP.new"
  mv "$STAMP.new" "$STAMP"
}

debian_packages() {
  local missing=()
  command -v chromium >/dev/null || missing+=(chromium)
  command -v ssh-keygen >/dev/null || missing+=(openssh-client)
  command -v picocom >/dev/null || missing+=(picocom)
  command -v systemd-analyze >/dev/null || missing+=(systemd)
  [ -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ] || missing+=(fonts-dejavu-core)
  [ ${#missing[@]} = 0 ] && return
  may_install || fail "the tests need more; run: sudo apt-get install ${missing[*]}"
  debian "${missing[@]}"
}

# One lock in two parts: what a cabinet runs, then what only the checks and tests need.
write_lock() {
  command -v uv >/dev/null || fail "uv is needed to write $LOCK; run: pip install uv"
  local work all run
  work=$(mktemp -d)
  run=$work/run.lock all=$work/all.lock
  local compile=(uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
    --no-emit-index-url --no-annotate --no-header --no-emit-package colorama setup.cfg)
  "${compile[@]}" "$@" --extra build -o "$run" >/dev/null
  "${compile[@]}" "$@" --all-extras -c "$run" -o "$all" >/dev/null
  {
    printf '# Every package, by version and hash: Python 3.11 to 3.13 on x86-64 and aarch64.\n'
    printf '# Written by ./setup.sh lock from setup.cfg; not by hand.\n\n'
    grep -v '^#' "$run"
    printf '\n%s\n\n' "$TESTS_FROM"
    awk 'NR == FNR { if (/^[a-z0-9]/) seen[$1]; next }
         /^[a-z0-9]/ { keep = !($1 in seen) } keep && !/^#/' "$run" "$all"
  } >"$work/lock"
  mv "$work/lock" "$LOCK"
  rm -r "$work"
}

case "${1:-}" in run | tests | cabinet | lock) ;; *) fail "usage: $0 run|tests|cabinet|lock" ;; esac
exec 9<setup.sh
flock 9
case "$1" in
  run) virtual_environment all ;;
  tests)
    debian_packages
    virtual_environment all
    ;;
  cabinet) virtual_environment cabinet ;;
  lock) shift && write_lock "$@" ;;
esac
