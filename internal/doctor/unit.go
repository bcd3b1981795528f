package doctor

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"odooban/internal/checkup"
	"odooban/internal/ini"
)

// root is the tree of a host's files; "" is this host's.
type root string

// path is where the file of that path is to be found.
func (x root) path(name string) string { return filepath.Join(string(x), name) }

func (x *facts) root() root { return root(x.Root) }

func (x *facts) path(name string) string { return x.root().path(name) }

// unitDirs are where systemd looks for units; a file of one takes the place of
// one of the same name in those after it.
func unitDirs() []string {
	return []string{
		"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
		"/lib/systemd/system",
	}
}

// gatherUnit reads the service's unit, and tells of variables that it sets and we do
// not have.
func gatherUnit(_ context.Context, x *facts, r *checkup.Report) error {
	x.unit = x.root().service()
	checkVariables(r, x.unit)
	return nil
}

// service reads the service's unit with its drop-ins, or returns nil.
func (x root) service() ini.Options {
	files, dropIns := map[string]string{}, map[string]string{}
	for _, dir := range slices.Backward(unitDirs()) {
		x.note(files, filepath.Join(dir, "odooban.service"))
		x.note(dropIns, filepath.Join(dir, "odooban.service.d", "*.conf"))
	}
	if len(files) == 0 {
		return nil
	}
	unit := ini.Options{}
	for _, path := range files {
		obey(unit, path)
	}
	for _, name := range slices.Sorted(maps.Keys(dropIns)) {
		obey(unit, dropIns[name])
	}
	return unit
}

// note notes by its name where each file is that a pattern matches.
func (x root) note(files map[string]string, pattern string) {
	paths, _ := filepath.Glob(x.path(pattern))
	for _, path := range paths {
		files[filepath.Base(path)] = path
	}
}

// obey takes what a file says under [Service] as systemd does (systemd.syntax(7)):
// a list grows, and an empty value takes back what there was.
func obey(o ini.Options, path string) {
	text, err := readSmall(path)
	if err != nil {
		return
	}
	section := ""
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section != "[Service]" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch key {
		case "SupplementaryGroups", "AmbientCapabilities", "Environment", "EnvironmentFile":
			if value != "" {
				value = o[key] + " " + value
			}
		}
		o[key] = value
	}
}

// ourVariable is one that a unit sets for odooban.
var ourVariable = regexp.MustCompile(`\b(ODOOBAN_\w+)=`)

// checkVariables notes that the service has variables that we do not.
func checkVariables(r *checkup.Report, unit ini.Options) {
	var missing []string
	for _, found := range ourVariable.FindAllStringSubmatch(unit["Environment"], -1) {
		if _, set := os.LookupEnv(found[1]); !set {
			missing = append(missing, found[1])
		}
	}
	if unit["EnvironmentFile"] != "" {
		missing = append(missing, "what is in "+strings.TrimSpace(unit["EnvironmentFile"]))
	}
	if len(missing) > 0 {
		r.Skip("the variables of the service", fmt.Errorf("odooban.service sets %s, and this command goes by the "+
			"configuration file; write: sudo env $(systemctl show -P Environment odooban) odooban doctor",
			strings.Join(missing, ", ")))
	}
}
