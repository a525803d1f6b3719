package live_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bittensor-go/bt/internal/cli/live"
)

func TestTerminal(t *testing.T) {
	var out bytes.Buffer
	v := live.New(&out, live.Options{Width: func() int { return 12 }})
	steps := []struct {
		do   func()
		want string
	}{
		{func() { v.Status("one", "two") }, "one\ntwo\n"},
		{func() { v.Status("a line that is too long") }, "\x1b[2A\r\x1b[Ja line tha…\n"},
		{func() { v.Print("stays") }, "\x1b[1A\r\x1b[Jstays\n"},
		{func() { v.Status("again") }, "again\n"},
		{func() { v.Clear() }, "\x1b[1A\r\x1b[J"},
		{func() { v.Clear() }, ""},
	}
	for i, s := range steps {
		out.Reset()
		s.do()
		if diff := cmp.Diff(s.want, out.String()); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestPlain(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	v := live.New(&out, live.Options{Now: func() time.Time { return now }})
	v.Status("rate 1", "block 1")
	now = now.Add(live.Every - 1)
	v.Status("rate 2", "block 2") // too early
	now = now.Add(1)
	v.Status("rate 1", "block 1") // nothing new
	v.Status("rate 3", "block 3")
	v.Print("stays")
	v.Clear()
	v.Status("next")
	want := "rate 1, block 1\nrate 3, block 3\nstays\nnext\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("plain lines (-want +got):\n%s", diff)
	}
}
