"""Decodes the answers that bench/inputs_test.go wrote with the decoders of the
Python SDKs, and prints the processor time of each in the form of Go's benchmarks.

    python bench/peers.py INPUTS
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import bt_decode
from bittensor_core import Runtime

SIZES = (64, 256, 2500)
SPEC = 293
METHODS = {
    "neurons": ("NeuronInfoRuntimeApi", "get_neurons"),
    "lite": ("NeuronInfoRuntimeApi", "get_neurons_lite"),
    "metagraph": ("SubnetInfoRuntimeApi", "get_metagraph"),
}
STATIC = {"neurons": bt_decode.NeuronInfo.decode_vec, "lite": bt_decode.NeuronInfoLite.decode_vec}


def measure(name, decode):
    """Prints the processor time of one call, the mean of 0.1 s of them."""
    start = time.perf_counter()
    decode()
    count = max(1, int(0.1 / (time.perf_counter() - start)))
    start = time.process_time_ns()
    for _ in range(count):
        decode()
    took = (time.process_time_ns() - start) / count
    print(f"Benchmark{name} {count} {took:.0f} cpu-ns/op", flush=True)


def outputs(metadata):
    """The type of each method's answer, by what the metadata says."""
    apis = {api["name"]: api["methods"] for api in json.loads(metadata.to_json())["apis"]}
    return {
        question: next(m["output"] for m in apis[api] if m["name"] == method)
        for question, (api, method) in METHODS.items()
    }


def main():
    inputs = Path(sys.argv[1])
    answer = (inputs / "metadata").read_bytes()
    for peer in ("bt-decode", "bittensor-core"):
        print(f"# {peer} {version(peer)}, Python {sys.version.split()[0]}")

    metadata = bt_decode.MetadataV15.decode_from_metadata_option(answer)
    registry = bt_decode.PortableRegistry.from_metadata_v15(metadata)
    # An Option around a length and the metadata itself, which Runtime wants.
    raw = answer[answer.index(b"meta") :]
    runtime = Runtime(raw, SPEC, 1)
    types = outputs(metadata)

    measure("Metadata/bt-decode", lambda: bt_decode.MetadataV15.decode_from_metadata_option(answer))
    measure("Metadata/bittensor-core", lambda: Runtime(raw, SPEC, 1))
    for question in METHODS:
        name = f"scale_info::{types[question]}"
        for size in SIZES:
            data = (inputs / f"{question}.{size}").read_bytes()
            if question in STATIC:
                assert len(STATIC[question](data)) == size
                measure(f"Decode/{question}/{size}/bt-decode", lambda: STATIC[question](data))
            measure(
                f"Decode/{question}/{size}/bt-decode-dynamic",
                lambda: bt_decode.decode(name, registry, data),
            )
            measure(f"Decode/{question}/{size}/bittensor-core", lambda: runtime.decode(name, data))


main()
