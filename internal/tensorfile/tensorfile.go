// Package tensorfile reads and writes arrays of numbers in files that other
// programs read too: safetensors.
//
// A safetensors file is the length of its header in eight little-endian bytes,
// the header, and the data of all arrays one after the other, in C order and
// little-endian. The header is a JSON object: for each name the type of its
// elements, its shape, and where in the data it begins and ends; under the name
// __metadata__ an object of texts. The package holds files to the format's rules:
// the data is covered without holes and without overlap.
package tensorfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// ErrFormat reports a file that is damaged, or none of the format.
var ErrFormat = errors.New("not a valid safetensors file")

// DType is the type of a tensor's elements, as the format names it.
type DType string

// The types of elements that Values and Of convert.
const (
	Bool DType = "BOOL" // one byte: 0 or 1
	U8   DType = "U8"
	U16  DType = "U16"
	U32  DType = "U32"
	U64  DType = "U64"
	I64  DType = "I64"
	F32  DType = "F32"
)

// sizes are the types that files may hold, with the bytes of an element. Those
// without a constant are kept as bytes.
var sizes = map[DType]int{
	Bool: 1, U8: 1, U16: 2, U32: 4, U64: 8, I64: 8, F32: 4,
	"I8": 1, "I16": 2, "I32": 4, "F16": 2, "BF16": 2, "F64": 8, "F8_E4M3": 1, "F8_E5M2": 1,
}

// Element is a Go type that tensors convert to and from.
type Element interface {
	bool | uint8 | uint16 | uint32 | uint64 | int64 | float32
}

// dtypeOf returns the type of elements that T stands for.
func dtypeOf[T Element]() DType {
	switch any(*new(T)).(type) {
	case bool:
		return Bool
	case uint8:
		return U8
	case uint16:
		return U16
	case uint32:
		return U32
	case uint64:
		return U64
	case int64:
		return I64
	default:
		return F32
	}
}

// Tensor is a named array.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // no dimensions for a single number
	Data  []byte
}

// Of makes a tensor of values. Without a shape it has one dimension.
func Of[T Element](name string, values []T, shape ...int) Tensor {
	if shape == nil {
		shape = []int{len(values)}
	}
	dtype := dtypeOf[T]()
	data, err := binary.Append(make([]byte, 0, len(values)*sizes[dtype]), binary.LittleEndian, values)
	if err != nil {
		panic("tensorfile: " + err.Error()) // Element holds only types of fixed size
	}
	return Tensor{name, dtype, shape, data}
}

// Values returns a tensor's elements in the order in which they lie. The type
// must be the tensor's own.
func Values[T Element](t *Tensor) ([]T, error) {
	if want := dtypeOf[T](); t.DType != want {
		return nil, fmt.Errorf("%w: tensor %q holds %s, not %s", ErrFormat, t.Name, t.DType, want)
	}
	if t.DType == Bool {
		for i, b := range t.Data {
			if b > 1 {
				return nil, fmt.Errorf("%w: element %d of tensor %q is %d, neither true nor false", ErrFormat, i, t.Name, b)
			}
		}
	}
	size := sizes[t.DType]
	if len(t.Data)%size != 0 {
		return nil, fmt.Errorf("%w: tensor %q has %d bytes, no multiple of %d", ErrFormat, t.Name, len(t.Data), size)
	}
	values := make([]T, len(t.Data)/size)
	if _, err := binary.Decode(t.Data, binary.LittleEndian, values); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return values, nil
}

// byteLen returns how many bytes a tensor of a type and shape takes, false where
// that overflows or the type is unknown.
func byteLen(dtype DType, shape []uint64) (uint64, bool) {
	size, known := sizes[dtype]
	if !known {
		return 0, false
	}
	n := uint64(size)
	for _, d := range shape {
		hi, lo := bits.Mul64(n, d)
		if hi != 0 {
			return 0, false
		}
		n = lo
	}
	return n, true
}

// File is the content of a safetensors file.
type File struct {
	Metadata map[string]string
	Tensors  []Tensor
}

// Tensor returns the tensor of a name, nil where there is none.
func (f *File) Tensor(name string) *Tensor {
	for i := range f.Tensors {
		if f.Tensors[i].Name == name {
			return &f.Tensors[i]
		}
	}
	return nil
}
