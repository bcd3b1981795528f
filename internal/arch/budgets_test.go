package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// The budgets: what is larger is several things.
const (
	mostFields   = 15 // of a struct that has stateful methods or more
	stateful     = 3
	mostMethods  = 25
	mostLines    = 2500 // of a package
	mostInRules  = 4500 // of rules with all below it
	rulesPackage = "rules"
)

// overdrawn are what exceeds a budget today, and is to become smaller.
var overdrawn = []string{
	"rules/...", // the heart with all that it reads: 8,900 lines
	"banner", "banner.Keeper",
	"cmd/odooban", "cmd/odooban.app",
	"internal/engine.Engine", "internal/engine.stream",
	"internal/odoosim", "internal/odoosim.Site",
	"internal/store.Journal",
}

// size is how large the parts of a package are.
type size struct {
	lines           int
	fields, methods map[string]int
}

// measure measures all packages of the tree, by their folders. Tests do not count.
func measure(tree fs.FS) (map[string]*size, error) {
	sizes := make(map[string]*size)
	err := eachFile(tree, ".go", func(name string) error {
		if strings.HasSuffix(name, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		s := sizes[path.Dir(name)]
		if s == nil {
			s = &size{fields: make(map[string]int), methods: make(map[string]int)}
			sizes[path.Dir(name)] = s
		}
		s.lines += bytes.Count(src, []byte{'\n'})
		s.count(syntax)
		return nil
	})
	return sizes, err
}

// count counts what a file declares.
func (s *size) count(syntax *ast.File) {
	for _, decl := range syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil {
				s.methods[receiver(d)]++
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				t, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if structure, ok := t.Type.(*ast.StructType); ok {
					s.fields[t.Name.Name] = structure.Fields.NumFields()
				}
			}
		}
	}
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// exceeded lists what exceeds a budget, each as "name: what".
func exceeded(sizes map[string]*size) []string {
	var all []string
	inRules := 0
	for _, folder := range slices.Sorted(maps.Keys(sizes)) {
		s := sizes[folder]
		if below(folder, rulesPackage) {
			inRules += s.lines
		}
		if s.lines > mostLines {
			all = append(all, fmt.Sprintf("%s: %d lines, at most %d", folder, s.lines, mostLines))
		}
		for _, name := range slices.Sorted(maps.Keys(s.methods)) {
			if n := s.methods[name]; n > mostMethods {
				all = append(all, fmt.Sprintf("%s.%s: %d methods, at most %d", folder, name, n, mostMethods))
			}
			if n := s.fields[name]; n > mostFields && s.methods[name] >= stateful {
				all = append(all, fmt.Sprintf("%s.%s: %d fields, at most %d", folder, name, n, mostFields))
			}
		}
	}
	if inRules > mostInRules {
		all = append(all, fmt.Sprintf("%s/...: %d lines, at most %d", rulesPackage, inRules, mostInRules))
	}
	return all
}

func TestBudgets(t *testing.T) {
	sizes, err := measure(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, one := range exceeded(sizes) {
		name, _, _ := strings.Cut(one, ":")
		known[name] = true
		if !slices.Contains(overdrawn, name) {
			t.Error(one)
		}
	}
	for _, name := range overdrawn {
		if !known[name] {
			t.Errorf("%s keeps to its budget by now: take it off the list", name)
		}
	}
}

func TestExceeded(t *testing.T) {
	fields := strings.Repeat("\ta, b int\n", 8)
	methods := strings.Repeat("func (*t) m() {}\n", 26)
	tree := fstest.MapFS{
		"a/a.go":       {Data: []byte("package a\n\ntype t struct {\n" + fields + "}\n" + methods)},
		"b/b.go":       {Data: []byte("package b\n\ntype data struct {\n" + fields + "}\n" + strings.Repeat("\n", 2500))},
		"b/b_test.go":  {Data: []byte("not even Go")},
		"rules/c/c.go": {Data: []byte("package c\n" + strings.Repeat("\n", 2400))},
		"rules/d.go":   {Data: []byte("package rules\n" + strings.Repeat("\n", 2400))},
	}
	sizes, err := measure(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a.t: 26 methods, at most 25", "a.t: 16 fields, at most 15", "b: 2512 lines, at most 2500",
		"rules/...: 4802 lines, at most 4500",
	}
	if diff := cmp.Diff(want, exceeded(sizes)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// knowsTime are the files of rules that may ask whether it is known when a line was written:
// where lines come in, and what reads times for people.
var knowsTime = []string{"rules/batch", "rules/record", "rules/rules.go", "rules/scanner.go", "rules/explain.go"}

// TestNoSwitches fails where rules would treat what is read live in another way than history:
// that is for batch to know.
func TestNoSwitches(t *testing.T) {
	broken, err := switches(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range broken {
		t.Errorf("%s: asks whether a line was read live: leave that to rules/batch", place)
	}
}

// switches lists the places that ask whether a time called seen or stamp is zero.
func switches(tree fs.FS) ([]string, error) {
	var broken []string
	err := eachFile(tree, ".go", func(name string) error {
		allowed := slices.ContainsFunc(knowsTime, func(top string) bool { return below(name, top) })
		if !below(name, rulesPackage) || allowed || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		positions := token.NewFileSet()
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(positions, name, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "IsZero" && isMoment(call.X) {
				broken = append(broken, positions.Position(call.Pos()).String())
			}
			return true
		})
		return nil
	})
	return broken, err
}

// isMoment reports whether an expression is of when a line was written, by its name.
func isMoment(x ast.Expr) bool {
	name := ""
	switch x := x.(type) {
	case *ast.SelectorExpr:
		name = x.Sel.Name
	case *ast.Ident:
		name = x.Name
	}
	return strings.EqualFold(name, "seen") || strings.EqualFold(name, "stamp")
}

func TestSwitches(t *testing.T) {
	const src = "package p\n\nfunc f(l line, seen time) bool { return l.Seen.IsZero() || seen.IsZero() || l.when.IsZero() }\n"
	tree := fstest.MapFS{
		"rules/ledger/a.go": {Data: []byte(src)}, "rules/batch/a.go": {Data: []byte(src)}, "engine/a.go": {Data: []byte(src)},
		"rules/a_test.go": {Data: []byte(src)},
	}
	broken, err := switches(tree)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"rules/ledger/a.go:3:41", "rules/ledger/a.go:3:60"}, broken); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
