#!/bin/sh
# Puts the files of this folder where a cabinet's system looks for them; docs/install.md says when.
# With DESTDIR set it only copies below it.
set -eu
cd "$(dirname "$0")"
root=${DESTDIR:-}

put() {
  install -D -m 0644 "$1" "$root$2"
  echo "$2"
}

if [ -z "$root" ] && [ "$(id -u)" != 0 ]; then
  echo "install.sh: run it as root: sudo systemd/install.sh" >&2
  exit 1
fi
for unit in *.service *.path *.mount; do put "$unit" "/etc/systemd/system/$unit"; done
put cabinet.sysusers /etc/sysusers.d/cabinet.conf
put cabinet.tmpfiles /etc/tmpfiles.d/cabinet.conf
put cabinet.modules /etc/modules-load.d/cabinet.conf
put cabinet.sysctl /etc/sysctl.d/90-cabinet.conf
put cabinet.logind /etc/systemd/logind.conf.d/cabinet.conf
put cabinet.manager /etc/systemd/system.conf.d/cabinet.conf
put 60-cabinet.rules /etc/udev/rules.d/60-cabinet.rules
put chromium-policy.json /etc/chromium/policies/managed/cabinet.json

[ -z "$root" ] || exit 0
systemd-sysusers cabinet.conf
systemd-tmpfiles --create cabinet.conf
systemctl daemon-reload
systemctl mask --quiet ctrl-alt-del.target
udevadm control --reload
udevadm trigger
echo "Restart the machine before the first start, so that all of it is in force."
