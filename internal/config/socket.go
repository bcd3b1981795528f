package config

import (
	"path/filepath"
	"regexp"
	"strings"
)

// socketLine is the key in a file that is not YAML as a whole.
var socketLine = regexp.MustCompile(`(?m)^socket:[ \t]*["']?([^\s"'#]+)`)

// Socket returns the absolute path of the control socket, whatever else is wrong
// with the configuration: of the variable, else of the file at path, else the
// default. Who is locked out must not have to mend a configuration first.
func Socket(path string, environ []string) string {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, envPrefix+"SOCKET="); ok && filepath.IsAbs(value) {
			return value
		}
	}
	if data, err := readFile(path); err == nil {
		if value, ok := readDocument(newMistakes(path), data)["socket"].(string); ok && filepath.IsAbs(value) {
			return value
		}
		for _, found := range socketLine.FindAllSubmatch(data, 1) {
			if value := string(found[1]); filepath.IsAbs(value) {
				return value
			}
		}
	}
	return Default().Socket
}
