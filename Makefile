# Every target works from a clean clone; `make check` is what CI runs first.
GO      ?= go
BIN     := $(CURDIR)/bin
LINT    := $(BIN)/golangci-lint
GOFUMPT := $(BIN)/gofumpt

LINT_VERSION    := v2.15.0
GOFUMPT_VERSION := v0.12.0
PLATFORMS       := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: all check build cross vet lint fmt tidy-check generate generate-check test bench bench-peers bench-pow e2e realnode tools clean

all: build

## check: everything that must hold before a commit lands
check: cross vet lint tidy-check generate-check test

## build: the bt binary in bin/
build:
	CGO_ENABLED=0 $(GO) build -o $(BIN)/ ./cmd/bt

## cross: every platform builds, and so does the portable variant
cross:
	@for p in $(PLATFORMS); do \
	  echo "build $$p"; \
	  CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build ./... || exit 1; \
	done
	CGO_ENABLED=0 $(GO) build -tags nogpu,purego ./...

vet:
	$(GO) vet ./...
	$(GO) vet -tags e2e,realnode ./e2e/...
	$(GO) vet -C pow/cpu/_asm ./...

lint: $(LINT) $(GOFUMPT)
	@out=$$($(GOFUMPT) -l .); test -z "$$out" || { echo "gofumpt -w these files:"; echo "$$out"; exit 1; }
	$(LINT) run ./...

fmt: $(GOFUMPT)
	$(GOFUMPT) -w .

tidy-check:
	$(GO) mod tidy -diff

## generate: write again what programs write
generate:
	$(GO) generate ./...

generate-check:
	@before=$$(git diff); $(MAKE) -s generate; \
	test "$$before" = "$$(git diff)" || { echo "generated files differ: run 'make generate' and commit the result"; exit 1; }

test:
	$(GO) test -race -timeout 4m $(TESTFLAGS) ./...
	$(GO) test -run 'Engine|Pairs' ./pow/...
	$(GO) test -run '^Test(Parity|Sealed)/fernet' ./wallet
	$(GO) test -tags purego ./pow/...
	$(GO) test -C pow/cpu/_asm ./...

## bench: the benchmarks of docs/benchmarks.md
bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

## bench-peers: bt beside other clients (needs the peers that bench/README.md lists)
bench-peers:
	GO="$(GO)" PEER_PYTHON="$(PEER_PYTHON)" PEER_PYTHON_9="$(PEER_PYTHON_9)" BENCH_NODE="$(BENCH_NODE)" BENCH_PROXY="$(BENCH_PROXY)" ROUNDS="$(ROUNDS)" sh bench/peers.sh

## bench-pow: the proof of work beside other searchers (needs the peers that bench/README.md lists)
bench-pow:
	GO="$(GO)" PEER_PYTHON="$(PEER_PYTHON)" PEER_PYTHON_9="$(PEER_PYTHON_9)" POW_PROTOTYPE="$(POW_PROTOTYPE)" ROUNDS="$(ROUNDS)" HEADS="$(HEADS)" sh bench/pow.sh

## e2e: bt against clients and nodes that are not ours (needs node, npm and python3)
e2e: build
	$(GO) test -count 1 -tags e2e -timeout 15m -v ./e2e/...

## realnode: bt against real chain runtimes (needs REALNODE, CHOPSTICKS_DIR, SUBTENSOR_GIT; see CONTRIBUTING.md)
realnode: build
	$(GO) test -count 1 -tags realnode -timeout 30m -v ./e2e/realnode

tools: $(LINT) $(GOFUMPT)

$(LINT):
	GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

$(GOFUMPT):
	GOBIN=$(BIN) $(GO) install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)

clean:
	rm -rf $(BIN)
