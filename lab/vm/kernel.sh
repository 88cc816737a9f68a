#!/bin/sh
# Runs in a root file system that has a compiler and the sources of Debian's
# kernel, and leaves there the user-mode kernel /build/linux.
set -eu
mkdir /build
cd /build
tar --extract --strip-components=1 --file /usr/src/linux-source-*.tar.xz
# kubelet does not start where /proc/cpuinfo names no clock, and a user-mode
# kernel has none to name.
cpuinfo=arch/um/kernel/um_arch.c
sed -i 's|seq_printf(m, "model name|seq_printf(m, "cpu MHz\\t\\t: 1000.000\\n");\n\t&|' "$cpuinfo"
grep -q 'cpu MHz' "$cpuinfo"
make ARCH=um KCONFIG_ALLCONFIG=/kernel.config alldefconfig
make ARCH=um --jobs="$JOBS" linux
strip linux
