package doctor

import (
	"bufio"
	"bytes"
	"strings"
)

// maxLine bounds a line of a configuration file.
const maxLine = 64 << 10

// options are those of one section, and sections those of a file.
type (
	options  map[string]string
	sections map[string]options
)

// parseINI reads a file as Python's configparser does: sections, "key = value"
// or "key: value", lines that begin with blanks continue a value, "#" and ";"
// begin comments. Keys are in small letters. What it does not understand it
// passes over.
func parseINI(text []byte) sections {
	found := sections{}
	section, last := "", ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		line := lines.Text()
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case (line[0] == ' ' || line[0] == '\t') && last != "":
			found[section][last] += "\n" + trimmed
		case trimmed[0] == '[':
			section, last = strings.TrimSpace(strings.Trim(trimmed, "[]")), ""
		default:
			last = found.set(section, trimmed)
		}
	}
	return found
}

// set notes "key = value" and returns the key, or nothing where there is none.
func (s sections) set(section, text string) string {
	at := strings.IndexAny(text, "=:")
	if at <= 0 {
		return ""
	}
	key := strings.ToLower(strings.TrimSpace(text[:at]))
	if s[section] == nil {
		s[section] = options{}
	}
	s[section][key] = strings.TrimSpace(text[at+1:])
	return key
}
