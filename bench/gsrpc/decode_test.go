// Package gsrpc measures go-substrate-rpc-client on the answers that
// bench/inputs_test.go wrote. It is a module of its own, so that bt does not
// depend on it.
package gsrpc

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/centrifuge/go-substrate-rpc-client/v4/types"
	"github.com/centrifuge/go-substrate-rpc-client/v4/types/codec"
)

// The structs list the fields in the order in which runtime 293 writes them, as
// clients on this library do.

type axon struct {
	Block                      types.U64
	Version                    types.U32
	IP                         types.U128
	Port                       types.U16
	IPType, Protocol           types.U8
	Placeholder1, Placeholder2 types.U8
}

type prometheus struct {
	Block   types.U64
	Version types.U32
	IP      types.U128
	Port    types.U16
	IPType  types.U8
}

type stake struct {
	Account types.AccountID
	Amount  types.UCompact
}

type entry struct{ UID, Value types.UCompact }

type neuron struct {
	Hotkey, Coldkey types.AccountID
	UID, Netuid     types.UCompact
	Active          types.Bool
	AxonInfo        axon
	PrometheusInfo  prometheus
	Stake           []stake
	Rank            types.UCompact
	Emission        types.UCompact
	Incentive       types.UCompact
	Consensus       types.UCompact
	Trust           types.UCompact
	ValidatorTrust  types.UCompact
	Dividends       types.UCompact
	LastUpdate      types.UCompact
	ValidatorPermit types.Bool
	Weights, Bonds  []entry
	PruningScore    types.UCompact
}

type neuronLite struct {
	Hotkey, Coldkey types.AccountID
	UID, Netuid     types.UCompact
	Active          types.Bool
	AxonInfo        axon
	PrometheusInfo  prometheus
	Stake           []stake
	Rank            types.UCompact
	Emission        types.UCompact
	Incentive       types.UCompact
	Consensus       types.UCompact
	Trust           types.UCompact
	ValidatorTrust  types.UCompact
	Dividends       types.UCompact
	LastUpdate      types.UCompact
	ValidatorPermit types.Bool
	PruningScore    types.UCompact
}

// metagraph is the answer of get_metagraph; its text is a list of compact bytes.
type metagraph struct {
	Netuid                                                                                                                                                        types.UCompact
	Name, Symbol                                                                                                                                                  []types.UCompact
	Identity                                                                                                                                                      types.Option[subnetIdentity]
	NetworkRegisteredAt                                                                                                                                           types.UCompact
	OwnerHotkey, OwnerColdkey                                                                                                                                     types.AccountID
	Block, Tempo, LastStep, BlocksSinceLastStep                                                                                                                   types.UCompact
	SubnetEmission, AlphaIn, AlphaOut, TaoIn, AlphaOutEmission, AlphaInEmission, TaoInEmission, PendingAlphaEmission, PendingRootEmission                         types.UCompact
	SubnetVolume                                                                                                                                                  types.UCompact
	MovingPrice                                                                                                                                                   types.U128
	Rho, Kappa, MinAllowedWeights, MaxWeightsLimit, WeightsVersion, WeightsRateLimit, ActivityCutoff                                                              types.UCompact
	MaxValidators, NumUIDs, MaxUIDs, Burn, Difficulty                                                                                                             types.UCompact
	RegistrationAllowed, PowRegistrationAllowed                                                                                                                   types.Bool
	ImmunityPeriod, MinDifficulty, MaxDifficulty, MinBurn, MaxBurn, AdjustmentAlpha, AdjustmentInterval, TargetRegsPerInterval, MaxRegsPerBlock, ServingRateLimit types.UCompact
	CommitRevealWeightsEnabled                                                                                                                                    types.Bool
	CommitRevealPeriod                                                                                                                                            types.UCompact
	LiquidAlphaEnabled                                                                                                                                            types.Bool
	AlphaHigh, AlphaLow, BondsMovingAvg                                                                                                                           types.UCompact
	Hotkeys, Coldkeys                                                                                                                                             []types.AccountID
	Identities                                                                                                                                                    []types.Option[chainIdentity]
	Axons                                                                                                                                                         []axon
	Active, ValidatorPermit                                                                                                                                       []types.Bool
	PruningScore, LastUpdate, Emission, Dividends, Incentives, Consensus, Trust, Rank, BlockAtRegistration, AlphaStake, TaoStake, TotalStake                      []types.UCompact
	TaoDividends, AlphaDividends                                                                                                                                  []stake
}

type subnetIdentity struct{ Name, GithubRepo, Contact, URL, Discord, Description, LogoURL, Additional types.Bytes }

type chainIdentity struct{ Name, URL, GithubRepo, Image, Discord, Description, Additional types.Bytes }

func decodeMetagraph(data []byte) (int, error) {
	var v types.Option[metagraph]
	err := codec.Decode(data, &v)
	ok, m := v.Unwrap()
	if !ok {
		return 0, err
	}
	return len(m.Hotkeys), err
}

func decode[T any](data []byte) (int, error) {
	var v []T
	err := codec.Decode(data, &v)
	return len(v), err
}

func BenchmarkDecode(b *testing.B) {
	dir := os.Getenv("BENCH_INPUTS")
	if dir == "" {
		b.Skip("BENCH_INPUTS names no folder of answers")
	}
	for _, q := range []struct {
		name   string
		decode func([]byte) (int, error)
	}{{"neurons", decode[neuron]}, {"lite", decode[neuronLite]}, {"metagraph", decodeMetagraph}} {
		for _, n := range []int{64, 256, 2500} {
			data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%s.%d", q.name, n)))
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/%d/gsrpc", q.name, n), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				before := cpuTime(b)
				for b.Loop() {
					if got, err := q.decode(data); err != nil || got != n {
						b.Fatal(got, err)
					}
				}
				b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
