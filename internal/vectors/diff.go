package vectors

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
)

// Diff returns where a dynamic value of codec differs from the JSON that
// @polkadot/api made of the same bytes: a few places, none where they agree.
func Diff(want, got any) []string { return diff(nil, want, got) }

// within appends what differs in a part, whose name is written only then: nearly
// all parts agree.
func within(diffs []string, part func() string, want, got any) []string {
	if len(diffs) > 3 {
		return diffs
	}
	for _, d := range diff(nil, want, got) {
		diffs = append(diffs, part()+d)
	}
	return diffs
}

func diff(diffs []string, want, got any) []string {
	fine := false
	switch got := got.(type) {
	case nil:
		fine = want == nil
	case bool:
		fine = want == got
	case uint64:
		fine = number(want) == strconv.FormatUint(got, 10)
	case int64, *big.Int:
		fine = number(want) == fmt.Sprint(got)
	case scale.U128:
		n := new(big.Int).Lsh(new(big.Int).SetUint64(got.Hi), 64)
		fine = number(want) == n.Or(n, new(big.Int).SetUint64(got.Lo)).String()
	case string:
		fine = want == got
	case []byte:
		fine = want == "0x"+hex.EncodeToString(got) || len(got) == 32 && want == ss58.AccountID(got).String()
	case []any:
		list, ok := want.([]any)
		if object, isMap := want.(map[string]any); isMap && len(object) == len(got) {
			for _, pair := range got {
				pair := pair.([]any)
				diffs = within(diffs, func() string { return "{}" }, object[key(pair[0])], pair[1])
			}
			return diffs
		}
		if fine = ok && len(list) == len(got); fine {
			for i := range list {
				diffs = within(diffs, func() string { return fmt.Sprintf("[%d]", i) }, list[i], got[i])
			}
		}
	case *codec.Record:
		object, ok := want.(map[string]any)
		if fine = ok && len(object) == len(got.Fields); fine {
			// That implementation loses the "_" before digits.
			bare := make(map[string]any)
			for name, w := range object {
				bare[strings.ReplaceAll(name, "_", "")] = w
			}
			for _, f := range got.Fields {
				w, ok := bare[strings.ReplaceAll(f.Name, "_", "")]
				if !ok {
					diffs = append(diffs, "unexpected field "+f.Name)
				}
				diffs = within(diffs, func() string { return "." + f.Name }, w, f.Value)
			}
		}
	case *codec.Variant:
		switch {
		case got.Name == "Some": // an Option of an Option: JSON knows one null
			return diff(diffs, want, got.Fields[0].Value)
		case got.Name == "None":
			fine = want == nil
		case len(got.Fields) == 0 && want == got.Name:
			fine = true
		default: // {"Name": fields}
			object, ok := want.(map[string]any)
			if w, has := object[got.Name]; ok && has && len(object) == 1 {
				return within(diffs, func() string { return "." + got.Name }, w, payload(got))
			}
		}
	}
	if !fine {
		diffs = append(diffs, fmt.Sprintf(": want %v, got %T %v", want, got, got))
	}
	return diffs
}

// payload returns what an enum's alternative holds in the form of other values.
func payload(v *codec.Variant) any {
	switch {
	case len(v.Fields) == 0:
		return nil
	case len(v.Fields) == 1 && v.Fields[0].Name == "":
		return v.Fields[0].Value
	case v.Fields[0].Name != "":
		return &v.Record
	}
	var list []any
	for _, f := range v.Fields {
		list = append(list, f.Value)
	}
	return list
}

// key writes the key of a map as JSON does.
func key(v any) string {
	if b, ok := v.([]byte); ok && len(b) == 32 {
		return ss58.AccountID(b).String()
	}
	return fmt.Sprint(v)
}

// number returns a number as JSON has it, "" for other values.
func number(v any) string {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case string:
		return v
	}
	return ""
}
