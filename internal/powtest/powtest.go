// Package powtest holds pow's engines to their contract. Every engine's own test
// runs [Run]; the reference is [pow.Challenge.Seal], which shares no code with
// any engine.
package powtest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/bittensor-go/bt/pow"
)

// Run runs the conformance suite. newEngine returns a fresh engine on each call.
func Run(t *testing.T, newEngine func() pow.Engine) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if err := c.check(newEngine); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("random", func(t *testing.T) {
		e := newEngine()
		rapid.Check(t, func(t *rapid.T) {
			c := challenge(t)
			job := c.Job(rapid.Uint64().Draw(t, "nonce"), pow.TargetFor(rapid.Uint64Range(0, 200).Draw(t, "difficulty")))
			count := rapid.Uint64Range(0, 300).Draw(t, "count")
			first := rapid.Uint64Range(0, job.Count()-count).Draw(t, "first")
			room := rapid.IntRange(1, 300).Draw(t, "room")
			if err := compare(e, &job, first, count, room); err != nil {
				t.Fatal(err)
			}
		})
	})
	if raceEnabled {
		return
	}
	t.Run("allocations", func(t *testing.T) {
		e := newEngine()
		job := challenges()[3].Job(9, pow.Target{})
		hits := make([]uint32, 4)
		n := testing.AllocsPerRun(20, func() {
			if _, _, err := e.Search(&job, 0, 64, hits); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("a call of Search allocates %v times", n)
		}
	})
}

func challenge(t *rapid.T) pow.Challenge {
	bytes := func(name string) [32]byte {
		return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name))
	}
	order := rapid.SampledFrom([]pow.Order{pow.LittleEndian, pow.BigEndian})
	switch rapid.IntRange(0, 2).Draw(t, "puzzle") {
	case 0:
		return pow.Genesis(bytes("block"))
	case 1:
		return pow.Classic(bytes("block"), bytes("account"), order.Draw(t, "nonce order"), order.Draw(t, "reading"))
	}
	return pow.Public(rapid.Uint16().Draw(t, "netuid"), bytes("block"), bytes("hotkey"), bytes("coldkey"))
}

// challenges has each layout of the message with each reading that it comes in.
func challenges() []pow.Challenge {
	a, b, c := [32]byte{0xa1, 31: 0x1a}, [32]byte{0xb2, 31: 0x2b}, [32]byte{0xc3, 31: 0x3c}
	return []pow.Challenge{
		pow.Genesis(a),
		pow.Classic(a, b, pow.LittleEndian, pow.LittleEndian),
		pow.Classic(a, b, pow.BigEndian, pow.BigEndian),
		pow.Public(0xfffe, a, b, c),
		pow.Classic(a, b, pow.BigEndian, pow.LittleEndian),
	}
}

// compare searches and expects what a loop over the reference finds.
func compare(e pow.Engine, job *pow.Job, first, count uint64, room int) error {
	where := fmt.Sprintf("%d indexes from %d, target %s, room for %d", count, first, job.Target, room)
	var want []uint32
	for i := first; i < first+count; i++ {
		if job.Met(uint32(i)) {
			want = append(want, uint32(i))
		}
	}
	before := *job
	// What lies beyond the room given must stay as it is.
	hits := slices.Repeat([]uint32{0xdeadbeef}, room+1)
	tried, found, err := e.Search(job, first, count, hits[:room:room])
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if *job != before {
		return fmt.Errorf("%s: Search changed the job", where)
	}
	if hits[room] != 0xdeadbeef {
		return fmt.Errorf("%s: Search wrote beyond hits", where)
	}
	if tried > count || found < 0 || found > room {
		return fmt.Errorf("%s: says that it tried %d and found %d", where, tried, found)
	}
	if tried < count && found < room {
		return fmt.Errorf("%s: stopped after %d with %d hits", where, tried, found)
	}
	// The hits among the indexes tried, and no others.
	n := 0
	for n < len(want) && uint64(want[n]) < first+tried {
		n++
	}
	if n > room {
		return fmt.Errorf("%s: tried %d, among which %d hit: they cannot all be reported", where, tried, n)
	}
	if !slices.Equal(hits[:found], want[:n]) {
		return fmt.Errorf("%s: tried %d, found %d, want %d", where, tried, hits[:found], want[:n])
	}
	return nil
}

var checks = []struct {
	name  string
	check func(newEngine func() pow.Engine) error
}{
	{"name", func(newEngine func() pow.Engine) error {
		if newEngine().Name() == "" {
			return fmt.Errorf("the engine has no name")
		}
		return nil
	}},
	{"self-test", func(newEngine func() pow.Engine) error { return pow.SelfTest(newEngine()) }},

	// Bytes of the index carry into each other, and both ends are reached: SIMD
	// and GPU engines step in one byte of the word and treat remainders apart.
	{"carries", func(newEngine func() pow.Engine) error {
		e := newEngine()
		for _, c := range challenges() {
			job := c.Job(0, pow.TargetFor(8))
			end := job.Count()
			for _, around := range []uint64{0x100, 0x10000, 0x1000000 - 40, end / 2} {
				if err := compare(e, &job, around-37, 75, 75); err != nil {
					return err
				}
			}
			for _, n := range []uint64{1, 2, 3, 5, 17, 64, 255} {
				if err := compare(e, &job, 0, n, 255); err != nil {
					return err
				}
				if err := compare(e, &job, end-n, n, 255); err != nil {
					return err
				}
			}
		}
		return nil
	}},

	// The last nonces there are: all bits set, and the job after them.
	{"last nonces", func(newEngine func() pow.Engine) error {
		e := newEngine()
		for _, c := range challenges() {
			job := c.Job(1<<64-1, pow.TargetFor(3))
			if n := job.Nonce(uint32(job.Count() - 1)); n != 1<<64-1 {
				return fmt.Errorf("the last index of the last job is nonce %#x", n)
			}
			if err := compare(e, &job, job.Count()-50, 50, 50); err != nil {
				return err
			}
			job = c.Job(0, pow.TargetFor(3))
			if err := compare(e, &job, 0, 50, 50); err != nil {
				return err
			}
		}
		return nil
	}},

	{"every seal and none", func(newEngine func() pow.Engine) error {
		e := newEngine()
		for _, c := range challenges() {
			for _, target := range []pow.Target{{}, pow.TargetFor(0), pow.TargetFor(1)} {
				job := c.Job(77, target)
				for _, room := range []int{1, 2, 63, 64, 65, 200} {
					if err := compare(e, &job, 1000, 100, room); err != nil {
						return err
					}
				}
			}
			job := c.Job(77, pow.TargetFor(1))
			if err := compare(e, &job, 5, 0, 1); err != nil {
				return err
			}
		}
		return nil
	}},

	// A seal's number itself as the target hits, one less does not: the limbs
	// below the first decide, and in the right order.
	{"exact target", func(newEngine func() pow.Engine) error {
		e := newEngine()
		for _, c := range challenges() {
			job := c.Job(3, pow.Target{})
			for i := uint32(100); i < 108; i++ {
				number := numberOf(job.Seal(i), job.Reading)
				for limb := range 4 {
					for _, step := range []uint64{0, 1, ^uint64(0)} {
						job.Target = number
						job.Target[limb] += step
						if err := compare(e, &job, uint64(i), 1, 1); err != nil {
							return err
						}
					}
				}
			}
		}
		return nil
	}},

	{"errors", func(newEngine func() pow.Engine) error {
		e := newEngine()
		for _, c := range challenges() {
			job := c.Job(0, pow.TargetFor(1))
			for _, bad := range []struct {
				first, count uint64
				room         int
			}{
				{job.Count(), 1, 1},
				{job.Count() - 1, 2, 1},
				{1 << 63, 1 << 63, 1},
				{1, 1<<64 - 1, 1},
				{0, 1, 0},
			} {
				tried, found, err := e.Search(&job, bad.first, bad.count, make([]uint32, bad.room))
				if !errors.Is(err, pow.ErrRange) || tried != 0 || found != 0 {
					return fmt.Errorf("%d indexes from %d with room for %d: tried %d, found %d; want ErrRange, got %w",
						bad.count, bad.first, bad.room, tried, found, err)
				}
			}
			// And the engine is as good as before.
			if err := compare(e, &job, 0, 10, 10); err != nil {
				return err
			}
		}
		return nil
	}},

	// Jobs alternate on one engine; two engines work at the same time.
	{"several", func(newEngine func() pow.Engine) error {
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for k := range errs {
			e := newEngine()
			wg.Go(func() {
				for n := range uint64(6) {
					for _, c := range challenges() {
						job := c.Job(n<<33|n<<3, pow.TargetFor(5*n))
						if errs[k] = compare(e, &job, 1<<20*n, 70, 9); errs[k] != nil {
							return
						}
					}
				}
			})
		}
		wg.Wait()
		if errs[0] != nil {
			return errs[0]
		}
		return errs[1]
	}},
}

// numberOf reads a seal byte by byte.
func numberOf(s pow.Seal, reading pow.Order) (t pow.Target) {
	for i, b := range s {
		place := i // in bytes, from the least significant
		if reading == pow.BigEndian {
			place = 31 - i
		}
		t[place/8] |= uint64(b) << (8 * (place % 8))
	}
	return t
}
