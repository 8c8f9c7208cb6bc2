#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# native.sh TREE PROGRAM [ARGUMENTS...]: runs a program on this machine's Linux with TREE as its root: in a mount and a
# pid namespace of its own, with a fresh /proc, /tmp and /dev/shm and this machine's devices. A plain user is root of a
# user namespace, where the host lets users make them. Everything goes with the program.
set -eu
tree=$1
shift
as_root=
[ "$(id -u)" = 0 ] || as_root=--map-root-user
# shellcheck disable=SC2086
exec unshare $as_root --mount --pid --fork --kill-child sh -euc '
  tree=$1
  shift
  mount --rbind /dev "$tree/dev"
  mount -t proc proc "$tree/proc"
  mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
  mount -t tmpfs -o mode=1777 tmpfs "$tree/dev/shm"
  exec env -i --default-signal PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root chroot "$tree" "$@"
' native "$tree" "$@"
