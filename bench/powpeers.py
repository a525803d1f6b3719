"""Searches with the miner of the SDK that this Python has, on one core, and prints
seals a second in the form of Go's benchmarks, by the rule of BenchmarkPoW.

    python bench/powpeers.py
"""

import hashlib
import os
import sys
import time
from importlib.metadata import version

from Crypto.Hash import keccak

SECONDS = 1.5  # of the processor, imports included
UNFINDABLE = 2**64 - 1


def measure(name, count, search):
    """Prints the rate of search(first), which tries count seals: a tenth of the
    samples were shorter."""
    times = []
    while time.process_time() < SECONDS:
        start = time.perf_counter()
        search(len(times) * count)
        times.append(time.perf_counter() - start)
    times.sort()
    print(f"BenchmarkPoW/{name} {len(times)} {count / times[len(times) // 10]:.0f} seals/s", flush=True)


def today():
    """The miner of bittensor-core, on the puzzle of pow_register."""
    from bittensor_core import pow_mine_cpu

    prefix = b"subtensor-pow-register-v1" + bytes([1, 0]) + bytes(96)
    assert len(prefix) == 123
    nonce, seal = pow_mine_cpu(prefix, 1, 5, 1)  # it hashes what bt does
    assert nonce == 5 and seal == expected(prefix + nonce.to_bytes(8, "little"))

    def search(first):
        assert pow_mine_cpu(prefix, UNFINDABLE, first, 512) is None

    measure(f"today/bittensor-core-{version('bittensor-core')}", 512, search)


def classic():
    """The loop of the SDK of the classic puzzle, as each of its processes runs it."""
    from bittensor.utils.registration import pow as sdk

    bound, limit = sdk._hash_block_with_hotkey(bytes(32), bytes(32)), 2**256 - 1
    assert sdk._create_seal_hash(bound, 5) == expected((5).to_bytes(8, "little") + bound)

    def search(first):
        assert sdk._solve_for_nonce_block(first, first + 16, bound, UNFINDABLE, limit, 0) is None

    measure(f"classic/bittensor-{version('bittensor')}", 16, search)


def expected(message):
    """The seal of a message, by pycryptodome."""
    return keccak.new(digest_bits=256, data=hashlib.sha256(message).digest()).digest()


def main():
    if hasattr(os, "sched_setaffinity"):  # one core, whatever a miner may start
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sdk = version("bittensor")
    print(f"# bittensor {sdk}, Python {sys.version.split()[0]}", flush=True)
    if int(sdk.split(".")[0]) >= 11:
        today()
    else:
        classic()


main()
