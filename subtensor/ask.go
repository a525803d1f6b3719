package subtensor

import "github.com/bittensor-go/bt/substrate"

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

// AskUids is the question of State.Keys for the hotkeys of a subnet, which are the
// keys of Uids. State.Neurons and State.NeuronsLite save a trip by it where they
// have to read storage.
func AskUids(netuid uint16) substrate.Question {
	return substrate.AskKeys(append(substrate.StoragePrefix(palletName, "Uids"), encodeArgs(netuid)...))
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
