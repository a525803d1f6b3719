package subtensor_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/codec"
	"github.com/bittensor-go/bt/substrate/metadata"
	"github.com/bittensor-go/bt/substrate/scale"
	"github.com/bittensor-go/bt/substrate/ss58"
	"github.com/bittensor-go/bt/subtensor"
)

// targets are the Go types that answers decode into, by method.
var targets = map[string]func() any{
	"NeuronInfoRuntimeApi_get_neurons":               func() any { return new([]subtensor.NeuronInfo) },
	"NeuronInfoRuntimeApi_get_neurons_lite":          func() any { return new([]subtensor.NeuronInfoLite) },
	"NeuronInfoRuntimeApi_get_neuron":                func() any { return new(*subtensor.NeuronInfo) },
	"NeuronInfoRuntimeApi_get_neuron_lite":           func() any { return new(*subtensor.NeuronInfoLite) },
	"SubnetInfoRuntimeApi_get_subnet_info":           func() any { return new(*subtensor.SubnetInfo) },
	"SubnetInfoRuntimeApi_get_subnets_info":          func() any { return new([]*subtensor.SubnetInfo) },
	"SubnetInfoRuntimeApi_get_subnet_hyperparams":    func() any { return new(*subtensor.SubnetHyperparams) },
	"SubnetInfoRuntimeApi_get_subnet_hyperparams_v2": func() any { return new(*subtensor.SubnetHyperparams) },
	"SubnetInfoRuntimeApi_get_dynamic_info":          func() any { return new(*subtensor.DynamicInfo) },
	"SubnetInfoRuntimeApi_get_all_dynamic_info":      func() any { return new([]*subtensor.DynamicInfo) },
	"SubnetInfoRuntimeApi_get_metagraph":             func() any { return new(*subtensor.MetagraphInfo) },
	"SubnetInfoRuntimeApi_get_all_metagraphs":        func() any { return new([]*subtensor.MetagraphInfo) },
	"SubnetInfoRuntimeApi_get_subnet_state":          func() any { return new(*subtensor.SubnetState) },
	"SubnetInfoRuntimeApi_get_subnet_info_v2":        func() any { return new(*subtensor.SubnetInfoV2) },
	"SubnetInfoRuntimeApi_get_subnets_info_v2":       func() any { return new([]*subtensor.SubnetInfoV2) },
	"SubnetInfoRuntimeApi_get_subnet_hyperparams_v3": func() any { return new(*[]subtensor.Hyperparam) },
	"SubnetInfoRuntimeApi_get_mechagraph":            func() any { return new(*subtensor.MetagraphInfo) },
	"SubnetInfoRuntimeApi_get_all_mechagraphs":       func() any { return new([]*subtensor.MetagraphInfo) },
	"SubnetInfoRuntimeApi_get_selective_metagraph":   func() any { return new(*subtensor.SelectiveMetagraph) },
	"SubnetInfoRuntimeApi_get_selective_mechagraph":  func() any { return new(*subtensor.SelectiveMetagraph) },
}

// target returns the Go value that answers of a method decode into, nil where they
// have no Go type.
func target(schema *subtensor.Schema, method string) any {
	if method == "SubnetInfoRuntimeApi_get_subnets_info_v2" && schema.Layouts(method)[0].Struct == "SubnetInfo" {
		return new([]*subtensor.SubnetInfo) // specs 195 to 219 list without identities
	}
	if f := targets[method]; f != nil {
		return f()
	}
	return nil
}

// Every answer of every runtime in the vectors equals what an independent
// implementation made of it, and is encoded to the same bytes again: with every
// version of metadata that the runtime gives, of which 14 describes no answers.
// What the metagraph needs decodes into Go types too.
func TestAnswers(t *testing.T) {
	t.Parallel()
	total := 0
	for _, r := range runtimes(t) {
		total += len(r.meta.Calls)
		t.Run(r.dir, func(t *testing.T) {
			t.Parallel()
			schemas := make(map[string]*subtensor.Schema)
			for _, md := range r.versions(t) {
				schema, err := subtensor.NewSchema(md, r.spec)
				if err != nil {
					t.Fatal(err)
				}
				schemas[fmt.Sprintf(" with metadata V%d", md.Version)] = schema
			}
			neurons := false
			for _, c := range r.meta.Calls {
				data, want := r.answer(t, c.File, c.Expected)
				if c.Wrapped && c.Method == "SubnetInfoRuntimeApi_get_subnet_info_v2" {
					renameKey(want, "emission_values", "emission_value") // as from v2.0.0 on
				}
				for with, schema := range schemas {
					checkAnswer(t, schema, c.Method, c.File+with, data, want, c.Roundtrip)
				}
				neurons = neurons || c.Method == "NeuronInfoRuntimeApi_get_neurons"
			}
			if len(r.meta.Calls) > 0 && !neurons {
				t.Error("no answer of get_neurons was tried")
			}
		})
	}
	if total < 500 {
		t.Errorf("there are only %d answers", total)
	}
}

func checkAnswer(t *testing.T, schema *subtensor.Schema, method, file string, data []byte, want any, roundtrip bool) {
	t.Helper()
	value, err := schema.Value(method, data)
	if err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	for _, d := range vectors.Diff(want, value) {
		t.Errorf("%s: %s", file, d)
	}
	if again, err := schema.Append([]byte("head"), method, value); roundtrip && (err != nil || !bytes.Equal(again, append([]byte("head"), data...))) {
		t.Errorf("%s: encoded again it differs: %v", file, err)
	}
	v := target(schema, method)
	if v == nil {
		return
	}
	// What is decoded keeps nothing of the answer, whose memory is used again.
	answer := bytes.Clone(data)
	err = schema.Decode(method, answer, v)
	for i := range answer {
		answer[i] ^= 0xff
	}
	if err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	for _, d := range compare(nil, "", want, reflect.ValueOf(v).Elem()) {
		t.Errorf("%s: %s", file, d)
	}
	// A Go value does not say by which of several layouts it came.
	if chosen, err := schema.Choose(method, data); err != nil || chosen != schema.Layouts(method)[0] {
		return
	}
	if again, err := schema.Append(nil, method, reflect.ValueOf(v).Elem().Interface()); roundtrip && (err != nil || !bytes.Equal(again, data)) {
		t.Errorf("%s: the Go value is encoded to something else: %v", file, err)
	}
}

// renameKey renames a key of a JSON object.
func renameKey(v any, from, to string) {
	if object, ok := v.(map[string]any); ok {
		object[to] = object[from]
		delete(object, from)
	}
}

// Every recorded value of storage equals what the independent implementation made
// of it, and is encoded to the same bytes again.
func TestStorage(t *testing.T) {
	t.Parallel()
	type row struct {
		Item, Key, Value string
		Decoded          any
	}
	for _, r := range runtimes(t) {
		t.Run(r.dir, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join(vectors.Dir(t), r.dir, "storage", "*"))
			if err != nil || len(files) == 0 {
				t.Fatal("no storage:", err)
			}
			md := r.versions(t)[0]
			pallet, ok := md.Pallet("SubtensorModule")
			if !ok {
				t.Fatal("no SubtensorModule")
			}
			types := codec.New(md.Types)
			total := 0
			for _, file := range files {
				item, _, _ := strings.Cut(filepath.Base(file), ".")
				var rows []row
				if item == "vectors" {
					vectors.JSON(t, file, &rows)
				} else {
					var table struct{ Rows []row }
					vectors.JSON(t, file, &table)
					rows = table.Rows
				}
				for _, row := range rows {
					if row.Value == "" {
						continue // absent
					}
					if row.Item == "" {
						row.Item = item
					}
					entry, ok := pallet.Entry(row.Item)
					if !ok {
						t.Fatalf("no storage entry %s", row.Item)
					}
					name, data := filepath.Base(file)+" "+row.Key, unhex(t, row.Value)
					rd := scale.NewReader(data)
					got, err := types.Value(entry.Value, rd)
					if err == nil {
						err = rd.Finish()
					}
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					for _, d := range vectors.Diff(row.Decoded, got) {
						t.Errorf("%s: %s", name, d)
					}
					if again, err := types.Append(nil, entry.Value, got); err != nil || !bytes.Equal(again, data) {
						t.Errorf("%s: encoded again it differs: %v", name, err)
					}
					total++
				}
			}
			if total < 1000 {
				t.Errorf("only %d rows were compared", total)
			}
		})
	}
}

// compare walks an expected JSON value and a decoded one and returns where they
// differ. Expected keys must have a Go field; Go fields without a key must be
// zero.
func compare(diffs []string, path string, want any, got reflect.Value) []string {
	if len(diffs) > 5 {
		return diffs
	}
	differ := func() []string {
		return append(diffs, fmt.Sprintf("%s: want %v, got %+v", path, want, got))
	}
	if got.Kind() == reflect.Pointer {
		if (want == nil) != got.IsNil() {
			return differ()
		}
		if want == nil {
			return diffs
		}
		return compare(diffs, path, want, got.Elem())
	}
	switch v := got.Interface().(type) {
	case ss58.AccountID:
		if want != v.String() {
			return differ()
		}
		return diffs
	case scale.U128:
		n := new(big.Int).SetUint64(v.Hi)
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(v.Lo))
		if fmt.Sprint(want) != n.String() {
			return differ()
		}
		return diffs
	}
	switch got.Kind() {
	case reflect.Bool:
		if want != got.Bool() {
			return differ()
		}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		number, ok := want.(json.Number)
		if text, isText := want.(string); isText {
			number, ok = json.Number(text), true
		}
		if !ok || string(number) != strconv.FormatUint(got.Uint(), 10) {
			return differ()
		}
	case reflect.Int64:
		if fmt.Sprint(want) != fmt.Sprint(got.Int()) {
			return differ()
		}
	case reflect.String:
		if text, ok := asText(want); !ok || text != got.String() {
			return differ()
		}
	case reflect.Slice, reflect.Array:
		list, ok := want.([]any)
		if !ok || len(list) != got.Len() {
			return append(diffs, fmt.Sprintf("%s: want %d entries, got %d", path, len(list), got.Len()))
		}
		for i := range list {
			for _, d := range compare(nil, "", list[i], got.Index(i)) { // the path only where something differs
				diffs = append(diffs, fmt.Sprintf("%s[%d]%s", path, i, d))
			}
		}
	case reflect.Struct:
		if list, ok := want.([]any); ok { // a tuple
			if len(list) != got.NumField() {
				return differ()
			}
			for i := range list {
				diffs = compare(diffs, fmt.Sprintf("%s.%d", path, i), list[i], got.Field(i))
			}
			return diffs
		}
		object, ok := want.(map[string]any)
		if !ok {
			return differ()
		}
		left := len(object)
		for i := range got.NumField() {
			name := wireName(got.Type().Field(i))
			w, ok := object[name]
			if !ok {
				if !got.Field(i).IsZero() {
					diffs = append(diffs, fmt.Sprintf("%s.%s: not expected at all, got %v", path, name, got.Field(i)))
				}
				continue
			}
			left--
			diffs = compare(diffs, path+"."+name, w, got.Field(i))
		}
		if left > 0 {
			diffs = append(diffs, fmt.Sprintf("%s: %d keys of %v have no Go field", path, left, object))
		}
	default:
		return differ()
	}
	return diffs
}

// asText returns the bytes behind "0x..." or behind a list of numbers.
func asText(want any) (string, bool) {
	switch w := want.(type) {
	case string:
		b, err := hex.DecodeString(strings.TrimPrefix(w, "0x"))
		return string(b), err == nil && strings.HasPrefix(w, "0x")
	case []any:
		var b []byte
		for _, n := range w {
			number, ok := n.(json.Number)
			if !ok {
				return "", false
			}
			i, err := number.Int64()
			if err != nil || i < 0 || i > 255 {
				return "", false
			}
			b = append(b, byte(i))
		}
		return string(b), true
	}
	return "", false
}

// wireName is the name of a field in the expected JSON.
func wireName(f reflect.StructField) string {
	if tag, _, _ := strings.Cut(f.Tag.Get("scale"), ","); tag != "" {
		return tag
	}
	var b strings.Builder
	for i, c := range f.Name {
		if unicode.IsUpper(c) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// load returns the schema of a runtime and the recorded answer of get_neurons.
func load(t testing.TB, dir, file string) (*subtensor.Schema, []byte) {
	t.Helper()
	r := find(t, dir)
	schema, err := subtensor.NewSchema(r.newest(t), r.spec)
	if err != nil {
		t.Fatal(err)
	}
	return schema, vectors.Hex(t, dir+"/state_call/"+file)
}

// A runtime of tomorrow that appends fields to a struct is still read: by its own
// metadata wherever the fields lie, and without it at the end of an answer.
func TestUnknownFields(t *testing.T) {
	t.Parallel()
	const neurons = "NeuronInfoRuntimeApi_get_neurons"
	r := find(t, "293-aura")
	var want []subtensor.NeuronInfo
	schema, data := load(t, "293-aura", "get_neurons.netuid1.hex.gz")
	if err := schema.Decode(neurons, data, &want); err != nil {
		t.Fatal(err)
	}

	md := r.newest(t)
	method, ok := md.Method("NeuronInfoRuntimeApi", "get_neurons")
	if !ok {
		t.Fatal("no get_neurons")
	}
	old := codec.New(md.Types)
	dynamic, err := old.Value(method.Output, scale.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	list := dynamic.([]any)
	changed := parse(t, r.dir+"/metadata_at_version_15.state_call.scale.gz")
	u32, err := changed.Types.Resolve("u32")
	if err != nil {
		t.Fatal(err)
	}
	neuron := &changed.Types.Types[changed.Types.Types[method.Output].Elem]
	neuron.Fields = append(slices.Clone(neuron.Fields), metadata.Field{Name: "mood", Type: u32})
	for _, n := range list {
		record := n.(*codec.Record)
		record.Fields = append(record.Fields, codec.NamedValue{Name: "mood", Value: uint64(7)})
	}
	longer, err := codec.New(changed.Types).Append(nil, method.Output, list)
	if err != nil {
		t.Fatal(err)
	}
	if len(longer) != len(data)+4*len(want) {
		t.Fatalf("the changed answer has %d bytes, the real one %d", len(longer), len(data))
	}
	schema, err = subtensor.NewSchema(changed, 9999)
	if err != nil {
		t.Fatal(err)
	}
	var got []subtensor.NeuronInfo
	if err := schema.Decode(neurons, longer, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("an appended field changed the others")
	}

	t.Run("without metadata", func(t *testing.T) {
		const method = "NeuronInfoRuntimeApi_get_neuron"
		data := vectors.Hex(t, "475-backport/state_call/get_neuron.netuid1_uid3.hex")
		md := find(t, "475-backport").v14(t)
		var want, got *subtensor.NeuronInfo
		for _, step := range []struct {
			spec uint32
			data []byte
			into **subtensor.NeuronInfo
			fine bool
		}{
			{475, data, &want, true},
			{9999, append(bytes.Clone(data), 1, 2, 3), &got, true},
			{475, append(bytes.Clone(data), 1, 2, 3), new(*subtensor.NeuronInfo), false},
		} {
			schema, err := subtensor.NewSchema(md, step.spec)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Decode(method, step.data, step.into); (err == nil) != step.fine {
				t.Errorf("spec %d, %d bytes: %v", step.spec, len(step.data), err)
			}
		}
		if want == nil || !reflect.DeepEqual(got, want) {
			t.Errorf("want %+v, got %+v", want, got)
		}
	})
}

// Where builds of one number differ, the storage of the runtime says in which
// order an axon's fields lie, and the answer's length which fields there are.
func TestOneNumberManyBuilds(t *testing.T) {
	const hyperparams = "SubnetInfoRuntimeApi_get_subnet_hyperparams"
	for dir, want := range map[string]struct {
		interval uint64
		from     uint32 // of the layout
	}{"185-local": {1000, 151}, "200-local": {0, 142}, "202-dao": {1000, 151}, "218-raonet": {1, 154}} {
		schema, data := load(t, dir, "get_subnet_hyperparams.netuid1.hex")
		var h *subtensor.SubnetHyperparams
		if err := schema.Decode(hyperparams, data, &h); err != nil || h == nil {
			t.Errorf("%s: %v", dir, err)
		} else if h.CommitRevealInterval != want.interval {
			t.Errorf("%s: commit-reveal interval %d, want %d", dir, h.CommitRevealInterval, want.interval)
		}
		if l, err := schema.Choose(hyperparams, data); err != nil || l.From != want.from {
			t.Errorf("%s: read as %v, %v; want the row from %d", dir, l, err, want.from)
		}
	}
}

// Answers that end early, go on too long or lie about lengths are errors that
// name method and spec.
func TestBadAnswers(t *testing.T) {
	const method = "NeuronInfoRuntimeApi_get_neurons"
	for _, dir := range []string{"218-raonet", "293-aura"} {
		schema, data := load(t, dir, "get_neurons.netuid1.hex.gz")
		for name, bad := range map[string][]byte{
			"empty":     {},
			"cut":       data[:len(data)-1],
			"longer":    append(bytes.Clone(data), 0),
			"half":      data[:len(data)/2],
			"huge list": {0xfe, 0xff, 0xff, 0xff},
			"huge":      {0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		} {
			var v []subtensor.NeuronInfo
			err := schema.Decode(method, bad, &v)
			if err == nil || v != nil {
				t.Errorf("%s, %s: %d neurons, %v", dir, name, len(v), err)
			} else if !strings.Contains(err.Error(), method) || !strings.Contains(err.Error(), "spec 2") {
				t.Errorf("%s, %s: the error names no method and spec: %v", dir, name, err)
			}
		}
		var v []subtensor.NeuronInfo
		if err := schema.Decode(method, data, v); err == nil {
			t.Errorf("%s: decoded into a slice that cannot be changed", dir)
		}
		var missing *subtensor.MethodError
		if err := schema.Decode("NeuronInfoRuntimeApi_get_dreams", data, &v); !errors.As(err, &missing) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestFixedPoint(t *testing.T) {
	for _, c := range []struct {
		bits scale.U128
		want float64
	}{
		{scale.U128{Lo: 1 << 32}, 1},
		{scale.U128{Lo: 82678120448}, 19.25}, // 19.25 * 2^32
		{scale.U128{Hi: 1}, 1 << 32},
		{scale.U128{Lo: ^uint64(0) - 1<<31 + 1, Hi: ^uint64(0)}, -0.5},
	} {
		if got := (subtensor.I96F32{Bits: c.bits}).Float64(); got != c.want {
			t.Errorf("%v: %v, want %v", c.bits, got, c.want)
		}
	}
	if got := (subtensor.I32F32{Bits: -3 << 31}).Float64(); got != -1.5 {
		t.Errorf("got %v, want -1.5", got)
	}
}

func FuzzDecodeNeurons(f *testing.F) {
	type target struct {
		schema *subtensor.Schema
		name   string
	}
	var schemas []target
	for i, dir := range []string{"218-raonet", "293-aura"} {
		schema, data := load(f, dir, "get_neuron.netuid12_uid3.hex")
		schemas = append(schemas, target{schema, dir})
		f.Add(uint8(i), true, data)
		_, none := load(f, dir, "get_neurons_lite.netuid999_absent.hex")
		f.Add(uint8(i), false, none)
		// One neuron as a list of one; both eras' compact 1 is 0x04.
		_, lite := load(f, dir, "get_neuron_lite.netuid1_uid63.hex")
		if dir == "293-aura" {
			f.Add(uint8(i), false, append([]byte{4}, lite[1:]...))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, single bool, data []byte) {
		s := schemas[int(which)%len(schemas)]
		if single {
			var v *subtensor.NeuronInfo
			if err := s.schema.Decode("NeuronInfoRuntimeApi_get_neuron", data, &v); err != nil && v != nil {
				t.Error("an error came with a neuron")
			}
			return
		}
		var v []subtensor.NeuronInfoLite
		err := s.schema.Decode("NeuronInfoRuntimeApi_get_neurons_lite", data, &v)
		if err != nil && v != nil {
			t.Error("an error came with neurons")
		}
		if len(v) > len(data)/100 { // a neuron takes 32+32+34+31 bytes and more
			t.Errorf("%s: %d neurons from %d bytes", s.name, len(v), len(data))
		}
	})
}

func BenchmarkDecodeNeurons(b *testing.B) {
	for _, dir := range []string{"218-raonet", "293-aura"} {
		for n, netuid := range map[int]string{64: "1", 256: "12"} {
			b.Run(fmt.Sprintf("%s/%d", dir, n), func(b *testing.B) {
				schema, data := load(b, dir, "get_neurons.netuid"+netuid+".hex.gz")
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					var v []subtensor.NeuronInfo
					if err := schema.Decode("NeuronInfoRuntimeApi_get_neurons", data, &v); err != nil || len(v) != n {
						b.Fatal(len(v), err)
					}
				}
			})
		}
	}
}
