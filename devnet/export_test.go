package devnet

import (
	"github.com/bittensor-go/bt/substrate/ss58"
)

// SealOf and Meets are the chain's own seal and its difficulty test.
func SealOf(netuid uint16, work [32]byte, hotkey, coldkey ss58.AccountID, nonce uint64) [32]byte {
	return sealOf(netuid, work, hotkey, coldkey, nonce)
}

func Meets(seal [32]byte, difficulty uint64) bool { return meets(seal, difficulty) }

// DispatchPow returns the index of the error that pow_register gives when it is
// dispatched in the next block without the pool's checks, as a batch would; -1
// where it succeeds. Nothing is kept.
func (n *Node) DispatchPow(coldkey ss58.AccountID, netuid uint16, block, nonce uint64, work [32]byte, hotkey ss58.AccountID) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.candidate()
	l.begin()
	failed := l.powRegister(coldkey, powCall{netuid, block, nonce, work, hotkey}, 1, &eventLog{})
	if failed == nil {
		return -1
	}
	return int(failed[2])
}

// Handle answers a message as a client would get it, with no connection.
func (n *Node) Handle(msg []byte) []byte {
	c := &conn{n: n, cancel: func() {}, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	defer n.forget(c)
	return n.handle(c, msg)
}

// ParseExtrinsic reads an extrinsic and returns its bytes again.
func ParseExtrinsic(raw []byte) ([]byte, error) {
	xt, err := parseExtrinsic(raw)
	if err != nil {
		return nil, err
	}
	return xt.raw, nil
}
