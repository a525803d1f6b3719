#!/bin/sh
# Measures the proof of work of bt and its peers and prints the ratios: README.md
# says what PEER_PYTHON, PEER_PYTHON_9 and POW_PROTOTYPE are. They take turns, so
# that a machine that is busy for a while is busy for all of them.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
go=${GO:-go} python=${PEER_PYTHON:-python3} rounds=${ROUNDS:-5} heads=${HEADS:-1000}

with=
if [ -n "${POW_PROTOTYPE:-}" ]; then
	# The prototypes are a program. As files of the package powpeers they run in
	# the same process as bt, and turn by turn within milliseconds.
	for file in main decl; do
		sed 's/^package main/package powpeers/; s/^func main()/func prototypeMain()/' "$POW_PROTOTYPE/$file.go" >"$out/$file.go"
	done
	if ! cp "$POW_PROTOTYPE/k_amd64.s" "$out" 2>/dev/null; then gunzip -c "$POW_PROTOTYPE/k_amd64.s.gz" >"$out/k_amd64.s"; fi
	for file in main.go decl.go k_amd64.s; do
		printf '%s"%s/powpeers/%s": "%s/%s"' "${comma:-}" "$PWD" "$file" "$out" "$file"
		comma=,
	done | sed 's/^/{"Replace": {/; s/$/}}/' >"$out/overlay.json"
	with="-tags prototype -overlay $out/overlay.json"
	$go test -count 1 $with -run PoWPrototypes .
fi
$go test -c $with -o "$out/bt.test" .
measure() { "$out/bt.test" -test.run '^$' -test.bench "^Benchmark$1\$" -test.benchtime "$2"; }

{
	for _ in $(seq "$rounds"); do
		(export GOMAXPROCS=1 && measure PoW 500x) # one core each
		for peer in ${PEER_PYTHON:-} ${PEER_PYTHON_9:-}; do "$peer" powpeers.py; done
		measure PoWCores 10x
	done
	measure PoWHead "${heads}x"
	measure PoWStop "${heads}x"
} | tee "$out/lines"
"$python" powratios.py <"$out/lines"
