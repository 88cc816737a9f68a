# Runs first in the VM. The host's lab and sources have the same paths as on the
# host and are read-only. The store is the VM's own; its golden states were made
# by the host, which is faster.
export XDG_CACHE_HOME=/host/cache CI=true LANG=C.UTF-8
mkdir -p "$lab" "$source"
mount -t hostfs -o ro,hostfs="$lab" none "$lab"
mount -t hostfs -o ro,hostfs="$source" none "$source"
export PATH="$source/bin:$PATH"
cd "$source"
# The names of the tests that fail.
failed=
