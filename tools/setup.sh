# SPDX-License-Identifier: BSD-2-Clause
# What ./quickstart and ./check share: installing packages, building, making the guest.
# Sourced with $top set to the top of the sources and $me to the script's name.

say () { printf '%s: %s\n' "$me" "$*"; }
jobs=$(nproc 2>/dev/null || echo 2)

# Packages of tools/packages.txt that are not installed.
missing_packages ()
{
  local name rest
  while read -r name rest; do
    case $name in '' | '#'*) continue ;; esac
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done <"$top/tools/packages.txt"
}

# Install what is missing.  Returns 1, having said why, when that cannot be done; what is there may
# still be enough, so the caller goes on.
install_packages ()
{
  local list root=
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is not Debian, so nothing is installed; tools/packages.txt lists what is needed"
    return 1
  fi
  list=$(missing_packages | tr '\n' ' ')
  list=${list% }
  [ -n "$list" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "missing packages: $list"
      say "neither root nor sudo is at hand; run 'apt-get install $list' as root"
      return 1
    fi
    root=sudo
  fi
  say "installing: $list"
  # The lists may be absent or old; fetch them only when the first try shows that they are.
  # shellcheck disable=SC2086
  if $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $list \
       >"$logs/install.log" 2>&1 </dev/null; then
    return 0
  fi
  # shellcheck disable=SC2086
  if $root apt-get -q update >>"$logs/install.log" 2>&1 </dev/null &&
     $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $list \
       >>"$logs/install.log" 2>&1 </dev/null; then
    return 0
  fi
  tail -n 5 "$logs/install.log" | sed 's/^/  /'
  say "the packages could not be installed (is there a network?); going on with what is there"
  return 1
}

# build FOLDER [configure options]: output goes to $logs/FOLDER.log
build ()
{
  local folder=$1
  shift
  (
    set -e
    cd "$top"
    # configure is made anew when its sources are newer, by make itself; here only when absent
    [ -x configure ] || ./autogen.sh
    mkdir -p "$folder"
    cd "$folder"
    if [ ! -f config.status ] || [ ../configure -nt config.status ] ||
       [ "$(cat .options 2>/dev/null)" != "$*" ]; then
      ../configure "$@"
      echo "$*" >.options
    fi
    make -s -j"$jobs"
  ) >"$logs/$folder.log" 2>&1 </dev/null
}

# Make the guest; returns 1, having said why, when there is none afterwards.
make_guest ()
{
  "$top/tools/guest/make-guest" && return 0
  [ $? -ne 3 ] || say "without a guest, what needs none still runs"
  return 1
}
