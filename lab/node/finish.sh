#!/bin/sh
# Runs inside the node's root file system, in namespaces of its own, with an
# archive of the control-plane images on standard input.
set -eu

# Of systemd only what a node needs is started, as in Kind's own base image.
find /lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete
rm -f /lib/systemd/system/multi-user.target.wants/* \
	/etc/systemd/system/*.wants/* \
	/lib/systemd/system/local-fs.target.wants/* \
	/lib/systemd/system/sockets.target.wants/*udev* \
	/lib/systemd/system/sockets.target.wants/*initctl* \
	/lib/systemd/system/basic.target.wants/*
echo ReadKMsg=no >>/etc/systemd/journald.conf
systemctl enable --quiet kubelet.service containerd.service undo-mount-hacks.service
systemctl mask --quiet systemd-binfmt.service

# A smaller image is loaded sooner: plugins that no configuration here names,
# and shims of a protocol that Kubernetes no longer speaks.
find /usr/lib/cni -type f \
	! -name host-local ! -name loopback ! -name ptp ! -name portmap ! -name bridge -delete
rm -f /usr/bin/containerd-shim /usr/bin/containerd-shim-runc-v1

ctr oci spec |
	jq '.hooks.createContainer = [{path: "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
		>/etc/containerd/cri-base.json

containerd --config /dev/null --log-level warn >/run/containerd.log 2>&1 &
containerd=$!
waited=0
until ctr version >/dev/null 2>&1; do
	waited=$((waited + 1))
	if [ "$waited" -gt 300 ]; then
		cat /run/containerd.log >&2
		exit 1
	fi
	sleep 0.1
done
ctr --namespace k8s.io images import --all-platforms --no-unpack - >&2
ctr --namespace k8s.io images ls --quiet
kill "$containerd"
wait "$containerd" || true
rm -rf /run/* /tmp/* /var/log/* /var/lib/containerd/tmpmounts
