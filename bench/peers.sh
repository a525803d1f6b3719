#!/bin/sh
# Measures bt and its peers on the same bytes and prints the ratios: README.md
# says what PEER_PYTHON, PEER_PYTHON_9, BENCH_NODE and BENCH_PROXY are. They take
# turns, so that a machine that is busy for a while is busy for all of them.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
go=${GO:-go} python=${PEER_PYTHON:-python3} rounds=${ROUNDS:-7}

BENCH_INPUTS=$out $go test -count 1 -run TestInputs .
export BENCH_INPUTS="$out" GOMAXPROCS=1 # the peers use one core too
$go test -c -o "$out/bt.test" .
(cd gsrpc && $go test -c -o "$out/gsrpc.test" .)
measure() { "$out/$1.test" -test.run '^$' -test.bench "$2" -test.benchtime "$3"; }

{
	for _ in $(seq "$rounds"); do
		measure bt 'Decode|Metadata' 100ms
		measure gsrpc Decode 100ms
		"$python" peers.py "$out"
		BENCH_NODE='' measure bt Sync 200ms
		if [ -n "${BENCH_NODE:-}" ]; then
			measure bt Sync 5x
			for peer in "$python" ${PEER_PYTHON_9:-}; do
				"$peer" sync.py "${BENCH_PROXY:-$BENCH_NODE}" 12
			done
		fi
	done
} | tee "$out/lines"
"$python" ratios.py <"$out/lines"
