package pow

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"golang.org/x/crypto/sha3"
)

// Order is a byte order: of a nonce as it is hashed, or of a seal as it is read.
type Order uint8

// The two byte orders. The zero value is the order of today's chain for both.
const (
	LittleEndian Order = iota
	BigEndian
)

// String returns "little-endian" or "big-endian".
func (o Order) String() string {
	if o == BigEndian {
		return "big-endian"
	}
	return "little-endian"
}

// domain opens the message of the puzzle that spec 475 brought.
const domain = "subtensor-pow-register-v1"

// layout says where the nonce lies in the message and which of its bits a Job
// leaves open. The comments at Job define the resulting order of nonces.
type layout uint8

const (
	layoutNone      layout = iota // the zero Challenge: no puzzle
	layoutHeadLE                  // nonce first, little-endian: its low half varies
	layoutHeadBE                  // nonce first, big-endian: its high half varies
	layoutPublicEnd               // nonce last, at byte 123: its bytes 5, 6 and 7 vary
)

const (
	headSize   = 8 + 32                             // nonce, suffix
	publicAt   = len(domain) + 2 + 32 + 32 + 32     // offset of the nonce: 123
	publicSize = publicAt + 8                       // 131
	publicMid  = publicSize / sha256.BlockSize * 64 // bytes hashed before the varying block: 128
	publicLow  = publicMid - publicAt               // nonce bytes before the varying block: 5
	publicMask = uint64(1)<<(8*publicLow) - 1       // those bytes in the nonce
	blockWords = sha256.BlockSize / 4               // 16
)

// Challenge is a puzzle without its nonce. It is a value: comparable, and safe
// to copy and to use from several goroutines. The zero Challenge is no puzzle:
// nothing solves it.
type Challenge struct {
	message [publicSize]byte // with zeros for the nonce
	layout  layout
	reading Order
}

// Genesis is the puzzle of specs 101 to 117: nonce (little-endian) and block
// hash, no account, the seal read big-endian.
func Genesis(block [32]byte) Challenge {
	c := Challenge{layout: layoutHeadLE, reading: BigEndian}
	copy(c.message[8:], block[:])
	return c
}

// Classic is the puzzle of the call register in specs 118 to 394 and of the
// faucet: the nonce, then keccak256(block hash + account). The account is the
// hotkey for a registration and the signer (the coldkey) for the faucet.
//
// The nonce is big-endian in specs 149 and 150 and little-endian in all others.
// The seal is read big-endian up to spec 277, little-endian from 283 on.
func Classic(block, account [32]byte, nonce, reading Order) Challenge {
	c := Challenge{layout: layoutHeadLE, reading: reading}
	if nonce == BigEndian {
		c.layout = layoutHeadBE
	}
	bound := keccak256(append(block[:len(block):len(block)], account[:]...))
	copy(c.message[8:], bound[:])
	return c
}

// Public is the puzzle of the call pow_register, spec 475 on: a domain, the
// netuid, the hash of the work block, hotkey, coldkey and the nonce, both
// integers little-endian, the seal read little-endian. The coldkey is the
// account that signs.
func Public(netuid uint16, block, hotkey, coldkey [32]byte) Challenge {
	c := Challenge{layout: layoutPublicEnd, reading: LittleEndian}
	m := append(c.message[:0], domain...)
	m = binary.LittleEndian.AppendUint16(m, netuid)
	m = append(m, block[:]...)
	m = append(m, hotkey[:]...)
	_ = append(m, coldkey[:]...)
	return c
}

// Reading returns the byte order in which the puzzle's seals are read.
func (c Challenge) Reading() Order { return c.reading }

// AppendPreimage appends the bytes that are hashed for a nonce: 40 or 131. The
// zero Challenge has none.
func (c Challenge) AppendPreimage(dst []byte, nonce uint64) []byte {
	switch c.layout {
	case layoutHeadLE:
		dst = binary.LittleEndian.AppendUint64(dst, nonce)
		return append(dst, c.message[8:headSize]...)
	case layoutHeadBE:
		dst = binary.BigEndian.AppendUint64(dst, nonce)
		return append(dst, c.message[8:headSize]...)
	case layoutPublicEnd:
		dst = append(dst, c.message[:publicAt]...)
		return binary.LittleEndian.AppendUint64(dst, nonce)
	}
	return dst
}

// Seal returns the seal of a nonce. It is the reference that engines are held
// to and shares no code with them.
func (c Challenge) Seal(nonce uint64) Seal {
	var buf [publicSize]byte
	sum := sha256.Sum256(c.AppendPreimage(buf[:0], nonce))
	return keccak256(sum[:])
}

// Verify reports whether a nonce solves the puzzle at a difficulty.
func (c Challenge) Verify(nonce, difficulty uint64) bool {
	return c.layout != layoutNone && TargetFor(difficulty).Met(c.Seal(nonce), c.reading)
}

// Seal is the proof that a nonce yields, in the order in which the hash function
// gives its bytes and the chain's call takes them (its argument work).
type Seal [32]byte

// String returns the seal in hexadecimal with 0x before it.
func (s Seal) String() string { return "0x" + hex.EncodeToString(s[:]) }

// limbs reads the seal as a number, least significant limb first.
func (s Seal) limbs(reading Order) [4]uint64 {
	var v [4]uint64
	for i := range v {
		if reading == BigEndian {
			v[3-i] = binary.BigEndian.Uint64(s[8*i:])
		} else {
			v[i] = binary.LittleEndian.Uint64(s[8*i:])
		}
	}
	return v
}

// keccak256 is the original Keccak-256 (padding 0x01), not SHA3-256.
func keccak256(data []byte) (sum Seal) {
	h := sha3.NewLegacyKeccak256()
	h.Write(data)
	h.Sum(sum[:0])
	return sum
}
