package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// envPrefix is how the names of our variables begin.
const envPrefix = "ODOOBAN_"

// variables are the values that the environment gives.
type variables struct {
	// values by path.
	values map[string]any
	// rest are the variables that name no path: a jail's, or a mistake.
	rest map[string]string
}

// readVariables reads all variables but those that set a jail's key: for them
// one has to know the rules.
func readVariables(m *mistakes, environ []string) variables {
	env := variables{values: map[string]any{}, rest: map[string]string{}}
	paths := variablePaths(reflect.TypeFor[document](), "")
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		// Compose's ${NAME:-} makes empty variables of unset ones.
		if !ours(name) || strings.TrimSpace(value) == "" {
			continue
		}
		f, ok := paths[name]
		if !ok {
			env.rest[name] = value
			continue
		}
		if v := readVariable(m, name, value, f); v != nil {
			env.values[f.name] = v
		}
	}
	return env
}

// ours reports whether a variable is to be read here: the command reads
// ODOOBAN_CONFIG itself, and tests have their own.
func ours(name string) bool {
	return strings.HasPrefix(name, envPrefix) && name != envPrefix+"CONFIG" && !strings.HasPrefix(name, envPrefix+"TEST_")
}

// variablePaths are the variables with the paths they stand for.
func variablePaths(t reflect.Type, path string) map[string]field {
	paths := map[string]field{}
	for _, f := range fields(t) {
		f.name = below(path, f.name)
		if f.typ.Kind() == reflect.Struct {
			maps.Copy(paths, variablePaths(f.typ, f.name))
		} else {
			paths[variable(f.name)] = f
		}
	}
	return paths
}

// variable is the name of the variable for a path or a part of one.
func variable(path string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(path))
}

// readVariable reads the value that a variable has for a key.
func readVariable(m *mistakes, name, value string, f field) any {
	at := place{variable: name, path: f.name}
	m.places[f.name] = at
	r := reader{m, func(*yaml.Node) place { return at }}
	n := r.node(value, f)
	if n == nil {
		return nil
	}
	return r.value(n, f.typ, f.name)
}

// node is a variable's value as it would stand in the file: one value, words
// with commas between them, or YAML.
func (r reader) node(value string, f field) *yaml.Node {
	if f.typ.Kind() != reflect.Slice {
		return word(value)
	}
	value = strings.TrimSpace(value)
	isSource := f.typ.Elem() == reflect.TypeFor[Source]()
	if isYAML := strings.HasPrefix(value, "[") || strings.HasPrefix(value, "- "); isYAML ||
		f.typ.Elem().Kind() == reflect.Struct && !isSource {
		return r.parse([]byte(value), f.name)
	}
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for w := range strings.SplitSeq(value, ",") {
		entry := word(strings.TrimSpace(w))
		if isSource {
			entry = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{word("file"), entry}}
		}
		n.Content = append(n.Content, entry)
	}
	return n
}

func word(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

// jails puts what the variables of single keys say into the entries of the
// jails; a jail without an entry gets one.
func (env variables) jails(m *mistakes, rules, entries []map[string]any) []map[string]any {
	jails := jailVariables(rules)
	for _, name := range slices.Sorted(maps.Keys(env.rest)) {
		j, ok := jails[name]
		if !ok {
			m.unknownVariable(name, slices.Sorted(maps.Keys(jails)))
			continue
		}
		i := slices.IndexFunc(entries, func(e map[string]any) bool { return e["rule"] == j.rule })
		if i < 0 {
			i = len(entries)
			entries = append(entries, map[string]any{"rule": j.rule})
		}
		key := j.key
		key.name = below(entryPath("jails", i), key.name)
		if v := readVariable(m, name, env.rest[name], key); v != nil {
			entries[i][j.key.name] = v
		}
	}
	return entries
}

// jailVariable is what one variable sets.
type jailVariable struct {
	rule string
	key  field
}

// jailVariables are the variables for each key of each rule's jail.
func jailVariables(rules []map[string]any) map[string]jailVariable {
	var named []string
	for _, j := range builtIn() {
		named = append(named, j.Rule)
	}
	for _, r := range rules {
		if name, ok := r["name"].(string); ok {
			named = append(named, name)
		}
	}
	all := map[string]jailVariable{}
	for _, rule := range named {
		for _, key := range fields(reflect.TypeFor[jailEntry]())[1:] {
			all[variable("jails."+rule+"."+key.name)] = jailVariable{rule, key}
		}
	}
	return all
}

// unknownVariable reports a variable that nothing reads.
func (m *mistakes) unknownVariable(name string, known []string) {
	if !strings.HasPrefix(name, envPrefix+"JAILS_") {
		known = slices.Sorted(maps.Keys(variablePaths(reflect.TypeFor[document](), "")))
	}
	m.places[name] = place{variable: name, path: name}
	m.bad(name, "unknown variable; %s", choices(name, known))
}
