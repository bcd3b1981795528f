package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// law says what the Go files of one folder, and of those below it, must not do. Tests are free to.
type law struct {
	in, except string
	// never are import paths, each with all that is below it; the folder's own packages may import each other.
	never []string
	// may are those of them, each with all that is below it, that may be imported all the same.
	may []string
	// uses are names as "import/path.Name" that no code mentions, vars those that no package variable mentions.
	uses, vars []string
	// init is set where no init function may be.
	init bool
	why  string
}

// owns says whether an import is the law's own folder or below it; a law for everywhere owns nothing.
func (l law) owns(importPath string) bool {
	return l.in != everywhere && below(importPath, path.Join(module, l.in))
}

// check returns a message for each place in the tree that breaks a law.
func check(tree fs.FS, laws []law) ([]string, error) {
	var broken []string
	err := eachFile(tree, ".go", func(name string) error {
		if strings.HasSuffix(name, "_test.go") {
			return nil
		}
		messages, err := checkFile(tree, name, laws)
		broken = append(broken, messages...)
		return err
	})
	return broken, err
}

// eachFile calls f for each file of ours whose name ends so.
func eachFile(tree fs.FS, ending string, f func(name string) error) error {
	return fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return skipFolder(tree, name)
		case !strings.HasSuffix(name, ending):
			return nil
		}
		return f(name)
	})
}

// skipFolder passes over what the go command passes over: hidden folders, test data and other modules.
func skipFolder(tree fs.FS, name string) error {
	base := path.Base(name)
	if name == "." {
		return nil
	}
	if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(tree, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func checkFile(tree fs.FS, name string, laws []law) ([]string, error) {
	src, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	f := file{folder: path.Dir(name), positions: token.NewFileSet()}
	f.syntax, err = parser.ParseFile(f.positions, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f.nameImports()
	for _, l := range laws {
		if below(f.folder, l.in) && (l.except == "" || !below(f.folder, l.except)) {
			f.obey(l)
		}
	}
	return f.broken, nil
}

// file is one parsed source file on trial.
type file struct {
	folder    string
	positions *token.FileSet
	syntax    *ast.File
	// imports gives the path of an import by the name that the file has for it.
	imports map[string]string
	broken  []string
}

func (f *file) nameImports() {
	f.imports = make(map[string]string)
	for _, spec := range f.syntax.Imports {
		name := path.Base(importPath(spec))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		f.imports[name] = importPath(spec)
	}
}

func (f *file) obey(l law) {
	for _, spec := range f.syntax.Imports {
		if p := importPath(spec); belowAny(p, l.never) && !belowAny(p, l.may) && !l.owns(p) {
			f.report(spec, l, "imports "+p)
		}
	}
	f.findUses(f.syntax, l, l.uses, "uses")
	for _, decl := range f.syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if l.init && d.Recv == nil && d.Name.Name == "init" {
				f.report(d, l, "has an init function")
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				f.findUses(d, l, l.vars, "has a package variable of")
			}
		}
	}
}

// findUses reports every mention of one of the names below node.
func (f *file) findUses(node ast.Node, l law, names []string, verb string) {
	ast.Inspect(node, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := sel.X.(*ast.Ident); ok {
			if name := f.imports[pkg.Name] + "." + sel.Sel.Name; slices.Contains(names, name) {
				f.report(sel, l, verb+" "+name)
			}
		}
		return true
	})
}

func (f *file) report(at ast.Node, l law, what string) {
	f.broken = append(f.broken, fmt.Sprintf("%s: %s, but %s", f.positions.Position(at.Pos()), what, l.why))
}

// below says whether a slash-separated path is at or below another.
func below(p, top string) bool {
	return top == everywhere || p == top || strings.HasPrefix(p, top+"/")
}

func belowAny(p string, tops []string) bool {
	return slices.ContainsFunc(tops, func(top string) bool { return below(p, top) })
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value // the parser lets no such import through
	}
	return p
}
