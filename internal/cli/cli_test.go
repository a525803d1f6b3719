package cli_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bittensor-go/bt/devnet"
	"github.com/bittensor-go/bt/internal/cli"
	"github.com/bittensor-go/bt/internal/vectors"
	"github.com/bittensor-go/bt/substrate/scale"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bt": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(cli.Main(ctx, os.Args[1:], cli.System()))
	}})
}

// TestScripts runs testdata/*.txtar. Scripts have these commands of their own:
//
//	devnet [-blocktime 200ms] [-difficulty 1000] [-symbol TEXT] [-subnet ITEM=HEX]...
//	                          starts a development chain, with these items of netuid 1; its
//	                          URL is $NODE
//	node FLAVOUR              starts a node that is not what it should be (see flavours); its
//	                          URL is $NODE
//	code N bt ARG...          runs bt and wants exit code N
//	interrupt bt ARG...       runs bt until it writes to stdout, then interrupts it, and wants
//	                          exit code 130 and no more than that one line
//	json PATH VALUE           wants a value in the one JSON document on stdout; PATH is like
//	                          neurons.0.hotkey, VALUE a regular expression for the whole value
//	jsonenv PATH NAME         sets an environment variable to a value
//	nojson PATH               wants that there is no such value
//	portof URL NAME           sets an environment variable to the port of a URL
//
// HOME is an empty folder that must stay empty.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "userhome")
			for _, dir := range []string{home, filepath.Join(env.WorkDir, "tmp")} {
				if err := os.Mkdir(dir, 0o700); err != nil {
					return err
				}
			}
			// With -race every bt would sleep for a second before it exits.
			env.Setenv("GORACE", "atexit_sleep_ms=10")
			env.Setenv("HOME", home)
			env.Setenv("USERPROFILE", home)
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, "tmp"))
			env.Setenv("BT_HOME", filepath.Join(env.WorkDir, "bt"))
			env.Defer(func() {
				if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
					t.Errorf("%s: the home folder was touched: %v %v", filepath.Base(env.WorkDir), left, err)
				}
			})
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"devnet":    startDevnet,
			"node":      startNode,
			"code":      code,
			"interrupt": interrupt,
			"json":      jsonValue,
			"jsonenv":   jsonEnv,
			"nojson":    noJSON,
			"portof":    portOf,
		},
	})
}

// A real runtime whose register burns TAO.
func TestBurningRuntime(t *testing.T) {
	n := node{spec: 425, metadata: vectors.Read(t, "425-main/metadata_v14.scale.gz")}
	endpoint, stop := n.start()
	defer stop()
	var out, errOut bytes.Buffer
	env := environment(t, &out, &errOut)
	if code := cli.Main(t.Context(), []string{"wallet", "new", "--no-password"}, env); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errOut)
	}
	out.Reset()
	code := cli.Main(t.Context(), []string{"register", "--netuid", "1", "--network", endpoint}, env)
	if code != 6 || !strings.Contains(errOut.String(), "burns TAO") || out.Len() > 0 {
		t.Errorf("exit code %d, not 6: %s%s", code, &out, &errOut)
	}
}

// environment is one with a home folder for the test alone.
func environment(t *testing.T, stdout, stderr io.Writer) cli.Env {
	home := t.TempDir()
	return cli.Env{
		Getenv: func(name string) string { return map[string]string{"BT_HOME": home}[name] },
		Stdin:  strings.NewReader(""), Stdout: stdout, Stderr: stderr,
	}
}

// A search without hope ends because the user wants it to, or because the node
// went away.
func TestSearchEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(n *devnet.Node, interrupt func()) error
		code int
		last string // of stderr
		args []string
	}{
		{"interrupted", func(_ *devnet.Node, interrupt func()) error { interrupt(); return nil }, 130, "\ninterrupted\n", nil},
		{"node gone", func(n *devnet.Node, _ func()) error { return n.Close() }, 3, "bt devnet\n", []string{"--pow-timeout", "2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := devnet.Start(devnet.Options{Difficulty: 1 << 61})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			ended := make(chan error, 1)
			var out bytes.Buffer
			log := &watcher{word: "solving for netuid 1", call: func() { ended <- c.end(n, interrupt) }}
			env := environment(t, &out, log)
			if code := cli.Main(ctx, []string{"wallet", "new", "--no-password", "--quiet"}, env); code != 0 {
				t.Fatalf("exit code %d: %s", code, log.text)
			}
			out.Reset()
			if code := cli.Main(ctx, append([]string{"register", "1", "--network", n.URL()}, c.args...), env); code != c.code {
				t.Errorf("exit code %d, not %d", code, c.code)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if text := string(log.text); !strings.HasSuffix(text, c.last) || out.Len() > 0 {
				t.Errorf("stdout %q, stderr %q", &out, text)
			}
		})
	}
}

// watcher calls once, when a word was written. Writes do not overlap.
type watcher struct {
	text []byte
	word string
	call func()
	done bool
}

func (w *watcher) Write(p []byte) (int, error) {
	w.text = append(w.text, p...)
	if !w.done && bytes.Contains(w.text, []byte(w.word)) {
		w.done = true
		go w.call()
	}
	return len(p), nil
}

func startDevnet(ts *testscript.TestScript, neg bool, args []string) {
	f := flag.NewFlagSet("devnet", flag.ContinueOnError)
	f.SetOutput(ts.Stderr())
	blockTime := f.Duration("blocktime", 200*time.Millisecond, "")
	difficulty := f.Uint64("difficulty", 1000, "")
	symbol := f.String("symbol", "", "")
	var opts devnet.Options
	f.Func("subnet", "", func(s string) error {
		item, text, _ := strings.Cut(s, "=")
		value, err := hex.DecodeString(text)
		opts.Storage = append(opts.Storage, devnet.Entry{Pallet: "SubtensorModule", Item: item, Keys: [][]byte{{1, 0}}, Value: value})
		return err
	})
	if neg || f.Parse(args) != nil || f.NArg() > 0 {
		ts.Fatalf("usage: devnet [-blocktime D] [-difficulty N] [-symbol TEXT] [-subnet ITEM=HEX]...")
	}
	opts.BlockTime, opts.Difficulty = *blockTime, *difficulty
	if *symbol != "" {
		text, err := strconv.Unquote(`"` + *symbol + `"`)
		ts.Check(err)
		opts.Storage = append(opts.Storage, devnet.Entry{
			Pallet: "SubtensorModule", Item: "TokenSymbol", Keys: [][]byte{{1, 0}}, Value: scale.AppendByteString(nil, text),
		})
	}
	n, err := devnet.Start(opts)
	ts.Check(err)
	ts.Defer(func() { ts.Check(n.Close()) })
	ts.Setenv("NODE", n.URL())
}

func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Check(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupt command...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"HOME", "USERPROFILE", "TMPDIR", "BT_HOME", "PATH"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	first := make([]byte, 1)
	_, err = stdout.Read(first)
	if err == nil {
		err = cmd.Process.Signal(os.Interrupt)
	}
	rest, _ := io.ReadAll(stdout)
	got := exitCode(ts, cmd.Wait())
	ts.Logf("[stdout]\n%s%s[stderr]\n%s", first, rest, &stderr)
	ts.Check(err)
	if got != 130 || !bytes.HasSuffix(stderr.Bytes(), []byte("interrupted\n")) {
		ts.Fatalf("exit code %d, not 130, or not a word", got)
	}
	if bytes.Count(rest, []byte("\n")) != 1 {
		ts.Fatalf("not one line on stdout")
	}
}

// lookup finds a value in the one JSON document on stdout.
func lookup(ts *testscript.TestScript, path string) (any, error) {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("stdout is no JSON: %w", err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document on stdout")
	}
	for key := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[key]
			if !ok {
				return nil, fmt.Errorf("no %q in %s", key, path)
			}
			v = next
		case []any:
			if key == "len" {
				v = len(at)
				continue
			}
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(at) {
				return nil, fmt.Errorf("no element %q of %d in %s", key, len(at), path)
			}
			v = at[i]
		default:
			return nil, fmt.Errorf("nothing below %T at %q in %s", v, key, path)
		}
	}
	return v, nil
}

func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: json PATH VALUE")
	}
	v, err := lookup(ts, args[0])
	ts.Check(err)
	re, err := regexp.Compile("^(?:" + args[1] + ")$")
	ts.Check(err)
	if got := fmt.Sprint(v); !re.MatchString(got) {
		ts.Fatalf("%s is %q, not %s", args[0], got, args[1])
	}
}

func jsonEnv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jsonenv PATH NAME")
	}
	v, err := lookup(ts, args[0])
	ts.Check(err)
	ts.Setenv(args[1], fmt.Sprint(v))
}

func noJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: nojson PATH")
	}
	if v, err := lookup(ts, args[0]); err == nil {
		ts.Fatalf("%s is %v", args[0], v)
	}
}

func startNode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: node FLAVOUR")
	}
	endpoint, stop, err := serve(args[0])
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv("NODE", endpoint)
}

func portOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: portof URL NAME")
	}
	u, err := url.Parse(args[0])
	ts.Check(err)
	ts.Setenv(args[1], u.Port())
}
