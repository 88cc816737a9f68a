# stratbench: see README.md. Every figure in a document comes from a target
# of this file.

# Podman's Go bindings without C: they are compiled as the remote client that
# stratbench needs.
TAGS := remote,containers_image_openpgp,exclude_graphdriver_btrfs,exclude_graphdriver_devicemapper
export CGO_ENABLED := 0
export GOFLAGS := -tags=$(TAGS)

BIN := bin/stratbench

# Flags for the runs of the fault matrix, such as --replicates 1.
MATRIX :=

.PHONY: help demo test vm-test unit race lint vuln fault-matrix kill-test belongings nightly-demo showcase adaptive observed build lab workload schema calibrate nightly-simulation decision-simulation bench clean

## help: what can be made
help:
	@sed -n 's/^## /  make /p' $(MAKEFILE_LIST)

# The packages whose tests can start a machine or reach an engine, because their
# program contains what does that. They share this host: one runs at a time.
USING_ENGINES := go list -test -f '{{range .Deps}}{{$$.ImportPath}} {{.}}{{"\n"}}{{end}}' ./... | \
	sed -nE 's,^(.*)\.test github.com/stratbench/stratbench/(lab|runtimes/machine|runtimes/docker|runtimes/podman)(/.*| \[.*)?$$,\1,p' | sort -u

## demo: a short real experiment on both runtimes, from a bare machine to a table
demo: build workload
	$(BIN) lab --install-missing --if-needed
	$(BIN) run experiments/quick.yaml --as-found
	@echo "The report of this run, for a browser:"
	@$(BIN) report latest -o results/data/report

## test: everything that is tested, on real engines with a real cluster
test: build workload
	$(BIN) lab --install-missing
	go vet ./...
	$(MAKE) -C experiments/workload test
	@engines=$$($(USING_ENGINES)); [ -n "$$engines" ] || { echo "no package is found whose tests use an engine"; exit 1; }; \
	failed=0; \
	go test -vet=off $$(go list ./... | grep -vxF "$$engines") || failed=1; \
	go test -vet=off -p 1 -timeout 60m $$engines || failed=1; \
	exit $$failed

## vm-test: machines, watch, a trial of each engine and of rootless ones on control groups of version 2, on a host that it starts itself
vm-test: build
	go run ./lab/vm

## unit: what needs no engine and no root
unit:
	go test -short ./...

# The packages that start goroutines, but those whose tests contain Podman's
# client: with a C compiler, C code of its own runs before their main function.
CONCURRENT := grep -rlE --include='*.go' --exclude='*_test.go' --exclude-dir=testdata --exclude-dir=workload '^[[:space:]]*go [[:alpha:](]|\.Go\(|errgroup\.' . | \
	xargs -n1 dirname | sort -u | sed 's,^\.,github.com/stratbench/stratbench,'
WITH_PODMAN := go list -test -f '{{range .Deps}}{{$$.ImportPath}} {{.}}{{"\n"}}{{end}}' ./... | \
	sed -nE 's,^(.*)\.test github.com/stratbench/stratbench/runtimes/podman( \[.*)?$$,\1,p' | sort -u

## race: what runs at once and needs no engine, under the race detector; needs a C compiler
race:
	@podman=$$($(WITH_PODMAN)); [ -n "$$podman" ] || { echo "no package is found whose tests contain Podman's client"; exit 1; }; \
	concurrent=$$($(CONCURRENT) | grep -vxF "$$podman"); [ -n "$$concurrent" ] || { echo "no package is found that starts a goroutine"; exit 1; }; \
	CGO_ENABLED=1 go test -race -short -vet=off $$concurrent

# Specs of the fault matrix. One fault reaches the whole host, and is left out
# unless nothing else needs it: make fault-matrix HOST=yes.
MATRICES := fault-matrix fault-matrix-registry $(if $(HOST),fault-matrix-inotify)

## fault-matrix: every fault that can be injected, on both engines; writes docs/fault-matrix.md
fault-matrix: build
	$(BIN) lab --install-missing
	@for spec in $(MATRICES) fault-matrix-recovery; do \
		$(BIN) run experiments/faults/$$spec.yaml $(MATRIX); code=$$?; \
		while [ $$code -eq 137 ]; do \
			echo "the runner was killed, as asked; continuing"; \
			$(BIN) run experiments/faults/$$spec.yaml $(MATRIX) --resume; code=$$?; \
		done; \
		[ $$code -eq 0 ] || exit $$code; \
	done
	STRATBENCH_FAULT_ROWS=$(CURDIR)/results/data/fault-rows.md go test -count 1 -timeout 30m -run TestFaultsOnAUsersEngine ./experiments/run
	@{ cat experiments/faults/head.md; \
		$(BIN) faults --output markdown \
			$$(for spec in $(MATRICES); do ls -d results/data/*-$$spec | tail -n 1; done); \
		cat experiments/faults/head-recovery.md; \
		$(BIN) faults --output markdown $$(ls -d results/data/*-fault-matrix-recovery | tail -n 1); \
		cat experiments/faults/head-borrowed.md results/data/fault-rows.md; } > docs/fault-matrix.md.new
	@mv docs/fault-matrix.md.new docs/fault-matrix.md
	@cat docs/fault-matrix.md

## kill-test: the runner killed at KILLS random moments of a run, which is continued each time
KILLS := 50
kill-test: build lab
	STRATBENCH_KILLS=$(KILLS) go test -v -count 1 -timeout 90m -run TestRunnerKilledAtRandom ./experiments/run

## belongings: a user's engines listed before and after runs that end in every way, beside belongings that resemble a trial's
belongings: build lab
	STRATBENCH_BELONGINGS=yes go test -v -count 1 -timeout 60m -run TestBelongings ./experiments/run

# The nights of the demo, and their history.
DEMO := --dir results/nightly-demo/runs --history results/nightly-demo/history

## nightly-demo: fifty-nine real runs in which what changes is known, each judged by the check; writes docs/nightly-demo.md
nightly-demo: build lab
	experiments/nightly-demo/nights.sh $(BIN) results/nightly-demo
	@{ cat experiments/nightly-demo/head.md; \
		experiments/nightly-demo/verdicts.sh $(BIN) results/nightly-demo; \
		printf '\n## Looking back\n\n'; \
		$(BIN) history $(DEMO) --output markdown --plots docs/nightly-demo; } > docs/nightly-demo.md.new
	@mv docs/nightly-demo.md.new docs/nightly-demo.md
	$(BIN) check $(DEMO) --page docs/nightly-demo/check.html || [ $$? -eq 10 ]

# publish runs an experiment, or continues its newest run, and writes its report.
newest = $(lastword $(sort $(wildcard results/data/*-$(1))))
define publish
	$(BIN) run experiments/$(1).yaml $(2) $(if $(call newest,$(1)),--resume=$(notdir $(call newest,$(1))))
	$(BIN) report $$(ls -d results/data/*-$(1) | tail -n 1) --full --records -o docs/reports/$(1)
	$(BIN) ls $$(ls -d results/data/*-$(1) | tail -n 1) --output csv > docs/reports/$(1)/trials.csv
endef

## showcase: the full matrix until all is decided, two hours at most, and its report; run again, it continues
showcase: build workload lab
	$(call publish,podman-vs-docker,--budget 2h)

## adaptive: does anybody have to choose between fast and stable? Two and a half hours, and its report; run again, it continues
adaptive: build workload lab
	$(call publish,adaptive)

## observed: the report of what the team behind DD-E2E-001 had seen
observed: build
	$(BIN) report experiments/observed/dd-e2e-001-observations.yaml --template dd-e2e-001 -o docs/reports/dd-e2e-001-observations

## build: the program
build:
	go build -o $(BIN) ./cmd/stratbench

## lab: engines, node image and base images, kept in the user's cache folder
lab: build
	$(BIN) lab --install-missing

# What nothing here calls: it is there for suites of users' own.
FOR_USERS := strategies/adaptive.go.*HostGauge

## lint: format, tidy modules, vet, staticcheck with what is unused, and dead code; finds nothing
lint:
	@unformatted=$$(find . -name '*.go' -not -path '*/vendor/*' | xargs gofmt -l); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }
	go mod tidy -diff
	go -C experiments/workload mod tidy -diff
	go vet ./...
	$(MAKE) -C experiments/workload vet
	GOFLAGS= go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags $(TAGS),simulation ./...
	@dead=$$(GOFLAGS= go run golang.org/x/tools/cmd/deadcode@v0.52.0 -tags $(TAGS) ./cmd/stratbench ./lab/vm) && dead=$$(echo "$$dead" | grep -v "$(FOR_USERS)" || true) && [ -z "$$dead" ] || { echo "dead code: $$dead"; exit 1; }

## vuln: known vulnerabilities that this code reaches, where the data of them can be had
vuln:
	@data=$${GOVULNDB:-https://vuln.go.dev}; \
	if curl --silent --show-error --fail --max-time 30 --output /dev/null "$$data/index/db.json"; then \
		GOFLAGS= go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 -db "$$data" -tags $(TAGS) ./...; \
	else \
		echo "vulnerabilities are not checked: govulncheck's data cannot be had from $$data"; \
	fi

## workload: what the shipped experiments build and test, ready without a network
workload:
	$(MAKE) -C experiments/workload vendor e2e

## schema: write the published JSON Schemas anew from the types
schema:
	go generate ./experiments/spec ./results/study ./results/history

## calibrate: how often intervals cover and tests err, into docs/
calibrate:
	STRATBENCH_CALIBRATE=$(CURDIR)/docs go test -count=1 -timeout 60m -run TestCalibration ./results/study
	STRATBENCH_CALIBRATE=$(CURDIR)/docs go test -count=1 -run TestCalibrationFigures ./results/report/plot

## nightly-simulation: how often check cries wolf and how soon it finds what changed, in simulated nights, into docs/
nightly-simulation:
	STRATBENCH_SIMULATE_NIGHTS=$(CURDIR)/docs/nightly-simulation.md go test -tags=$(TAGS),simulation -count=1 -timeout 120m -run TestSimulation ./results/history/detect

## decision-simulation: how often a decision is wrong and how soon it is made, in simulated studies, into docs/
decision-simulation:
	STRATBENCH_SIMULATE_DECISIONS=$(CURDIR)/docs/decision-simulation.md go test -count=1 -timeout 120m -run TestDecisionsHold ./results/compare

# Flags for the run of make bench, such as --replicates 10, or --resume after an
# interruption.
BENCH :=

## bench: the speed bars, as ratios measured side by side, in 80 minutes on two cores; writes docs/speed.md
bench: build workload lab
	go test -run '^$$' -bench Machine -benchtime 5x ./experiments/run
	go test -run '^$$' -bench . ./outcomes/... ./results/... ./cmd/stratbench
	@mkdir -p results/data
	@$(BIN) run experiments/speed.yaml --output markdown $(BENCH) >results/data/speed.md
	@rm -f results/data/speed-rows.md
	STRATBENCH_SPEED_ROWS=$(CURDIR)/results/data/speed-rows.md STRATBENCH_SPEED_RUN=$$(ls -d $(CURDIR)/results/data/*-speed | tail -n 1) \
		go test -count 1 -timeout 60m -run 'TestAgainstKind|TestOverhead' ./experiments/run
	@verdict='s/^\(Hypothesis\|Bar\) \([a-z ]*\):/- **\2**:/; s/^The limit of/- &/'; \
	said=$$($(BIN) report "$$(ls -d results/data/*-speed | tail -n 1)" --full --output markdown) || exit; \
	{ cat experiments/speed-head.md; printf '\n## [speed](../experiments/speed.yaml)\n\n'; \
		printf '%s\n' "$$said" | sed -n -e "$$verdict" -e '/^- /p' -e 's/^Run /\n&/p'; \
		echo; cat results/data/speed.md; echo; \
		printf '%s\n' "$$said" | sed -n '/^## What the machine could do/,/^## [^W]/{/^## [^W]/!p}'; \
		printf '## Beside the kind command, and stratbench itself\n\n'; sed "$$verdict" results/data/speed-rows.md; } > docs/speed.md.new
	@mv docs/speed.md.new docs/speed.md
	@cat docs/speed.md

## clean: the program and the workload's binaries, gone
clean:
	rm -rf bin experiments/workload/bin experiments/workload/vendor
