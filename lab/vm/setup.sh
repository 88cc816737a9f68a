# Runs first in the VM. The host's lab and sources are seen where stratbench
# looks for them, and cannot be written to.
export XDG_CACHE_HOME=/root/.cache CI=true LANG=C.UTF-8
mkdir -p "$XDG_CACHE_HOME/stratbench/lab" "$source"
mount -t hostfs -o ro,hostfs="$lab" none "$XDG_CACHE_HOME/stratbench/lab"
mount -t hostfs -o ro,hostfs="$source" none "$source"
export PATH="$source/bin:$PATH"
cd "$source"
