package tensorfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// Limits that keep the header's cost in proportion. The format itself allows a
// header of 100 MB; files of hundreds of thousands of tensors stay below this.
const (
	maxHeader = 16 << 20 // bytes
	maxRank   = 16       // dimensions of a tensor
)

// metadataKey is the name in the header that is no tensor.
const metadataKey = "__metadata__"

// info is what the header says about a tensor.
type info struct {
	name       string
	dtype      DType
	shape      []uint64
	begin, end uint64
}

// Decode reads a file that is in memory. The tensors, in the order in which their
// data lies, alias data. The error wraps ErrFormat.
func Decode(data []byte) (*File, error) {
	f, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return f, nil
}

func decode(data []byte) (*File, error) {
	if len(data) < 8 {
		return nil, fmt.Errorf("%d bytes are too few for the length of a header", len(data))
	}
	size := binary.LittleEndian.Uint64(data)
	switch {
	case size > uint64(len(data)-8):
		return nil, fmt.Errorf("the header claims %d bytes, the file has %d: it is cut off, or something else", size, len(data))
	case size > maxHeader:
		return nil, fmt.Errorf("the header has %d bytes, the limit is %d", size, maxHeader)
	}
	header, body := data[8:8+size], data[8+size:]
	if !bytes.HasPrefix(header, []byte("{")) {
		return nil, errors.New("the header does not begin with {")
	}
	f := new(File)
	infos, err := f.readHeader(header)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	slices.SortStableFunc(infos, func(a, b info) int {
		// Of those that begin at one byte, the ones without elements come first.
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	var at uint64
	for _, i := range infos {
		n, ok := byteLen(i.dtype, i.shape)
		switch {
		case !ok:
			return nil, fmt.Errorf("tensor %q: type %q with shape %v is unknown or too large", i.name, i.dtype, i.shape)
		case i.begin != at:
			return nil, fmt.Errorf("tensor %q begins at byte %d of the data, not at %d where the one before ends", i.name, i.begin, at)
		case i.end < i.begin || i.end-i.begin != n:
			return nil, fmt.Errorf("tensor %q has %s%v, %d bytes, but lies from %d to %d", i.name, i.dtype, i.shape, n, i.begin, i.end)
		case i.end > uint64(len(body)):
			return nil, fmt.Errorf("tensor %q ends at byte %d of the data, which has %d: the file is cut off", i.name, i.end, len(body))
		}
		shape := make([]int, len(i.shape))
		for j, d := range i.shape {
			if d > math.MaxInt {
				return nil, fmt.Errorf("tensor %q: shape %v is too large", i.name, i.shape)
			}
			shape[j] = int(d)
		}
		f.Tensors = append(f.Tensors, Tensor{i.name, i.dtype, shape, body[i.begin:i.end:i.end]})
		at = i.end
	}
	if at != uint64(len(body)) {
		return nil, fmt.Errorf("%d bytes behind the last tensor", uint64(len(body))-at)
	}
	return f, nil
}

// readHeader reads the JSON of the header and nothing behind it but spaces.
func (f *File) readHeader(header []byte) ([]info, error) {
	d := json.NewDecoder(bytes.NewReader(header))
	d.UseNumber()
	var infos []info
	err := object(d, func(name string) error {
		if name == metadataKey {
			f.Metadata = make(map[string]string)
			return object(d, func(key string) error {
				v, err := value[string](d)
				f.Metadata[key] = v
				return err
			})
		}
		i := info{name: name}
		if err := i.read(d); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		infos = append(infos, i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return infos, nil
}

// read reads the object that describes a tensor.
func (i *info) read(d *json.Decoder) error {
	var seen int
	err := object(d, func(key string) (err error) {
		seen++
		switch key {
		case "dtype":
			var name string
			name, err = value[string](d)
			i.dtype = DType(name)
		case "shape":
			i.shape, err = list(d, maxRank)
		case "data_offsets":
			var o []uint64
			if o, err = list(d, 2); err == nil && len(o) != 2 {
				err = fmt.Errorf("%d offsets, not 2", len(o))
			} else if err == nil {
				i.begin, i.end = o[0], o[1]
			}
		default:
			err = errors.New("no such property in the format")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	if err == nil && seen != 3 {
		err = errors.New("dtype, shape or data_offsets is missing")
	}
	return err
}

// object reads a JSON object: member is called behind each key and reads the
// value. A key that comes twice is an error.
func object(d *json.Decoder, member func(key string) error) error {
	if err := delim(d, '{'); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return fmt.Errorf("%v where a name should be", t)
		}
		if seen[key] {
			return fmt.Errorf("%q is there twice", key)
		}
		seen[key] = true
		if err := member(key); err != nil {
			return err
		}
	}
	return delim(d, '}')
}

// list reads a JSON array of at most limit unsigned integers.
func list(d *json.Decoder, limit int) ([]uint64, error) {
	if err := delim(d, '['); err != nil {
		return nil, err
	}
	numbers := []uint64{}
	for d.More() {
		if len(numbers) == limit {
			return nil, fmt.Errorf("more than %d numbers", limit)
		}
		n, err := value[json.Number](d)
		if err != nil {
			return nil, err
		}
		v, err := strconv.ParseUint(n.String(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is no count", n)
		}
		numbers = append(numbers, v)
	}
	return numbers, delim(d, ']')
}

func delim(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%v where %v should be", t, want)
	}
	return nil
}

// value reads one JSON value that is a T: a string or a json.Number.
func value[T string | json.Number](d *json.Decoder) (T, error) {
	t, err := d.Token()
	if err != nil {
		return "", err
	}
	v, ok := t.(T)
	if !ok {
		return "", fmt.Errorf("%v has the wrong type", t)
	}
	return v, nil
}
