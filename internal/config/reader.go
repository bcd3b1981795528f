package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// reader turns YAML into maps, lists and plain values, and lets through only
// what fits the document.
type reader struct {
	*mistakes
	at func(*yaml.Node) place
}

// readDocument reads a file's content.
func readDocument(m *mistakes, data []byte) map[string]any {
	r := reader{m, func(n *yaml.Node) place { return place{line: n.Line} }}
	root := r.parse(data, "")
	if root == nil || root.ShortTag() == "!!null" {
		return nil
	}
	m.places[""] = r.at(root)
	doc, _ := r.value(root, reflect.TypeFor[document](), "").(map[string]any)
	return doc
}

// parse returns the top of the one document in data, which stands at path; nil
// when there is none, or none that can be read.
func (r reader) parse(data []byte, path string) *yaml.Node {
	docs, err := documents(data)
	switch {
	case err != nil:
		r.places[path] = r.at(&yaml.Node{Line: syntaxLine(data, err)})
		r.bad(path, "not YAML: %s; look at colons and quotes, and indent with spaces only", syntaxText(err))
		return nil
	case len(docs) == 0:
		return nil
	case len(docs) > 1:
		r.places[path] = r.at(docs[1])
		r.bad(path, "a second YAML document; keep one")
	}
	return docs[0].Content[0]
}

// documents returns the first documents in data; more than two are not looked
// at.
func documents(data []byte) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(data)); len(docs) < 2; {
		doc := new(yaml.Node)
		if err := d.Decode(doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// syntaxLine finds the line that breaks the syntax: the first one with which
// the text before it has the error. The parser's own numbers are of the line
// before, of where the broken list or mapping began, or missing.
func syntaxLine(data []byte, broken error) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	ends := make([]int, len(lines))
	end := 0
	for i, line := range lines {
		end += len(line)
		ends[i] = end
	}
	return 1 + sort.Search(len(ends)-1, func(i int) bool {
		_, err := documents(data[:ends[i]])
		return err != nil && err.Error() == broken.Error()
	})
}

// yamlPrefix is what the parser puts before its message.
var yamlPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)

func syntaxText(err error) string { return yamlPrefix.ReplaceAllString(err.Error(), "") }

// value reads what stands at path and has to fit t. Instead of what does not
// fit it returns nil and says why.
func (r reader) value(n *yaml.Node, t reflect.Type, path string) any {
	switch {
	case n.Kind == yaml.AliasNode:
		r.bad(path, "is an alias; write the value itself")
		return nil
	case n.ShortTag() == "!!null" && t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		r.bad(path, "has no value; write its keys, or {} for none of them")
		return nil
	case n.ShortTag() == "!!null":
		r.bad(path, "has no value; write one, or remove it")
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return r.value(n, t.Elem(), path)
	case reflect.Struct:
		return r.mapping(n, t, path)
	case reflect.Slice:
		return r.list(n, t, path)
	}
	return r.scalar(n, t, path)
}

// mapping leaves keys out that are unknown or whose value does not fit.
func (r reader) mapping(n *yaml.Node, t reflect.Type, path string) any {
	known := fields(t)
	if n.Kind != yaml.MappingNode {
		r.bad(path, "must be keys and values, not %s; known: %s", kind(n), strings.Join(names(known), ", "))
		return nil
	}
	values := map[string]any{}
	lines := map[string]int{}
	for pair := range slices.Chunk(n.Content, 2) {
		key := pair[0].Value
		at := below(path, key)
		r.places[at] = r.at(pair[0])
		if line, twice := lines[key]; twice {
			r.bad(at, "is here a second time after line %d; keep one", line)
			continue
		}
		lines[key] = pair[0].Line
		i := slices.IndexFunc(known, func(f field) bool { return f.name == key })
		if i < 0 {
			r.bad(at, "unknown key; %s", choices(key, names(known)))
			continue
		}
		if v := r.value(pair[1], known[i].typ, at); v != nil {
			values[key] = v
		}
	}
	return values
}

// below is the path of a key in what stands at path.
func below(path, key string) string {
	if !plainKey.MatchString(key) {
		key = quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// plainKey is a key that needs no quotes in a message.
var plainKey = regexp.MustCompile(`^[\w-]{1,60}$`)

// list keeps the place of an entry that does not fit, empty, so that the others
// keep their numbers.
func (r reader) list(n *yaml.Node, t reflect.Type, path string) any {
	if n.Kind != yaml.SequenceNode {
		r.bad(path, `must be a list, not %s; begin each entry with "- "`, kind(n))
		return nil
	}
	values := make([]any, len(n.Content))
	for i, entry := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.places[at] = r.at(entry)
		values[i] = r.value(entry, t.Elem(), at)
		if values[i] == nil && t.Elem().Kind() == reflect.Struct {
			values[i] = map[string]any{}
		}
	}
	return values
}

// scalar reads a text, a whole number, or true or false.
func (r reader) scalar(n *yaml.Node, t reflect.Type, path string) any {
	if n.Kind != yaml.ScalarNode {
		r.bad(path, "must be one value, not %s", kind(n))
		return nil
	}
	switch t.Kind() {
	case reflect.Int:
		i, err := strconv.Atoi(n.Value)
		switch {
		case err != nil:
			r.bad(path, "%s is not a whole number; write digits only", quote(n.Value))
		case !r.plain(n, "!!int") || n.Value != strconv.Itoa(i):
			r.bad(path, "%s is not written as a number is; write %d, without quotes", quote(n.Value), i)
		default:
			return i
		}
	case reflect.Bool:
		switch {
		case n.Value != "true" && n.Value != "false":
			r.bad(path, "%s is neither true nor false; write one of them", quote(n.Value))
		case !r.plain(n, "!!bool"):
			r.bad(path, "%s is a text; write %s, without quotes", quote(n.Value), n.Value)
		default:
			return n.Value == "true"
		}
	default:
		if utf8.ValidString(n.Value) {
			return n.Value
		}
		r.bad(path, "%s is not UTF-8; write it in UTF-8", quote(n.Value))
	}
	return nil
}

// plain reports whether a value has that tag in YAML: no quotes make a text of it. All
// that a variable holds is text.
func (r reader) plain(n *yaml.Node, tag string) bool {
	return n.ShortTag() == tag || r.at(n).variable != ""
}

// kind says what somebody wrote.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	return "the text " + quote(n.Value)
}
