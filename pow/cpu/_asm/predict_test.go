package main

import "testing"

// What the models say of the kernels. The bounds are those of the seal-kernel notes,
// where the same operations were measured: 178 cycles on Intel's, 207 on Zen 4.
func TestPredicted(t *testing.T) {
	all, err := kernels()
	if err != nil {
		t.Fatal(err)
	}
	cycles := make(map[string][2]float64) // a seal
	for _, k := range all {
		n := float64(k.perTurn)
		c := [2]float64{predict(k.bodies, intel) / n, predict(k.bodies, zen4) / n}
		if k.bodies[0].program.Set.Width == 32 {
			c = [2]float64{predict(k.bodies, intelNarrow) / n, predict(k.bodies, zen4Narrow) / n}
		}
		cycles[k.name] = c
		t.Logf("%s: %.1f cycles a seal by Intel's model, %.1f by Zen 4's", k.name, c[0], c[1])
	}
	for _, reading := range []string{"LE", "BE"} {
		merged, fused := cycles["sealMerged"+reading], cycles["sealFused"+reading]
		if whole := cycles["sumWide"][0] + merged[0]; whole > 183 {
			t.Errorf("%s: %.1f cycles a seal on Intel's, want at most 183", reading, whole)
		}
		if whole := cycles["sumExtensions8"][1] + fused[1]; whole > 210 {
			t.Errorf("%s: %.1f cycles a seal on Zen 4, want at most 210", reading, whole)
		}
		if merged[0] >= fused[0] || fused[1] >= merged[1] {
			t.Errorf("%s: merged %.1f and %.1f cycles, fused %.1f and %.1f: each should be good on one of them", reading, merged[0], merged[1], fused[0], fused[1])
		}
	}
}
