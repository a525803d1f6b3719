package pow

import (
	"math"
	"sync"
	"time"
)

// Stats are the figures of a search, for people to watch.
type Stats struct {
	Hashes   uint64        // seals tried since Solve began
	Elapsed  time.Duration // since Solve began, or how long it took
	Rate     float64       // seals a second, a moving average over the last seconds
	MeanRate float64       // seals a second since Solve began
	Rounds   uint64        // works received since Solve began

	Difficulty uint64   // of the newest work
	Block      uint64   // its work block
	BlockHash  [32]byte // and that block's hash

	// Expected is the mean time to a solution at Rate, from now on: a search has
	// no memory. 0 while there is no rate or no work.
	Expected time.Duration
}

// Stats returns the figures of the running search, or of the last one once Solve
// has returned. It may be called at any time from any goroutine.
func (s *Solver) Stats() Stats {
	st := s.meter.read(s.hashes.Load())
	if r := s.round.Load(); r != nil {
		st.Difficulty, st.Block, st.BlockHash = r.work.Difficulty, r.work.Block, r.work.BlockHash
		if st.Rate > 0 {
			// A difficulty of d takes d seals in the mean.
			ns := float64(max(st.Difficulty, 1)) / st.Rate * float64(time.Second)
			st.Expected = time.Duration(math.MaxInt64)
			if ns < math.MaxInt64 {
				st.Expected = time.Duration(ns)
			}
		}
	}
	return st
}

// The rate is sampled this often, and a sample's weight falls to 1/e in rateMemory.
const (
	sampleInterval = 250 * time.Millisecond
	rateMemory     = 5 * time.Second
)

// meter keeps time and the moving average.
type meter struct {
	mu     sync.Mutex
	began  time.Time // zero before the first Solve
	ended  time.Time // zero while one runs
	rounds uint64

	rate   float64 // 0 before the first sample
	at     time.Time
	hashes uint64 // at that time
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.began, m.ended, m.rounds = now, time.Time{}, 0
	m.rate, m.at, m.hashes = 0, now, 0
}

func (m *meter) end(hashes uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = time.Now()
	m.add(m.ended, hashes)
}

func (m *meter) round() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rounds++
}

func (m *meter) sample(hashes uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(time.Now(), hashes)
}

// add weighs a sample by the time it covers, so that late ticks do no harm.
func (m *meter) add(now time.Time, hashes uint64) {
	dt := now.Sub(m.at).Seconds()
	if dt <= 0 || hashes < m.hashes {
		return
	}
	rate := float64(hashes-m.hashes) / dt
	if m.rate == 0 {
		m.rate = rate
	} else {
		m.rate += (1 - math.Exp(-dt/rateMemory.Seconds())) * (rate - m.rate)
	}
	m.at, m.hashes = now, hashes
}

func (m *meter) read(hashes uint64) Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := Stats{Hashes: hashes, Rounds: m.rounds, Rate: m.rate}
	switch {
	case m.began.IsZero():
	case m.ended.IsZero():
		st.Elapsed = time.Since(m.began)
	default:
		st.Elapsed = m.ended.Sub(m.began)
	}
	if st.Elapsed > 0 {
		st.MeanRate = float64(hashes) / st.Elapsed.Seconds()
	}
	if st.Rate == 0 {
		st.Rate = st.MeanRate
	}
	return st
}
