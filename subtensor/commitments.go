package subtensor

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// commitmentsPallet holds commitments, from spec 141 on.
const commitmentsPallet = "Commitments"

// Commitment is what an account has written into the chain for a subnet, such as
// the address of a model. Nobody checked that it is true or harmless on a
// terminal.
type Commitment struct {
	Block   uint64 // at which it was written; of the last reveal where Fields are gone
	Deposit uint64 // rao that are held for it
	Fields  []CommitmentField
	// Revealed are the time-locked commitments of the account that the chain has
	// opened, oldest first (specs from about 283 on). Fields are empty where
	// there is nothing else.
	Revealed []RevealedCommitment
}

// CommitmentField is one part of a commitment.
type CommitmentField struct {
	// Kind is the runtime's name for it: Raw13 for 13 bytes, BigRaw for many, Sha256
	// and others for a hash, TimelockEncrypted, ResetBondsFlag and so on.
	Kind        string
	Data        []byte // as stored; empty for kinds without
	RevealRound uint64 // of drand, for what is time-locked
}

// RevealedCommitment is a commitment that was time-locked.
type RevealedCommitment struct {
	Block uint64 // at which it was opened
	Data  []byte // as it was before it was locked
}

// Text returns what can be read of the fields, as the Python SDK's version 11
// shows it: raw bytes one after the other as text, or as 0x and hexadecimal
// digits where they are no UTF-8, then each hash on a line of its own. BigRaw
// counts as a hash there.
func (c *Commitment) Text() string {
	var raw []byte
	var parts []string
	for _, f := range c.Fields {
		switch {
		case strings.HasPrefix(f.Kind, "Raw"):
			raw = append(raw, f.Data...)
		case !strings.HasPrefix(f.Kind, "Timelock") && len(f.Data) > 0:
			parts = append(parts, strings.ToLower(f.Kind)+":0x"+hex.EncodeToString(f.Data))
		}
	}
	if len(raw) > 0 {
		parts = slices.Insert(parts, 0, readable(raw))
	}
	return strings.Join(parts, "\n")
}

// Text returns the data as text, or as 0x and hexadecimal digits where it is no
// UTF-8.
func (r *RevealedCommitment) Text() string { return readable(r.Data) }

func readable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return "0x" + hex.EncodeToString(b)
}

// RevealRound returns the drand round at which the last of the time-locked fields
// opens, 0 where none is locked.
func (c *Commitment) RevealRound() uint64 {
	var last uint64
	for _, f := range c.Fields {
		if f.Kind == timelocked {
			last = max(last, f.RevealRound)
		}
	}
	return last
}

const timelocked = "TimelockEncrypted"

// registration is pallet_commitments' Registration.
type registration struct {
	Deposit uint64
	Block   uint64
	Info    []codec.Variant
}

// revealed is an entry of RevealedCommitments: the SCALE encoding of the bytes
// that were locked, and the block.
type revealed struct {
	Data  []byte
	Block uint64
}

// Commitments returns what accounts have committed on a subnet, whether or not
// they are neurons there. It is empty for blocks before spec 141.
func (s *State) Commitments(ctx context.Context, netuid uint16) (map[ss58.AccountID]Commitment, error) {
	var current map[ss58.AccountID]registration
	var opened map[ss58.AccountID][]revealed
	var errs [2]error
	var wg sync.WaitGroup
	wg.Go(func() { current, errs[0] = accounts[registration](ctx, s, commitmentsPallet, "CommitmentOf", netuid) })
	wg.Go(func() {
		opened, errs[1] = accounts[[]revealed](ctx, s, commitmentsPallet, "RevealedCommitments", netuid)
	})
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	all := make(map[ss58.AccountID]Commitment, len(current))
	for account, r := range current {
		c := Commitment{Block: r.Block, Deposit: r.Deposit}
		for i := range r.Info {
			c.Fields = append(c.Fields, fieldOf(&r.Info[i]))
		}
		all[account] = c
	}
	for account, list := range opened {
		c, known := all[account]
		for _, r := range list {
			c.Revealed = append(c.Revealed, RevealedCommitment{Block: r.Block, Data: unlocked(r.Data)})
			if !known {
				c.Block = max(c.Block, r.Block)
			}
		}
		slices.SortStableFunc(c.Revealed, func(a, b RevealedCommitment) int {
			if a.Block != b.Block {
				return int(int64(a.Block - b.Block))
			}
			return bytes.Compare(a.Data, b.Data)
		})
		if len(c.Revealed) > 0 {
			all[account] = c
		}
	}
	return all, nil
}

// fieldOf reads a field by the shape of what it holds, so that kinds which are
// not known yet are read too.
func fieldOf(v *codec.Variant) CommitmentField {
	f := CommitmentField{Kind: v.Name}
	for _, x := range v.Fields {
		switch x := x.Value.(type) {
		case []byte:
			f.Data = x
		case uint64:
			f.RevealRound = x
		}
	}
	return f
}

// unlocked takes the length off that the chain left before opened data.
func unlocked(data []byte) []byte {
	r := scale.NewReader(data)
	inner := r.ByteString()
	if r.Finish() != nil {
		return data
	}
	return append([]byte(nil), inner...)
}

// Identities returns what coldkeys say about themselves, without those that say
// nothing. It is empty for blocks before spec 195. Keys may repeat.
func (s *State) Identities(ctx context.Context, coldkeys []ss58.AccountID) (map[ss58.AccountID]ChainIdentity, error) {
	pallet, ok := s.Runtime.Metadata.Pallet(palletName)
	if !ok {
		return nil, ErrNotSubtensor
	}
	item := "IdentitiesV2" // from spec 233 on
	if _, ok := pallet.Entry(item); !ok {
		item = "Identities"
	}
	entry, ok := pallet.Entry(item)
	all := make(map[ss58.AccountID]ChainIdentity)
	if !ok || len(coldkeys) == 0 {
		return all, nil
	}
	coldkeys = slices.Clone(coldkeys)
	slices.SortFunc(coldkeys, func(a, b ss58.AccountID) int { return bytes.Compare(a[:], b[:]) })
	coldkeys = slices.Compact(coldkeys)
	keys := make([][]byte, len(coldkeys))
	for i, k := range coldkeys {
		var err error
		if keys[i], err = s.Runtime.StorageKey(palletName, item, k); err != nil {
			return nil, err
		}
	}
	values, err := s.Raw(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("storage %s.%s: %w", palletName, item, err)
	}
	for i, raw := range values {
		if raw == nil {
			continue
		}
		// The first form of the struct has no github_repo.
		var id struct {
			Name, Image, Discord, Description, Additional string
			URL                                           string `scale:"url"`
			GithubRepo                                    string `scale:"github_repo,optional"`
		}
		if err := s.Runtime.Codec.Decode(entry.Value, raw, &id); err != nil {
			return nil, fmt.Errorf("block %d: storage %s.%s of %v: %w", s.Number, palletName, item, coldkeys[i], err)
		}
		all[coldkeys[i]] = ChainIdentity{
			Name: id.Name, URL: id.URL, GithubRepo: id.GithubRepo, Image: id.Image,
			Discord: id.Discord, Description: id.Description, Additional: id.Additional,
		}
	}
	return all, nil
}

// accounts reads what a map stores for the accounts of a subnet: none where the
// runtime has no such map.
func accounts[T any](ctx context.Context, s *State, palletName, item string, netuid uint16) (map[ss58.AccountID]T, error) {
	pallet, ok := s.Runtime.Metadata.Pallet(palletName)
	if !ok {
		return nil, nil
	}
	entry, ok := pallet.Entry(item)
	if !ok {
		return nil, nil
	}
	prefix, err := s.Runtime.StorageKey(palletName, item, netuid)
	if err != nil {
		return nil, err
	}
	keys, err := s.Keys(ctx, prefix, maxAccounts+1)
	if err != nil {
		return nil, err
	}
	if len(keys) > maxAccounts {
		return nil, fmt.Errorf("block %d: storage %s.%s: more than %d accounts on netuid %d", s.Number, palletName, item, maxAccounts, netuid)
	}
	values, err := s.Raw(ctx, keys...)
	if err != nil {
		return nil, err
	}
	all := make(map[ss58.AccountID]T, len(keys))
	for i, key := range keys {
		var account ss58.AccountID
		// All hashers of the chain that keep a key end in it.
		if len(key) < len(prefix)+len(account) || values[i] == nil {
			return nil, fmt.Errorf("block %d: storage %s.%s: key %x names no account, or has no value", s.Number, palletName, item, key)
		}
		copy(account[:], key[len(key)-len(account):])
		var v T
		if err := s.Runtime.Codec.Decode(entry.Value, values[i], &v); err != nil {
			return nil, fmt.Errorf("block %d: storage %s.%s of %v: %w", s.Number, palletName, item, account, err)
		}
		all[account] = v
	}
	return all, nil
}

// maxAccounts limits what is read of one map. A subnet has a few thousand
// neurons, and its commitments outlive them.
const maxAccounts = 1 << 18
