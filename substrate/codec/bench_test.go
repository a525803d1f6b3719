package codec_test

import (
	"fmt"
	"testing"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// axon, prometheus, stake, entry and neuron are what a client of a Subtensor
// wants of get_neurons.
type axon struct {
	Block        uint64
	Version      uint32
	IP           scale.U128 `scale:"ip"`
	Port         uint16
	IPType       uint8 `scale:"ip_type"`
	Protocol     uint8
	Placeholder1 uint8
	Placeholder2 uint8
}

type prometheus struct {
	Block   uint64
	Version uint32
	IP      scale.U128 `scale:"ip"`
	Port    uint16
	IPType  uint8 `scale:"ip_type"`
}

type stake struct {
	Account ss58.AccountID
	Amount  uint64
}

type entry struct{ UID, Value uint16 }

type neuron struct {
	Hotkey, Coldkey ss58.AccountID
	UID             uint16 `scale:"uid"`
	Netuid          uint16
	Active          bool
	AxonInfo        axon
	PrometheusInfo  prometheus
	Stake           []stake
	Rank            uint16 `scale:"rank,optional"`
	Emission        uint64
	Incentive       uint16
	Consensus       uint16
	Trust           uint16 `scale:"trust,optional"`
	ValidatorTrust  uint16
	Dividends       uint16
	LastUpdate      uint64
	ValidatorPermit bool
	Weights         []entry
	Bonds           []entry
	PruningScore    uint16
}

const getNeurons = "NeuronInfoRuntimeApi_get_neurons"

func BenchmarkDecodeNeurons(b *testing.B) {
	f := load(b, "293-aura")
	id := f.output(b, getNeurons)
	for _, s := range []struct{ n, netuid int }{{64, 1}, {256, 12}} {
		data := vectors.Hex(b, fmt.Sprintf("293-aura/state_call/get_neurons.netuid%d.hex.gz", s.netuid))
		b.Run(fmt.Sprint(s.n), func(b *testing.B) {
			c := codec.New(f.md.Types)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				var v []neuron
				if err := c.Decode(id, data, &v); err != nil || len(v) != s.n {
					b.Fatal(len(v), err)
				}
			}
		})
	}
}

func BenchmarkValueNeurons(b *testing.B) {
	f := load(b, "293-aura")
	id := f.output(b, getNeurons)
	data := vectors.Hex(b, "293-aura/state_call/get_neurons.netuid12.hex.gz")
	c := codec.New(f.md.Types)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Value(id, scale.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendNeurons(b *testing.B) {
	f := load(b, "293-aura")
	id := f.output(b, getNeurons)
	data := vectors.Hex(b, "293-aura/state_call/get_neurons.netuid12.hex.gz")
	c := codec.New(f.md.Types)
	var v []neuron
	if err := c.Decode(id, data, &v); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		var err error
		if buf, err = c.Append(buf[:0], id, v); err != nil {
			b.Fatal(err)
		}
	}
}

// The cost of a codec and its first value, which a client pays once a runtime.
func BenchmarkCompile(b *testing.B) {
	f := load(b, "293-aura")
	id := f.output(b, getNeurons)
	b.ReportAllocs()
	for b.Loop() {
		var v []neuron
		if err := codec.New(f.md.Types).Decode(id, []byte{0}, &v); err != nil {
			b.Fatal(err)
		}
	}
}
