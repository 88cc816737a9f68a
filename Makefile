# Podman's Go bindings without C: they are compiled as the remote client that
# stratbench needs.
TAGS := remote,containers_image_openpgp,exclude_graphdriver_btrfs,exclude_graphdriver_devicemapper
export CGO_ENABLED := 0
export GOFLAGS := -buildvcs=true -tags=$(TAGS)

.PHONY: build
build:
	go build -o bin/stratbench ./cmd/stratbench
