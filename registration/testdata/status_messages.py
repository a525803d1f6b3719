"""Writes what bittensor's RegistrationStatisticsLogger says of some figures.

    python status_messages.py status_messages.json

with PyPI's bittensor 9.8.3; 7.4.0 gives the same file.
"""

import json
import sys

try:
    from bittensor.utils.registration.pow import RegistrationStatistics, RegistrationStatisticsLogger
except ImportError:  # 7.4.0
    from bittensor.utils.registration import RegistrationStatistics, RegistrationStatisticsLogger

logger = RegistrationStatisticsLogger(None, False)
cases = []


def case(name, elapsed, rounds, round_mean, last_round, mean_rate, rate, difficulty, block, block_hash):
    """Adds a case; times are nanoseconds, the hash is one byte 32 times."""
    block_hash = "0x" + 32 * block_hash
    stats = RegistrationStatistics(
        time_spent_total=elapsed / 1e9, rounds_total=rounds, time_average=round_mean / 1e9, time_spent=last_round / 1e9,
        hash_rate_perpetual=mean_rate, hash_rate=rate, difficulty=difficulty, block_number=block, block_hash=block_hash,
    )
    cases.append({
        "name": name, "elapsed_ns": elapsed, "rounds": rounds, "round_mean_ns": round_mean, "round_ns": last_round,
        "mean_rate": mean_rate, "rate": rate, "difficulty": difficulty, "block": block, "block_hash": block_hash,
        "plain": logger.get_status_message(stats, verbose=False),
        "verbose": logger.get_status_message(stats, verbose=True),
    })


case("nothing yet", 0, 0, 0, 0, 0.0, 0.0, 10000000, 1, "00")
case("a second", 1_000_000_000, 20, 50_000_000, 250_000_000, 999.94, 999.96, 999, 8, "ab")
case("today", 93_784_523_456, 4321, 21_704_361, 250_123_000, 12_345_678.9, 11_999_999.99, 10_000_000, 9_233_782, "5c")
case("microseconds round", 1_000_000_501, 1, 499, 1_999_999_999, 1000.0, 1000000.0, 1000, 123, "01")
case("a day", 86_400_000_000_000, 10**9, 1, 86_399_999_999_400, 1.5e9, 2.25e12, 1_000_000, 4294967295, "ff")
case("days", 200_000_123_000_000, 2, 3_600_000_000_000, 60_000_000_000, 3.1e15, 9.99949e17, 999_999, 7, "10")
case("the largest", 31_536_000_000_000_001, 2**40, 500, 1500, 1e27, 1.0e21, 2**64 - 1, 2**32, "9e")
for d in (0, 1, 9, 10, 994, 995, 999_994, 999_995, 999_999, 1_000_001, 999_999_999, 10**9, 999_994_999_999, 999_999_999_999, 10**12, 10**15, 4611686018427387903):
    case(f"difficulty {d}", 12_500_000_000, 3, 4_166_666_666, 7_000_000, d * 1.0, d / 3.0, d, d % 1000, "0a")
with open(sys.argv[1], "w") as out:
    json.dump(cases, out, indent=1)
