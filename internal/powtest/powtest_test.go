package powtest

import (
	"slices"
	"testing"

	"github.com/bittensor-go/bt/pow"
)

// broken wraps the plain engine with a mistake that engines make.
type broken struct {
	pow.Engine
	search func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error)
}

func (b broken) Search(job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
	return b.search(b.Engine, job, first, count, hits)
}

func TestSuiteFindsMistakes(t *testing.T) {
	type search = func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error)
	for name, wrong := range map[string]search{
		"last index left out": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			tried, found, err := e.Search(job, first, max(count, 1)-1, hits)
			if err == nil && found < len(hits) {
				tried = count
			}
			return tried, found, err
		},
		"only the first limb compared": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			loose := *job
			loose.Target[0], loose.Target[1], loose.Target[2] = 1<<64-1, 1<<64-1, 1<<64-1
			return e.Search(&loose, first, count, hits)
		},
		"last limb left out": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			loose := *job
			loose.Target[0] = 1<<64 - 1
			return e.Search(&loose, first, count, hits)
		},
		"other reading": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			other := *job
			other.Reading ^= 1
			return e.Search(&other, first, count, hits)
		},
		"state ignored": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			var plain pow.Challenge
			other := *job
			other.State = plain.Job(0, pow.Target{}).State
			return e.Search(&other, first, count, hits)
		},
		"no carry between bytes": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			count = min(count, 256-first&0xff)
			return e.Search(job, first, count, hits)
		},
		"hits descend": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			tried, found, err := e.Search(job, first, count, hits)
			slices.Reverse(hits[:found])
			return tried, found, err
		},
		"hits beyond the room are dropped": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			_, found, err := e.Search(job, first, count, hits)
			return count, found, err
		},
		"job kept changed": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			tried, found, err := e.Search(job, first, count, hits)
			job.Words[0]++
			return tried, found, err
		},
		"no check": func(e pow.Engine, job *pow.Job, first, count uint64, hits []uint32) (uint64, int, error) {
			if err := job.Check(first, count, hits); err != nil {
				return 0, 0, nil //nolint:nilerr // the fault that the suite must find
			}
			return e.Search(job, first, count, hits)
		},
	} {
		t.Run(name, func(t *testing.T) {
			caught := false
			for _, c := range checks {
				if err := c.check(func() pow.Engine { return broken{pow.NewGoEngine(), wrong} }); err != nil {
					t.Logf("%s: %v", c.name, err)
					caught = true
				}
			}
			if !caught {
				t.Error("no check notices")
			}
		})
	}
}
