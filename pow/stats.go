package pow

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

// Stats are the figures of a search, for people to watch. The names in brackets are
// those of the Python SDK's RegistrationStatistics.
type Stats struct {
	Hashes   uint64        // seals tried since Solve began
	Elapsed  time.Duration // since Solve began, or how long it took (time_spent_total)
	Rate     float64       // seals a second lately (hash_rate)
	MeanRate float64       // seals a second since Solve began (hash_rate_perpetual)
	Works    uint64        // works received since Solve began

	// Rounds is how often an engine has tried Options.UpdateInterval seals
	// (rounds_total), RoundMean is Elapsed divided by that (time_average), and RoundTime
	// what lies between the two newest samples of the rate (time_spent).
	Rounds               uint64
	RoundTime, RoundMean time.Duration

	Difficulty uint64   // of the newest work
	Block      uint64   // its work block
	BlockHash  [32]byte // and that block's hash
	// Best is about the largest difficulty that a seal for the newest work has met,
	// never more; 0 before the first one worth mentioning.
	Best uint64

	// Expected is the mean time to a solution at Rate, from now on: a search has
	// no memory. 0 while there is no rate or no work.
	Expected time.Duration
	// Chance is how likely a solution comes before the newest work expires, from 0
	// to 1; negative where Work.Expires or the rate is not known.
	Chance float64

	Engines []EngineStats // in the order of Options.Engines
}

// EngineStats are the figures of one engine.
type EngineStats struct {
	Name     string
	Hashes   uint64
	Rate     float64
	MeanRate float64
}

// Stats returns the figures of the running search, or of the last one once Solve
// has returned. It may be called at any time from any goroutine.
func (s *Solver) Stats() Stats {
	st := s.meter.read(s.counters, s.interval)
	for i, e := range s.engines {
		st.Engines[i].Name = e.Name()
	}
	st.Chance = -1
	r := s.round.Load()
	if r == nil {
		return st
	}
	st.Difficulty, st.Block, st.BlockHash = r.work.Difficulty, r.work.Block, r.work.BlockHash
	st.Best = r.best()
	if st.Rate == 0 {
		return st
	}
	// A difficulty of d takes d seals in the mean.
	seconds := float64(max(st.Difficulty, 1)) / st.Rate
	st.Expected = time.Duration(math.MaxInt64)
	if ns := seconds * float64(time.Second); ns < math.MaxInt64 {
		st.Expected = time.Duration(ns)
	}
	if !r.work.Expires.IsZero() {
		left := max(r.work.Expires.Sub(s.meter.now()).Seconds(), 0)
		st.Chance = -math.Expm1(-left / seconds)
	}
	return st
}

// best tells the difficulty that the best seal has met, from its highest 64 bits.
func (r *round) best() uint64 {
	top := r.least.Load()
	switch top {
	case math.MaxUint64: // as good as none
		return 0
	case 0:
		return math.MaxUint64
	}
	d, _ := bits.Div64(1, 0, top+1)
	return d
}

// sampleInterval is how often the rate is sampled.
const sampleInterval = 250 * time.Millisecond

// meter keeps time and rates.
type meter struct {
	samples int
	alpha   float64

	mu    sync.Mutex
	began time.Time // zero before the first Solve
	ended time.Time // zero while one runs
	works uint64
	took  time.Duration // what the newest sample covers
	at    time.Time     // of the newest sample
	total series
	each  []series
}

// series are the newest samples of a rate.
type series struct {
	hashes uint64    // at the newest
	rates  []float64 // the newest last
}

func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.began, m.ended, m.works, m.took, m.at = now, time.Time{}, 0, 0, now
	m.total = series{}
	clear(m.each)
}

func (m *meter) end(counters []counter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = time.Now()
	m.add(m.ended, counters)
}

// now is the time that figures are of.
func (m *meter) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended.IsZero() {
		return time.Now()
	}
	return m.ended
}

func (m *meter) work() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.works == 0 {
		m.at = time.Now() // before, there was nothing to try
	}
	m.works++
}

func (m *meter) sample(counters []counter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(time.Now(), counters)
}

// add takes a sample. Where nothing was tried there is none, and one that covers
// little time would say little.
func (m *meter) add(now time.Time, counters []counter) {
	took := now.Sub(m.at)
	var sum uint64
	for i := range counters {
		sum += counters[i].tried.Load()
	}
	if took <= 0 || sum == m.total.hashes || len(m.total.rates) > 0 && took < sampleInterval/4 {
		return
	}
	m.total.add(sum, took, m.samples)
	for i := range counters {
		m.each[i].add(counters[i].tried.Load(), took, m.samples)
	}
	m.at, m.took = now, took
}

func (s *series) add(hashes uint64, took time.Duration, most int) {
	if len(s.rates) == most {
		s.rates = append(s.rates[:0], s.rates[1:]...)
	}
	s.rates = append(s.rates, float64(hashes-s.hashes)/took.Seconds())
	s.hashes = hashes
}

// rate is the mean of the samples, each of which weighs alpha times as much as the
// next newer one. (The SDK's weights are the wrong way round: there the oldest
// weighs the most.)
func (s *series) rate(alpha float64) float64 {
	var sum, weights float64
	weight := 1.0
	for i := len(s.rates) - 1; i >= 0; i-- {
		sum += weight * s.rates[i]
		weights += weight
		weight *= alpha
	}
	if weights == 0 {
		return 0
	}
	return sum / weights
}

func (m *meter) read(counters []counter, interval uint64) Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := Stats{Works: m.works, RoundTime: m.took, Engines: make([]EngineStats, len(counters))}
	switch {
	case m.began.IsZero():
	case m.ended.IsZero():
		st.Elapsed = time.Since(m.began)
	default:
		st.Elapsed = m.ended.Sub(m.began)
	}
	mean := func(hashes uint64) float64 {
		if st.Elapsed <= 0 {
			return 0
		}
		return float64(hashes) / st.Elapsed.Seconds()
	}
	for i := range counters {
		e := &st.Engines[i]
		e.Hashes = counters[i].tried.Load()
		e.MeanRate = mean(e.Hashes)
		if e.Rate = m.each[i].rate(m.alpha); len(m.total.rates) == 0 {
			e.Rate = e.MeanRate // the search was too short for a sample
		}
		st.Hashes += e.Hashes
		st.Rounds += e.Hashes / interval
	}
	st.MeanRate = mean(st.Hashes)
	if st.Rate = m.total.rate(m.alpha); st.Rate == 0 {
		st.Rate = st.MeanRate
	}
	if st.Rounds > 0 {
		st.RoundMean = st.Elapsed / time.Duration(st.Rounds)
	}
	return st
}
