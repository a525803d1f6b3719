package scale

import "encoding/binary"

// AppendBool appends one byte, 0 or 1.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// AppendU16 appends a little-endian 16-bit integer.
func AppendU16(dst []byte, v uint16) []byte { return binary.LittleEndian.AppendUint16(dst, v) }

// AppendU32 appends a little-endian 32-bit integer.
func AppendU32(dst []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(dst, v) }

// AppendU64 appends a little-endian 64-bit integer.
func AppendU64(dst []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(dst, v) }

// AppendU128 appends a little-endian 128-bit integer.
func AppendU128(dst []byte, v U128) []byte {
	return AppendU64(AppendU64(dst, v.Lo), v.Hi)
}

// AppendCompact appends v as a compact integer in its shortest form.
func AppendCompact(dst []byte, v uint64) []byte { return AppendCompact128(dst, U128{Lo: v}) }

// AppendCompact128 appends v as a compact integer in its shortest form.
func AppendCompact128(dst []byte, v U128) []byte {
	switch {
	case v.Hi == 0 && v.Lo < 1<<6:
		return append(dst, byte(v.Lo<<2))
	case v.Hi == 0 && v.Lo < 1<<14:
		return AppendU16(dst, uint16(v.Lo<<2|1))
	case v.Hi == 0 && v.Lo < 1<<30:
		return AppendU32(dst, uint32(v.Lo<<2|2))
	}
	var wide [16]byte
	binary.LittleEndian.PutUint64(wide[:], v.Lo)
	binary.LittleEndian.PutUint64(wide[8:], v.Hi)
	n := 16
	for n > 4 && wide[n-1] == 0 {
		n--
	}
	return append(append(dst, byte(n-4)<<2|3), wide[:n]...)
}

// AppendByteString appends the compact length of b and b.
func AppendByteString[T ~string | ~[]byte](dst []byte, b T) []byte {
	return append(AppendCompact(dst, uint64(len(b))), b...)
}
