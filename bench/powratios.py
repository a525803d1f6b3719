"""Reads the lines of pow.sh and prints the median of each figure, the ratios, and
which goals of docs/benchmarks.md they reach on this processor.

    python bench/powratios.py < LINES
"""

import platform
import re
import statistics
import sys

FLAGS = ("avx2", "avx512f", "avx512bw", "avx512dq", "avx512vl", "sha_ni", "vaes", "gfni")


class Machine:
    """The processor, as Linux tells it."""

    def __init__(self):
        self.fields = {}
        try:
            with open("/proc/cpuinfo") as f:
                for line in f.read().split("\n\n")[0].splitlines():
                    name, _, value = line.partition(":")
                    self.fields[name.strip()] = value.strip()
        except OSError:
            pass
        self.flags = [f for f in FLAGS if f in self.fields.get("flags", "").split()]
        self.sha = "sha_ni" in self.flags
        self.avx512 = all(f in self.flags for f in FLAGS if f.startswith("avx512"))
        self.intel = self.fields.get("vendor_id") == "GenuineIntel"
        family, model = (int(self.fields.get(f, -1)) for f in ("cpu family", "model"))
        self.zen4 = family == 25 and (0x10 <= model < 0x20 or 0x60 <= model < 0x80 or 0xA0 <= model < 0xB0)

    def __str__(self):
        if "cpu family" not in self.fields:
            return platform.processor() or platform.machine()
        name, family, model, stepping = (self.fields.get(f, "?") for f in ("model name", "cpu family", "model", "stepping"))
        return f"{name}, family {family} model {model} stepping {stepping}; flags {', '.join(self.flags)}"


def read(lines):
    """Returns the figures of all rounds by name and unit, and lines to print as they
    are."""
    figures, told = {}, []

    def add(name, unit, value):
        figures.setdefault((name, unit), []).append(float(value))

    for line in lines:
        if line.startswith("#") and line.strip() not in told:
            told.append(line.strip())
        elif "histogram, " in line:
            told.append(line.split("histogram, ")[1].strip())
        words = line.split()
        if not line.startswith("Benchmark") or len(words) < 4:
            continue
        name = re.sub(r"-\d+$", "", words[0].removeprefix("Benchmark"))
        for value, unit in zip(words[2::2], words[3::2]):
            # bt's rows are metrics of one benchmark: WHO-seals/s.
            m = re.match(r"(.+)-(seals/s|cycles/seal)$", unit)
            if m and name.startswith("PoW/"):
                add(f"{name}/{m[1]}", m[2], value)
            else:
                add(name, unit, value)
    return figures, told


class Goals:
    def __init__(self, figures, machine):
        self.figures, self.machine = figures, machine

    def median(self, name, unit="seals/s"):
        values = self.figures.get((name, unit))
        return statistics.median(values) if values else None

    def fastest(self, start):
        """The fastest of the searchers whose names begin so, "" for none."""
        names = [n for n, unit in self.figures if unit == "seals/s" and n.startswith(start)]
        return max(names, key=self.median, default="")

    def row(self, goal, values, reached, form="{:.2f}", applies=True, where=""):
        """A goal, the median of the values that the rounds gave, least and most."""
        if not values:
            print(f"{goal:72}{'-':>8}{'':>18}  not measured")
            return
        middle = statistics.median(values)
        spread = f"{form.format(min(values))} to {form.format(max(values))}" if len(values) > 1 else ""
        verdict = "reached" if reached(middle) else "missed"
        if not applies:
            verdict = f"not a row of this machine, but of {where}"
        print(f"{goal:72}{form.format(middle):>8}{spread:>18}  {verdict}")

    def times(self, goal, ours, theirs, least, **options):
        """A ratio: of each round, so that a clock that changes does not count."""
        a, b = (self.figures.get((name, "seals/s"), []) for name in (ours, theirs))
        self.row(goal, [x / y for x, y in zip(a, b)], lambda v: v >= least, **options)

    def print(self):
        m = self.machine
        print(f"\n{'goal':72}{'median':>8}{'of the rounds':>18}")
        names = {}
        for puzzle in ("classic", "today"):
            ours = [f"PoW/{puzzle}/{e}" for e in ("avx512", "avx2", "generic") if self.median(f"PoW/{puzzle}/{e}")]
            names[puzzle] = max(ours, key=self.median, default="")
        better = self.fastest("PoW/classic/prototype:")
        self.times(f"1.0 times the better prototype ({better.rpartition(':')[2]})", names["classic"], better, 1.0, form="{:.3f}")
        self.times("7 times pow_mine_cpu of bittensor-core, today's puzzle", names["today"], self.fastest("PoW/today/bittensor-core"), 7)
        for puzzle, ours in names.items():
            libraries = f"PoW/{puzzle}/libraries"
            what = f"crypto/sha256 + x/crypto/sha3, {puzzle}"
            self.times(f"12 times {what}", ours, libraries, 12, applies=m.avx512 and not m.sha, where="AVX-512 without SHA extensions")
            self.times(f"7 times {what}", ours, libraries, 7, applies=m.avx512 and m.sha, where="AVX-512 with SHA extensions")
            self.times(f"4 times {what}, by AVX2", f"PoW/{puzzle}/avx2", libraries, 4)
        self.times("200 times the classic loop in Python", names["classic"], self.fastest("PoW/classic/bittensor-"), 200)
        for puzzle, ours in names.items():
            cycles = self.figures.get((ours, "cycles/seal"))
            self.row(f"at most 183 cycles a seal, {puzzle}", cycles, lambda v: v <= 183, "{:.0f}",
                     m.intel and m.avx512 and not m.sha, "Intel without SHA extensions")
            self.row(f"at most 210 cycles a seal, {puzzle}", cycles, lambda v: v <= 210, "{:.0f}", m.zen4, "Zen 4")
        for (name, unit), values in self.figures.items():
            if name.startswith("PoWCores/") and unit == "times":
                cores = int(name.split("/")[2])
                self.row(f"{0.975 * cores:.2f} times one core with {cores}", values, lambda v: v >= 0.975 * cores)
        self.row("ms from a head on the socket to all workers on it, p99 below 5", self.figures.get(("PoWHead", "p99-ms")), lambda v: v < 5)
        self.row("ms from a cancel to the end of the search, longest below 5", self.figures.get(("PoWStop", "max-ms")), lambda v: v < 5)


def main():
    figures, told = read(sys.stdin)
    machine = Machine()
    print(f"\n# {machine}")
    for line in told:
        if line.startswith("#"):
            print(line)
    goals = Goals(figures, machine)
    if clock := goals.median("PoW/classic", "GHz"):
        print(f"# {clock:.2f} GHz, measured between the samples")
    print(f"\n{'one core':56}{'million seals/s':>16}{'of libraries':>14}{'cycles':>8}{'rounds':>8}")
    for puzzle in ("classic", "today"):
        rows = [n for n, unit in figures if unit == "seals/s" and n.startswith(f"PoW/{puzzle}/")]
        base = goals.median(f"PoW/{puzzle}/libraries")
        for name in sorted(rows, key=goals.median, reverse=True):
            rate, cycles = goals.median(name), goals.median(name, "cycles/seal")
            ratio = f"{rate / base:.2f}" if base else "-"
            rounds = len(figures[name, "seals/s"])
            print(f"{name[4:]:56}{rate / 1e6:16.3f}{ratio:>14}{f'{cycles:.0f}' if cycles else '-':>8}{rounds:8}")
    print()
    for (name, unit), values in figures.items():
        if name.startswith(("PoWCores", "PoWHead", "PoWStop")) and not unit.endswith("/op"):
            print(f"{name:24}{unit:16}{statistics.median(values):16,.3f}")
    for line in told:
        if not line.startswith("#"):
            print(line)
    goals.print()


main()
