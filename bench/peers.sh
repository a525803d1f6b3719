#!/bin/sh
# Measures bt and its peers on the same bytes and prints the ratios: README.md
# says what PEER_PYTHON, PEER_PYTHON_9, BENCH_NODE and BENCH_PROXY are.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
go=${GO:-go} rounds=${ROUNDS:-7} syncs=500ms
if [ -n "${BENCH_NODE:-}" ]; then
	syncs=10x # a node that runs real code answers slowly
fi

BENCH_INPUTS=$out $go test -count 1 -run TestInputs .
{
	$go test -run '^$' -bench 'Decode|Metadata' -count "$rounds" -benchtime 200ms -benchmem .
	$go test -run '^$' -bench Sync -count "$rounds" -benchtime "$syncs" -benchmem .
	(cd gsrpc && BENCH_INPUTS=$out $go test -run '^$' -bench . -count "$rounds" -benchtime 200ms -benchmem .)
	"${PEER_PYTHON:-python3}" peers.py "$out"
	for python in "${PEER_PYTHON:-python3}" "${PEER_PYTHON_9:-}"; do
		if [ -n "$python" ] && [ -n "${BENCH_NODE:-}" ]; then
			"$python" sync.py "${BENCH_PROXY:-$BENCH_NODE}" 12
		fi
	done
} | tee "$out/lines"
"${PEER_PYTHON:-python3}" ratios.py <"$out/lines"
