package subtensor

import (
	"slices"

	"github.com/bittensor-go/bt/substrate"
)

// Questions of a State that can be put ahead of it, see Client.AtBlock.

// AskNeurons is the question of State.Neurons.
func AskNeurons(netuid uint16) substrate.Question {
	return substrate.AskCall(getNeurons, encodeArgs(netuid))
}

// AskNeuronsLite is the question of State.NeuronsLite.
func AskNeuronsLite(netuid uint16) substrate.Question {
	return substrate.AskCall(getNeuronsLite, encodeArgs(netuid))
}

// AskSubnetState is the question of State.SubnetState.
func AskSubnetState(netuid uint16) substrate.Question {
	return substrate.AskCall(getSubnetState, encodeArgs(netuid))
}

// AskSubnetInfos is the question of State.SubnetInfos.
func AskSubnetInfos() substrate.Question { return substrate.AskCall(getSubnets, nil) }

// AskUids returns the questions of State.Keys for the hotkeys of a subnet, which are
// the keys of Uids. State.Neurons and State.NeuronsLite save a trip by them where
// they have to read storage.
//
// A node lists 1000 keys at once. The hashes of the hotkeys that stand in the keys
// are spread evenly, so that the second question is for the upper half of more.
func AskUids(netuid uint16) []substrate.Question {
	prefix := append(substrate.StoragePrefix(palletName, "Uids"), encodeArgs(netuid)...)
	return []substrate.Question{
		substrate.AskKeys(prefix),
		substrate.AskKeysAfter(prefix, append(slices.Clone(prefix), 0x80)),
	}
}

// AskMechagraph is the question of State.Mechagraph.
func AskMechagraph(netuid uint16, mechanism uint8) substrate.Question {
	return substrate.AskCall(getMechagraph, append(encodeArgs(netuid), mechanism))
}

// AskNetuids is the question of State.Netuids.
func AskNetuids() substrate.Question {
	return substrate.AskKeys(substrate.StoragePrefix(palletName, "NetworksAdded"))
}

// AskCommitments returns the questions of State.Commitments that come first: for
// the keys of what is kept on a subnet.
func AskCommitments(netuid uint16) []substrate.Question {
	var questions []substrate.Question
	for _, item := range []string{"CommitmentOf", "RevealedCommitments"} {
		questions = append(questions, substrate.AskKeys(append(substrate.StoragePrefix(commitmentsPallet, item), encodeArgs(netuid)...)))
	}
	return questions
}
