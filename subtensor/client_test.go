package subtensor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/pow"
	"github.com/bittensor-go/bt/substrate"
	"github.com/bittensor-go/bt/substrate/keypair"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// chain starts a development chain whose blocks come by Step, and a client of it.
func chain(t *testing.T, opts devnet.Options) (*devnet.Node, *subtensor.Client) {
	t.Helper()
	node, err := devnet.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := subtensor.Dial(t.Context(), subtensor.Network{Name: "local", Endpoint: node.URL()}, subtensor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return node, c
}

func TestQueries(t *testing.T) {
	node, c := chain(t, devnet.Options{})
	node.Step()
	s, err := c.AtBlock(t.Context(), nil)
	if err != nil || s.Number != 1 {
		t.Fatalf("%v, %v", s, err)
	}
	netuids, err := s.Netuids(t.Context())
	if err != nil || !slices.Contains(netuids, 1) {
		t.Fatalf("netuids %v, %v", netuids, err)
	}
	full, err := s.Neurons(t.Context(), 1)
	if err != nil || len(full) != 16 {
		t.Fatalf("%d neurons, %v", len(full), err)
	}
	lite, err := s.NeuronsLite(t.Context(), 1)
	if err != nil || len(lite) != 16 {
		t.Fatalf("%d neurons, %v", len(lite), err)
	}
	for i := range full {
		one, err := s.Neuron(t.Context(), 1, uint16(i))
		if err != nil || one.Hotkey != full[i].Hotkey || lite[i].Hotkey != full[i].Hotkey || full[i].UID != uint16(i) {
			t.Errorf("uid %d: %v, %v, %v, %v", i, full[i].Hotkey, lite[i].Hotkey, one.Hotkey, err)
		}
	}
	subnet, err := s.Subnet(t.Context(), 1)
	if err != nil || subnet.Netuid != 1 {
		t.Errorf("%+v, %v", subnet, err)
	}
	subnets, err := s.Subnets(t.Context())
	if err != nil || len(subnets) != len(netuids) {
		t.Errorf("%d subnets, %v", len(subnets), err)
	}
	if _, err := s.Hyperparams(t.Context(), 1); err != nil {
		t.Error(err)
	}
	first := uint64(0)
	if s, err := c.AtBlock(t.Context(), &first); err != nil || s.Number != 0 {
		t.Error(err)
	}

	var absent *subtensor.SubnetNotFoundError
	if _, err := s.Neurons(t.Context(), 999); !errors.As(err, &absent) || absent.Netuid != 999 || !slices.Equal(absent.Existing, netuids) {
		t.Error(err)
	}
	if _, err := s.Subnet(t.Context(), 999); !errors.Is(err, subtensor.ErrSubnetNotFound) {
		t.Error(err)
	}
	if _, err := s.Neuron(t.Context(), 1, 999); !errors.Is(err, subtensor.ErrNeuronNotFound) {
		t.Error(err)
	}
	if _, err := s.NeuronLite(t.Context(), 999, 0); !errors.Is(err, subtensor.ErrSubnetNotFound) {
		t.Error(err)
	}
	future := uint64(5000)
	var none *substrate.BlockNotFoundError
	if _, err := c.AtBlock(t.Context(), &future); !errors.As(err, &none) || none.Head != 1 || subtensor.Explain(err) == "" {
		t.Error(err)
	}
}

// One registration by hand: terms, work, call, signature, block, event; then the
// refusals of the pool and of the terms.
func TestRegistration(t *testing.T) {
	node, c := chain(t, devnet.Options{Difficulty: 50})
	node.Step()
	coldkey, err := keypair.FromURI(keypair.Sr25519, "//Walker")
	if err != nil {
		t.Fatal(err)
	}
	hotkey := ss58.AccountID{7, 7, 7}
	s, err := c.AtHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	terms, err := s.RegistrationTerms(t.Context(), 1, hotkey, coldkey.Account())
	if err != nil || terms.Difficulty != 50 || !terms.PowAllowed || terms.UID != nil || terms.Owner != nil || terms.Rule.Call != "pow_register" {
		t.Fatalf("%+v, %v", terms, err)
	}
	work := s.Work(terms)
	nonce := uint64(0)
	for !work.Challenge.Verify(nonce, work.Difficulty) {
		nonce++
	}
	submit := func(nonce uint64) (substrate.Inclusion, error) {
		solution := pow.Solution{Work: work, Nonce: nonce, Seal: work.Challenge.Seal(nonce)}
		call, err := s.RegisterCall(terms.Rule, 1, hotkey, coldkey.Account(), solution)
		if err != nil {
			t.Fatal(err)
		}
		xt, err := s.Sign(t.Context(), coldkey, call, substrate.SignOptions{Era: 8})
		if err != nil {
			t.Fatal(err)
		}
		sub, err := c.Submit(t.Context(), xt)
		if err != nil {
			return substrate.Inclusion{}, err
		}
		defer sub.Close()
		node.Step()
		return sub.InBlock(t.Context())
	}
	weak := uint64(0)
	for work.Challenge.Verify(weak, work.Difficulty) {
		weak++
	}
	var pool *substrate.PoolError
	if _, err := submit(weak); !errors.As(err, &pool) || pool.Custom == nil || subtensor.CustomName(475, *pool.Custom) != "BadRequest" || !strings.Contains(err.Error(), "BadRequest") || !strings.Contains(subtensor.Explain(err), "solve again") {
		t.Error(err)
	}
	in, err := submit(nonce)
	if err != nil || in.Header.Number != 2 {
		t.Fatalf("%+v, %v", in, err)
	}
	if !slices.ContainsFunc(in.Events, func(e substrate.Event) bool {
		return e.Pallet == "SubtensorModule" && e.Name == "NeuronRegistered"
	}) {
		t.Errorf("%+v", in.Events)
	}
	after, err := c.At(t.Context(), in.Header)
	if err != nil {
		t.Fatal(err)
	}
	neuron, err := after.Neuron(t.Context(), 1, 16)
	if err != nil || neuron.Hotkey != hotkey || neuron.Coldkey != coldkey.Account() {
		t.Errorf("%+v, %v", neuron, err)
	}
	var registered *subtensor.AlreadyRegisteredError
	if _, err := after.RegistrationTerms(t.Context(), 1, hotkey, coldkey.Account()); !errors.As(err, &registered) || registered.UID != 16 {
		t.Error(err)
	}
	if _, err := after.RegistrationTerms(t.Context(), 0, hotkey, coldkey.Account()); !errors.Is(err, subtensor.ErrRootSubnet) {
		t.Error(err)
	}
	if _, err := after.RegistrationTerms(t.Context(), 999, hotkey, coldkey.Account()); !errors.Is(err, subtensor.ErrSubnetNotFound) {
		t.Error(err)
	}
}
