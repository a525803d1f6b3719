package pow

import (
	"io/fs"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// CPUs returns how many processors the process may use by its affinity and its
// cgroup's quota (get_cpu_count), or what the variable GOMAXPROCS says.
func CPUs() int { return processors() }

// processors is asked before any Solve raises GOMAXPROCS.
var processors = sync.OnceValue(func() int {
	n := runtime.GOMAXPROCS(0)
	// Go heeds a quota, rounded up, but not one of less than two processors.
	if _, set := os.LookupEnv("GOMAXPROCS"); !set && n > 1 {
		if q := quota(os.DirFS("/")); q > 0 && q <= 1 {
			return 1
		}
	}
	return n
})

// quota returns how many processors the time that cgroups give to this process is
// worth, 0 for no limit. The least of a cgroup and those around it counts.
func quota(root fs.FS) float64 {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0 // another system
	}
	least := 0.0
	for _, line := range strings.Split(string(text), "\n") {
		// Hierarchy, controllers, path: "0::/a" in version 2, "4:cpu,cpuacct:/a" in 1.
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			var q float64
			if parts[1] == "" {
				q = quotaOf(numbers(root, "sys/fs/cgroup"+dir+"/cpu.max"))
			} else if strings.Contains(","+parts[1]+",", ",cpu,") {
				at := "sys/fs/cgroup/cpu" + dir + "/cpu.cfs_"
				q = quotaOf(append(numbers(root, at+"quota_us"), numbers(root, at+"period_us")...))
			}
			if q > 0 && (least == 0 || q < least) {
				least = q
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// quotaOf divides a quota by its period; 0 where either is missing or no limit.
func quotaOf(n []float64) float64 {
	if len(n) != 2 || n[0] <= 0 || n[1] <= 0 {
		return 0
	}
	return n[0] / n[1]
}

// numbers reads the numbers of a file; what is none ("max") is left out.
func numbers(root fs.FS, name string) (list []float64) {
	text, err := fs.ReadFile(root, path.Clean(name))
	if err != nil {
		return nil
	}
	for _, word := range strings.Fields(string(text)) {
		if n, err := strconv.ParseFloat(word, 64); err == nil {
			list = append(list, n)
		}
	}
	return list
}
