package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"odooban/internal/samplelog"
	"odooban/rules"
)

// bench is all that is measured; the first is what the others are held against.
type bench struct {
	dir      string
	measures []*measure
}

// prepare builds odooban and writes the logs.
func prepare(ctx context.Context, dir string, size int64, peers bool) (*bench, error) {
	b := &bench{dir: dir}
	odooban := filepath.Join(dir, "odooban")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", odooban, "./cmd/odooban")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build odooban: %w: %s", err, out)
	}
	if peers {
		err := b.peers(odooban, size)
		return b, err
	}
	odoo, lines, err := b.write("odoo.log", plain, samplelog.Odoo, size)
	if err != nil {
		return nil, err
	}
	attack, attackLines, err := b.write("attack.log", plain, samplelog.Attack, size)
	if err != nil {
		return nil, err
	}
	container, containerLines, err := b.write("container-json.log", container, samplelog.Odoo, size)
	if err != nil {
		return nil, err
	}
	packed, packedLines, err := b.write("odoo.log.1.gz", packed, samplelog.Odoo, size)
	if err != nil {
		return nil, err
	}
	one, err := b.configure("one.yaml", 1)
	if err != nil {
		return nil, err
	}
	thirty, err := b.configure("thirty.yaml", 30)
	if err != nil {
		return nil, err
	}
	replay := func(config, log string) []string {
		return []string{odooban, "replay", "--json", "--config", config, log}
	}
	b.add("wc -l", 0, lines, "wc", "-l", odoo)
	b.add("replay, one worker", 1, lines, odooban, "replay", "--json", odoo)
	b.add("replay, a worker for each CPU", 0, lines, odooban, "replay", "--json", odoo)
	b.add("replay with one pattern instead of the built-in rules, one worker", 1, lines, replay(one, odoo)...)
	b.add("replay with thirty patterns, one worker", 1, lines, replay(thirty, odoo)...)
	b.add("replay of an attack, 90 % failures, one worker", 1, attackLines, odooban, "replay", "--json", attack)
	b.add("replay of an attack", 0, attackLines, odooban, "replay", "--json", attack)
	b.add("replay of a container's json-file, one worker", 1, containerLines, odooban, "replay", "--json", container)
	b.add("replay of a container's json-file", 0, containerLines, odooban, "replay", "--json", container)
	b.add("replay of gzip", 0, packedLines, odooban, "replay", "--json", packed)
	return b, nil
}

// peers prepares what fail2ban is measured by: it gets a smaller log.
func (b *bench) peers(odooban string, size int64) error {
	const smaller = 64
	big, bigLines, err := b.write("odoo.log", plain, samplelog.Odoo, size)
	if err != nil {
		return err
	}
	small, lines, err := b.write("small.log", plain, samplelog.Odoo, size/smaller)
	if err != nil {
		return err
	}
	b.add("odooban replay", 0, bigLines, odooban, "replay", "--json", big)
	b.add("fail2ban-regex", 0, lines, "fail2ban-regex", small,
		`odoo\.addons\.base\.models\.res_users: Login failed for db:\S+ login:.* from <HOST>\s*$`)
	return nil
}

func (b *bench) add(name string, procs int, lines int64, args ...string) {
	b.measures = append(b.measures, &measure{name: name, args: args, procs: procs, lines: lines})
}

// plain writes a log as it is.
func plain(w io.Writer) io.WriteCloser { return nopCloser{w} }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// packed compresses a log.
func packed(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

// container writes a log as Docker's json-file driver does.
func container(w io.Writer) io.WriteCloser { return &jsonFile{w: w} }

// jsonFile wraps whole lines.
type jsonFile struct {
	w    io.Writer
	rest []byte
}

func (j *jsonFile) Write(b []byte) (int, error) {
	j.rest = append(j.rest, b...)
	for {
		line, rest, ok := bytes.Cut(j.rest, []byte{'\n'})
		if !ok {
			return len(b), nil
		}
		object, err := json.Marshal(struct {
			Log    string    `json:"log"`
			Stream string    `json:"stream"`
			Time   time.Time `json:"time"`
		}{string(line) + "\n", "stderr", time.Unix(1_793_000_000, 123_456_789).UTC()})
		if err != nil {
			return 0, err
		}
		if _, err := j.w.Write(append(object, '\n')); err != nil {
			return 0, err
		}
		j.rest = rest
	}
}

func (j *jsonFile) Close() error { return nil }

// write writes a log of the mix in some form and counts its lines.
func (b *bench) write(
	name string, form func(io.Writer) io.WriteCloser, mix samplelog.Mix, size int64,
) (path string, lines int64, err error) {
	path = filepath.Join(b.dir, name)
	f, err := os.Create(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	buffered := bufio.NewWriterSize(f, 1<<20)
	w := form(buffered)
	if lines, err = mix.Write(w, 1, size); err != nil {
		return "", 0, err
	}
	if err := w.Close(); err != nil {
		return "", 0, err
	}
	return path, lines, buffered.Flush()
}

// pattern is one for the records of a module.
const pattern = `^\S+ \S+ \d+ \w+ \S+ odoo\.addons\.%s\S*: .* from (?P<addr>\S+) *$`

// configure writes a configuration with n patterns, of which one matches, and
// without the built-in rules.
func (b *bench) configure(name string, n int) (string, error) {
	var y strings.Builder
	y.WriteString("rules:\n")
	for i := range n {
		fmt.Fprintf(&y, "  - {name: pattern-%d, pattern: '%s'}\n", i, fmt.Sprintf(pattern, module(i)))
	}
	y.WriteString("jails:\n")
	for i := range n {
		fmt.Fprintf(&y, "  - {rule: pattern-%d, maxretry: 10, findtime: 1m, bantime: 15m}\n", i)
	}
	for _, rule := range rules.BuiltIn() {
		fmt.Fprintf(&y, "  - {rule: %s, enabled: false}\n", rule)
	}
	path := filepath.Join(b.dir, name)
	return path, os.WriteFile(path, []byte(y.String()), 0o600)
}

// module is what a pattern looks for: the first is in the log, the others are
// not.
func module(i int) string {
	if i == 0 {
		return `base\.models\.res_users`
	}
	return fmt.Sprintf(`module_%c%c\.models`, 'a'+i%26, 'z'-i%25)
}
