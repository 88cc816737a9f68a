# Runs first in the VM. The host's lab and sources are seen where they are on
# the host, and cannot be written to. The store is the VM's own, and the golden
# states in it are the host's work, which has more time for it.
export XDG_CACHE_HOME=/host/cache CI=true LANG=C.UTF-8
mkdir -p "$lab" "$source"
mount -t hostfs -o ro,hostfs="$lab" none "$lab"
mount -t hostfs -o ro,hostfs="$source" none "$source"
export PATH="$source/bin:$PATH"
cd "$source"
