#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_image.sh FOLDER: makes FOLDER/kernel and FOLDER/peer.cpio, a Debian Linux with soft-RoCE that boots into `init`
# beside this file. Everything comes from the machine's own archives as packages, downloaded (not installed) to
# FOLDER/packages; only the modules, programs and libraries named here, and what they need, go into the image. Does
# nothing if FOLDER holds what this script would make. Needs no root.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
stamp=$(cat "$0" "$here/packages" "$here/init" | sha256sum)
if [ -e "$folder/kernel" ] && [ -e "$folder/peer.cpio" ] && [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi

modules="virtio_pci virtio_net virtio_console qemu_fw_cfg crc32_generic rdma_rxe ib_uverbs rdma_ucm"
programs="rdma rping ucmatose udaddy cmtime rstream ibv_devices ibv_devinfo
  ibv_rc_pingpong ibv_uc_pingpong ibv_ud_pingpong ibv_srq_pingpong
  ib_send_lat ib_send_bw ib_write_lat ib_write_bw ib_read_lat ib_read_bw ib_atomic_lat ib_atomic_bw"
# Opened by name while running: no program says that it needs them.
libraries="libgcc_s.so.1 libstdc++.so.6 libm.so.6"
library_folders="lib/x86_64-linux-gnu usr/lib/x86_64-linux-gnu"

tree=$folder/tree   # packages as they are
image=$folder/image # what the guest gets

say() { echo "make_image: $*" >&2; }
fail() {
  say "$*"
  exit 1
}

# $1: options for apt that say which lists to use.
download() {
  # shellcheck disable=SC2086
  kernel=$(apt-cache $1 depends --important linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
  [ -n "$kernel" ] || return 1
  # shellcheck disable=SC2046,SC2086
  (cd "$folder/packages" && rm -f ./*.deb && apt-get $1 -q download "$kernel" $(sed 's/#.*//' "$here/packages")) \
    >"$folder/download.log" 2>&1
}

# The machine's lists may be missing or name files that the archive no longer has: then lists of our own.
update() {
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
  cat >"$folder/apt/apt.conf" <<CONFIGURATION
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State::Lists "$folder/apt/lists";
Dir::Cache "$folder/apt/cache";
Dir::Log "$folder/apt";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
CONFIGURATION
  say "reading the archive's list of packages"
  apt-get -c "$folder/apt/apt.conf" -q update >"$folder/apt/update.log" 2>&1 || true
}

unpack() {
  rm -rf "$tree"
  mkdir -p "$tree"
  for package in "$folder"/packages/*.deb; do
    case ${package##*/} in
      linux-image-*)
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$tree" --wildcards './boot/vmlinuz-*' './lib/modules/*'
        ;;
      *) dpkg-deb -x "$package" "$tree" ;;
    esac
  done
}

# A module's line in modules.dep names all that it needs.
copy_modules() {
  version=$(ls "$tree/lib/modules")
  source=$tree/lib/modules/$version
  target=$image/lib/modules/$version
  "$busybox" depmod -b "$tree" "$version"
  mkdir -p "$target"
  for module in $modules; do
    pattern=$(echo "$module" | sed 's/[_-]/[_-]/g')
    line=$(grep "/$pattern\.ko:" "$source/modules.dep") || fail "the kernel $version has no module $module"
    for file in $(echo "$line" | tr -d :); do
      mkdir -p "$target/$(dirname "$file")"
      cp "$source/$file" "$target/$file"
    done
  done
  cp "$source/modules.builtin" "$source/modules.order" "$target/"
  "$busybox" depmod -b "$image" "$version"
}

# The kernel inside its self-extracting file: QEMU starts that as it is (PVH), which spares the guest seconds of
# unpacking in emulation.
copy_kernel() {
  packed=$(ls "$tree"/boot/vmlinuz-*)
  offset=$(LC_ALL=C grep -abo -m 1 -P "\xfd7zXZ\x00" "$packed" | head -n 1 | cut -d : -f 1)
  # What follows it in the file is no part of it, which xz complains about afterwards.
  tail -c "+$((offset + 1))" "$packed" | xz -dc 2>/dev/null >"$folder/kernel.new" || true
  [ "$(head -c 4 "$folder/kernel.new" | tail -c 3)" = ELF ] || cp "$packed" "$folder/kernel.new"
}

# Copies a library, unless it is there, and those that it names.
copy_library() {
  [ ! -e "$image/lib/x86_64-linux-gnu/$1" ] || return 0
  for place in $library_folders; do
    [ -e "$tree/$place/$1" ] || continue
    cp -L "$tree/$place/$1" "$image/lib/x86_64-linux-gnu/$1"
    copy_needed "$tree/$place/$1"
    return
  done
  fail "no package has $1"
}

copy_needed() {
  for needed in $(objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }'); do
    copy_library "$needed"
  done
}

copy_programs() {
  for program in $programs; do
    cp -L "$tree/usr/bin/$program" "$image/usr/bin/$program"
    copy_needed "$tree/usr/bin/$program"
  done
  for library in $libraries; do
    copy_library "$library"
  done
  cp "$image/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$image/lib64/"
  # Of libibverbs' drivers only soft-RoCE's: there is no other device.
  provider=usr/lib/x86_64-linux-gnu/libibverbs
  mkdir -p "$image/$provider" "$image/etc/libibverbs.d"
  cp -L "$tree/$provider"/librxe-rdmav*.so "$image/$provider/"
  cp "$tree/etc/libibverbs.d/rxe.driver" "$image/etc/libibverbs.d/"
}

if [ "$(cat "$folder/packages/stamp" 2>/dev/null)" != "$(sha256sum <"$here/packages")" ]; then
  mkdir -p "$folder/packages"
  say "downloading Debian packages to $folder/packages"
  download "" || { update && download "-c $folder/apt/apt.conf"; } || {
    cat "$folder/download.log" >&2
    fail "the packages of tools/machines/guest/packages cannot be downloaded"
  }
  sha256sum <"$here/packages" >"$folder/packages/stamp"
fi
say "making $folder/peer.cpio"
unpack
rm -rf "$image"
for directory in bin dev etc lib/x86_64-linux-gnu lib64 proc root run sys tmp usr/bin; do
  mkdir -p "$image/$directory"
done
busybox=$tree/bin/busybox
[ -e "$busybox" ] || busybox=$tree/usr/bin/busybox
cp "$busybox" "$image/bin/busybox"
copy_kernel
copy_modules
copy_programs
cp "$here/init" "$image/init"
chmod 755 "$image/init"
echo "root:x:0:0:root:/root:/bin/sh" >"$image/etc/passwd"
echo "root:x:0:" >"$image/etc/group"
echo "127.0.0.1 localhost" >"$image/etc/hosts"
echo "hosts: files" >"$image/etc/nsswitch.conf"
(cd "$image" && find . | "$busybox" cpio -o -H newc -R 0:0 2>/dev/null) >"$folder/peer.cpio.new"
rm -rf "$tree" "$image"
mv "$folder/kernel.new" "$folder/kernel"
mv "$folder/peer.cpio.new" "$folder/peer.cpio"
echo "$stamp" >"$folder/stamp"
say "made $(du -h "$folder/peer.cpio" | cut -f 1) of initramfs"
