package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileValue is what bt.yml says about a setting.
type fileValue struct {
	text     string
	path     string
	line     int
	endpoint bool // of a node, by a key of its own, as older SDKs have it
}

// Bounds of bt.yml. A file of settings is nowhere near them.
const (
	mostConfig = 64 << 10 // bytes
	mostNested = 8        // maps in one another
)

func configFile(home string) string { return filepath.Join(home, "bt.yml") }

// readConfig reads bt.yml in the home folder. A file that is not there says
// nothing.
func (a *app) readConfig() (map[string]fileValue, error) {
	home, err := a.homeDir()
	if errors.Is(err, errNoHome) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	path := configFile(home)
	fail := func(err error) error {
		return usage("correct the file or move it away; see "+a.program+" help environment", "%s: %w", path, err)
	}
	// Whatever else bears the name could make the program wait for ever.
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, &codedError{err: err, code: exitError, try: "check who may read it"}
	case !info.Mode().IsRegular():
		return nil, fail(errors.New("this is no file"))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &codedError{err: err, code: exitError, try: "check who may read it"}
	}
	defer f.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(f, mostConfig+1))
	if err != nil {
		return nil, err
	}
	values, err := parseConfig(text)
	if err != nil {
		return nil, fail(err)
	}
	for key, v := range values {
		v.path = path
		values[key] = v
	}
	return values, nil
}

// parseConfig returns the settings by the names of their flags. The keys may be
// spelled as flags may be, and be nested as in the files of older SDKs. Errors name
// the line and the key, and never quote a value.
func parseConfig(text []byte) (map[string]fileValue, error) {
	if len(text) > mostConfig {
		return nil, fmt.Errorf("more than %d bytes", mostConfig)
	}
	var doc, more yaml.Node // nodes, for aliases are not followed into them
	d := yaml.NewDecoder(bytes.NewReader(text))
	r := configReader{}
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return r, nil
	case err != nil:
		return nil, yamlError(err)
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return nil, fmt.Errorf("line %d: a second document begins; settings are one", more.Line)
	case !errors.Is(err, io.EOF):
		return nil, yamlError(err)
	}
	switch top := doc.Content[0]; {
	case isNull(top):
	case top.Kind != yaml.MappingNode:
		return nil, fmt.Errorf("line %d: settings are written as name: value, each on a line of its own", top.Line)
	default:
		if err := r.mapping(top, "", 1); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// yamlError leaves out what could be a value: only messages without a place hold
// one.
func yamlError(err error) error {
	text, ok := strings.CutPrefix(err.Error(), "yaml: line ")
	if !ok {
		return errors.New("this is no YAML")
	}
	line, text, _ := strings.Cut(text, ": ")
	return fmt.Errorf("line %s: this is no YAML: %s", line, text)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// configReader gathers settings.
type configReader map[string]fileValue

func (r configReader) mapping(n *yaml.Node, prefix string, depth int) error {
	seen := map[string]int{} // the lines of keys
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		fail := func(format string, args ...any) error {
			return fmt.Errorf("line %d: "+format, append([]any{key.Line}, args...)...)
		}
		if key.Kind != yaml.ScalarNode {
			return fail("a name is wanted before the colon")
		}
		name := prefix + key.Value
		shown := short(name, 60)
		if before, ok := seen[name]; ok {
			return fail("%q is there in line %d already", shown, before)
		}
		seen[name] = key.Line
		switch value.Kind {
		case yaml.MappingNode:
			if depth == mostNested {
				return fail("%q: more than %d maps in one another", shown, mostNested)
			}
			if err := r.mapping(value, name+".", depth+1); err != nil {
				return err
			}
			continue
		case yaml.AliasNode:
			return fail("%q: an alias stands there: write the value itself", shown)
		}
		if err := r.add(name, key.Line, value); err != nil {
			return fail("%w", err)
		}
	}
	return nil
}

// unused are keys of older SDKs that say nothing without an engine for GPUs.
var unused = []string{"dev-id", "tpb"}

// add adds a setting. Older SDKs write all that they have into a file, so what is
// known and says nothing is left out.
func (r configReader) add(key string, line int, value *yaml.Node) error {
	name := string(btcliNames(nil, key))
	endpoint := name == "network" && strings.Contains(key, "endpoint")
	inverse := map[string]string{"output-in-place": "no-output-in-place", "no-cuda": "cuda"}[name]
	if inverse != "" {
		name = inverse
	}
	known := fileSettings()
	switch {
	case slices.Contains(unused, name):
		return nil
	case !slices.Contains(known, name):
		return fmt.Errorf("%q is no setting; the nearest is %s", short(key, 60), nearest(name, known))
	case isNull(value), value.Kind == yaml.ScalarNode && value.Value == "":
		return nil
	case value.Kind != yaml.ScalarNode:
		return fmt.Errorf("%s: one value is wanted, not a list", name)
	}
	v := fileValue{text: value.Value, line: line, endpoint: endpoint}
	if inverse != "" {
		b, err := strconv.ParseBool(v.text)
		if err != nil {
			return fmt.Errorf("%q: true or false is wanted", short(key, 60))
		}
		v.text = strconv.FormatBool(!b)
	}
	if before, ok := r[name]; ok {
		switch {
		case before.endpoint == v.endpoint:
			return fmt.Errorf("%s is set in line %d already", name, before.line)
		case before.endpoint: // as in the SDK it comes before the network's name
			return nil
		}
	}
	r[name] = v
	return nil
}

// fileSettings are the settings that bt.yml can hold.
func fileSettings() []string {
	var names []string
	for _, s := range settings {
		if !s.noFile {
			names = append(names, s.flag)
		}
	}
	return names
}

// nearest returns the name that takes the fewest edits.
func nearest(name string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int { return edits(name, a) - edits(name, b) })
}

// edits is the Levenshtein distance of two texts, in bytes.
func edits(a, b string) int {
	a = a[:min(len(a), 100)] // no name is that long
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}
