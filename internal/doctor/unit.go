package doctor

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// unitDirs are where systemd looks for units; a file of one takes the place of
// one of the same name in those after it.
func unitDirs() []string {
	return []string{
		"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
		"/lib/systemd/system",
	}
}

// service reads the service's unit with its drop-ins; there may be none.
func (x *examination) service() (options, bool) {
	files, dropIns := map[string]string{}, map[string]string{}
	for _, dir := range slices.Backward(unitDirs()) {
		x.note(files, filepath.Join(dir, "odooban.service"))
		x.note(dropIns, filepath.Join(dir, "odooban.service.d", "*.conf"))
	}
	unit := options{}
	for _, path := range files {
		unit.obey(path)
	}
	for _, name := range slices.Sorted(maps.Keys(dropIns)) {
		unit.obey(dropIns[name])
	}
	return unit, len(files) > 0
}

// note notes by its name where each file is that a pattern matches.
func (x *examination) note(files map[string]string, pattern string) {
	paths, _ := filepath.Glob(x.path(pattern))
	for _, path := range paths {
		files[filepath.Base(path)] = path
	}
}

// obey takes what a file says under [Service] as systemd does (systemd.syntax(7)):
// a list grows, and an empty value takes back what there was.
func (o options) obey(path string) {
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
func (x *examination) checkVariables() {
	unit, _ := x.service()
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
		x.skip("the variables of the service", fmt.Errorf("odooban.service sets %s, and this command goes by the "+
			"configuration file; write: sudo env $(systemctl show -P Environment odooban) odooban doctor",
			strings.Join(missing, ", ")))
	}
}
