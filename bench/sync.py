"""Syncs a subnet with the SDK of this Python and prints the processor time of
each sync in the form of Go's benchmarks. The first sync, which reads metadata, is
left out.

    python bench/sync.py ws://NODE NETUID
"""

import sys
import time
from importlib.metadata import version

ROUNDS = 2


def client(url):
    """What syncs in this version of the SDK: lite, full."""
    if int(version("bittensor").split(".")[0]) >= 11:
        from bittensor.sync import SyncClient

        c = SyncClient(url).connect()
        return {
            "lite": lambda netuid: c.subnets.metagraph(netuid, commitments=False),
            "full": lambda netuid: c.neurons.all(netuid, lite=False),
        }
    import bittensor

    c = bittensor.Subtensor(network=url)
    return {
        "lite": lambda netuid: c.metagraph(netuid=netuid, lite=True),
        "full": lambda netuid: c.metagraph(netuid=netuid, lite=False),
    }


def main():
    url, netuid = sys.argv[1], int(sys.argv[2])
    sdk = version("bittensor")
    print(f"# bittensor {sdk}, Python {sys.version.split()[0]}")
    for kind, sync in client(url).items():
        sync(netuid)
        for _ in range(ROUNDS):
            start = time.process_time_ns()
            sync(netuid)
            took = time.process_time_ns() - start
            print(f"BenchmarkSync/{kind}/real/sdk-{sdk} 1 {took} cpu-ns/op", flush=True)


main()
