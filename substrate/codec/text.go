package codec

import "math"

// textField is a byte string and where it goes: a string or a []byte.
type textField struct {
	text bool
	to   uintptr
	name string
}

// texts decodes byte strings that follow each other.
func (d *decoder) texts(fields []textField, base place) bool {
	for len(fields) > 0 {
		some := fields[:min(len(fields), maxTexts)]
		fields = fields[len(some):]
		if d.quickTexts(some, base) {
			continue
		}
		for i := range some {
			f := &some[i]
			if !d.bytes(base.at(f.to), f.text, d.r.ByteString()) {
				return d.at(f.name)
			}
		}
	}
	return true
}

// maxTexts is how many byte strings are copied together.
const maxTexts = 8

// quickTexts decodes byte strings of less than 2^14 bytes each, or nothing where it
// returns false. They are copied at once, with their lengths in between.
func (d *decoder) quickTexts(fields []textField, base place) bool {
	var spans [maxTexts]struct{ from, to int }
	b, off, total := d.r.Rest(), 0, 0
	for i := range fields {
		n, used := quickCompact(b[off:])
		if used == 0 || used > 2 || n > uint64(len(b)-off-used) {
			return false
		}
		off += used
		spans[i%maxTexts].from = off
		off += int(n)
		spans[i%maxTexts].to = off
		total += int(n)
	}
	d.r.Skip(off)
	if total == 0 {
		return true
	}
	kept := d.copyBytes(b[:off])
	for i := range fields {
		if s := spans[i%maxTexts]; s.from < s.to {
			base.at(fields[i].to).putText(fields[i].text, kept[s.from:s.to:s.to])
		}
	}
	return true
}

// bytes stores a copy of b as a string or as a []byte, nil where it is empty.
func (d *decoder) bytes(p place, text bool, b []byte) bool {
	if d.r.Err() != nil {
		return false
	}
	if len(b) > 0 {
		p.putText(text, d.copyBytes(b))
	}
	return true
}

// compactText reads Vec<Compact<u8>> as bytes.
func (d *decoder) compactText(p place, text bool) bool {
	n := d.r.Len(1)
	if d.r.Err() != nil || n == 0 {
		return d.r.Err() == nil
	}
	b := d.cut(n)
	if i, ok := d.compacts([]compactField{{width: 1, max: math.MaxUint8}}, bytesPlace(b), 1, n); !ok {
		return d.index(i)
	}
	p.putText(text, b)
	return true
}
