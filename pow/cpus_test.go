package pow_test

import (
	"testing"
	"testing/fstest"

	"github.com/bittensor-go/bt/pow"
)

func TestQuota(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  float64
	}{
		{"no cgroups", nil, 0},
		{"no limit", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 0},
		{"version 2", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "50000 100000\n"}, 0.5},
		{"of a cgroup around", map[string]string{
			"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n", "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
		}, 1.5},
		{"of a container", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000 100000\n"}, 1},
		{"version 1", map[string]string{
			"proc/self/cgroup":                      "7:memory:/m\n4:cpuacct,cpu:/a\n1:name=systemd:/s\n",
			"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us":  "25000\n",
			"sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":    "-1\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us":   "100000\n",
		}, 0.25},
		{"nonsense", map[string]string{"proc/self/cgroup": "x\n0::../../a\n::\n", "sys/fs/cgroup/a/cpu.max": "0 0 0\n"}, 0},
	} {
		files := make(fstest.MapFS)
		for name, text := range tt.files {
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := pow.Quota(files); got != tt.want {
			t.Errorf("%s: %v processors, want %v", tt.name, got, tt.want)
		}
	}
}
