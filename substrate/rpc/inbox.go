package rpc

import (
	"io"
	"sync"
)

const (
	// wholeStart is the room for a message at first. Answers that are larger are
	// given away rather than copied.
	wholeStart = 64 << 10
	// wholeKept is the room that stays however small the messages are.
	wholeKept = 1 << 20
	// pieceStart is the size of the first piece. Each one is twice as large as the
	// one before, up to a megabyte.
	pieceStart = 64 << 10
	piecesGrow = 4
	// piecesKept is how many pieces wait for the next message: a megabyte in all.
	piecesKept = 4
)

// inbox reads messages. A message that is larger than those before comes in
// pieces, which are joined when its size is known. So it takes twice its size,
// where a buffer that doubles takes up to four times, and a node makes this side
// take no more than that by what it really sends.
type inbox struct {
	whole  []byte   // the last message's memory, for the next
	small  int      // messages in a row that much less would have held
	pieces [][]byte // of the largest messages
}

// message reads a message. Its memory is used again for the next one, unless whole
// is nil then.
func (b *inbox) message(r io.Reader) ([]byte, error) {
	if b.whole == nil {
		b.whole = make([]byte, 0, wholeStart)
	}
	text, more, err := fill(r, b.whole[:0])
	size, used := len(text), 0
	for ; more && err == nil; used++ {
		if used == len(b.pieces) {
			b.pieces = append(b.pieces, make([]byte, 0, pieceStart<<min(used, piecesGrow)))
		}
		b.pieces[used], more, err = fill(r, b.pieces[used][:0])
		size += len(b.pieces[used])
	}
	if err != nil {
		return nil, err
	}
	if used > 0 {
		// The next one may be somewhat larger.
		joined := append(make([]byte, 0, size+size/16), text...)
		for _, piece := range b.pieces[:used] {
			joined = append(joined, piece...)
		}
		clear(b.pieces[min(piecesKept, len(b.pieces)):])
		b.pieces = b.pieces[:min(piecesKept, len(b.pieces))]
		text = joined
	}
	b.keep(text)
	return text, nil
}

// keep has the memory of a message used again, unless it is much more than is
// needed.
func (b *inbox) keep(text []byte) {
	if b.small++; len(text) >= cap(text)/8 {
		b.small = 0
	}
	if b.whole = text; b.small > 16 && cap(text) > wholeKept {
		b.whole, b.small = nil, 0
	}
}

// fill reads until there is no room left, or to the end. It reports whether there
// may be more.
func fill(r io.Reader, p []byte) (_ []byte, more bool, err error) {
	for len(p) < cap(p) {
		n, err := r.Read(p[len(p):cap(p)])
		p = p[:len(p)+n]
		if err == io.EOF {
			return p, false, nil
		}
		if err != nil {
			return p, false, err
		}
	}
	return p, true, nil
}

const (
	// sparesKept is how many answers' memory waits for later answers, each of
	// spareMost bytes at most.
	sparesKept = 4
	spareMost  = 1 << 20
)

// spare is memory of answers that nobody looks at any more.
type spare struct {
	mu    sync.Mutex
	parts [][]byte
}

// room returns n bytes, which are not zero: of the smallest part that is not much
// too large, else new ones.
func (s *spare) room(n int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := -1
	for i, p := range s.parts {
		if cap(p) >= n && cap(p) <= 2*n+1<<10 && (best < 0 || cap(p) < cap(s.parts[best])) {
			best = i
		}
	}
	if best < 0 {
		return make([]byte, n)
	}
	p := s.parts[best]
	s.parts = append(s.parts[:best], s.parts[best+1:]...)
	return p[:n]
}

// put keeps a part, and the newest ones where there are too many.
func (s *spare) put(p []byte) {
	if cap(p) == 0 || cap(p) > spareMost {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.parts) == sparesKept {
		s.parts = append(s.parts[:0], s.parts[1:]...)
	}
	s.parts = append(s.parts, p)
}
