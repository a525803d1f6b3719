"""Reads benchmark lines and prints, for what was measured more than once, the
median processor time of each and how it compares with bt.

    python bench/ratios.py < LINES
"""

import re
import statistics
import sys


def main():
    times, heads = {}, []
    for line in sys.stdin:
        if line.startswith(("#", "cpu:")) and line not in heads:
            heads.append(line)
            print(line.strip())
        words = line.split()
        if not line.startswith("Benchmark") or "cpu-ns/op" not in words:
            continue
        name = re.sub(r"-\d+$", "", words[0].removeprefix("Benchmark"))
        group, who = name.rsplit("/", 1)
        times.setdefault(group, {}).setdefault(who, []).append(float(words[words.index("cpu-ns/op") - 1]))
    print(f"{'what':24}{'who':20}{'median, ms':>12}{'of bt':>9}{'rounds':>8}")
    for group, rows in times.items():
        median = {who: statistics.median(rounds) for who, rounds in rows.items()}
        for who, ns in median.items():
            ratio = f"{ns / median['bt']:.2f}" if "bt" in median else "-"
            print(f"{group:24}{who:20}{ns / 1e6:12.3f}{ratio:>9}{len(rows[who]):8}")


main()
