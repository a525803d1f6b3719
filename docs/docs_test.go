package docs_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sdkSymbols are the names of bittensor.metagraph and
// bittensor.utils.registration that the map must answer.
var sdkSymbols = strings.Fields(`
	get_save_dir latest_block_path metagraph
	netuid network version n block stake total_stake ranks trust consensus validator_trust incentive emission
	dividends active last_update validator_permit weights bonds uids axons neurons alpha_stake tao_stake
	S R T Tv C I E D B W hotkeys coldkeys addresses
	__str__ __repr__ metadata sync _initialize_subtensor _assign_neurons _set_metagraph_attributes
	_set_weights_and_bonds _process_weights_or_bonds _process_root_weights _create_tensor save load load_from_path

	use_torch legacy_torch_api_compat LazyLoadedTorch torch
	_hex_bytes_to_u8_list _create_seal_hash _seal_meets_difficulty _hash_block_with_hotkey
	POWSolution is_stale _UsingSpawnStartMethod _SolverBase _Solver _CUDASolver create_shared_memory
	_solve_for_nonce_block _solve_for_nonce_block_cuda
	_registration_diff_pack _registration_diff_unpack _update_curr_block
	get_cpu_count _terminate_workers_and_wait_for_exit
	RegistrationStatistics RegistrationStatisticsLogger get_status_message update
	_solve_for_difficulty_fast _solve_for_difficulty_fast_cuda
	_get_block_with_retry _check_for_newest_block_and_update create_pow
`)

var (
	code   = regexp.MustCompile("`([^`]+)`")
	symbol = regexp.MustCompile(`^([a-z0-9]+)\.([A-Z]\w*)(?:\.([A-Z]\w*))?$`)
)

// TestSDKMap holds the map to both sides: every symbol of the SDK has a row, and
// every Go symbol in it exists as go doc knows it.
func TestSDKMap(t *testing.T) {
	data, err := os.ReadFile("sdk-map.md")
	if err != nil {
		t.Fatal(err)
	}
	exported := symbols(t)
	answered := make(map[string]bool)
	checked := 0
	for _, line := range strings.Split(string(data), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[1], "`") {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(cells[1], -1) {
			answered[m[1]] = true
		}
		if strings.TrimSpace(cells[2]) == "" {
			t.Errorf("no answer: %s", line)
		}
		for _, m := range code.FindAllStringSubmatch(cells[2], -1) {
			s := strings.TrimSuffix(m[1], "()")
			if !symbol.MatchString(s) {
				continue
			}
			checked++
			if !exported[s] {
				t.Errorf("%s is no exported symbol", s)
			}
		}
	}
	for _, s := range sdkSymbols {
		if !answered[s] {
			t.Errorf("the map has no row for %s", s)
		}
	}
	if checked < 40 {
		t.Errorf("only %d Go symbols were found in the map", checked)
	}
}

// symbols returns every exported name of the module's packages: pkg.Name,
// pkg.Type.Method and pkg.Type.Field.
func symbols(t *testing.T) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case d.Name() == "internal" || d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..":
			return fs.SkipDir
		}
		return read(all, path)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// read adds the symbols of the package in a folder.
func read(all map[string]bool, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, f, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		if file.Name.Name != "main" {
			parsed = append(parsed, file)
		}
	}
	if len(parsed) == 0 {
		return nil
	}
	p, err := doc.NewFromFiles(fset, parsed, dir)
	if err != nil {
		return err
	}
	add := func(parts ...string) { all[p.Name+"."+strings.Join(parts, ".")] = true }
	values := func(list []*doc.Value) {
		for _, v := range list {
			for _, name := range v.Names {
				add(name)
			}
		}
	}
	values(p.Consts)
	values(p.Vars)
	for _, f := range p.Funcs {
		add(f.Name)
	}
	for _, typ := range p.Types {
		add(typ.Name)
		values(typ.Consts)
		values(typ.Vars)
		for _, f := range typ.Funcs {
			add(f.Name)
		}
		for _, m := range typ.Methods {
			add(typ.Name, m.Name)
		}
		for _, spec := range typ.Decl.Specs {
			ts, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			var members *ast.FieldList
			switch t := ts.Type.(type) {
			case *ast.StructType:
				members = t.Fields
			case *ast.InterfaceType:
				members = t.Methods
			default:
				continue
			}
			for _, field := range members.List {
				for _, name := range field.Names {
					add(typ.Name, name.Name)
				}
			}
		}
	}
	return nil
}
