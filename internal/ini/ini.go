// Package ini reads configuration files as Python's configparser does, which Odoo
// and fail2ban read theirs with. It promises to be bounded, and to pass over what
// it does not understand.
package ini

import (
	"bufio"
	"bytes"
	"maps"
	"regexp"
	"strings"
)

// maxLine bounds a line of a configuration file.
const maxLine = 64 << 10

type (
	// Options are those of one section, by their names in small letters.
	Options map[string]string
	// Sections are those of a file, by their names.
	Sections map[string]Options
)

// Parse reads a file as Python's configparser does: Sections, "key = value"
// or "key: value", lines that begin with blanks continue a value, "#" and ";"
// begin comments. Keys are in small letters. What it does not understand it
// passes over.
func Parse(text []byte) Sections {
	found := Sections{}
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
func (s Sections) set(section, text string) string {
	at := strings.IndexAny(text, "=:")
	if at <= 0 {
		return ""
	}
	key := strings.ToLower(strings.TrimSpace(text[:at]))
	if s[section] == nil {
		s[section] = Options{}
	}
	s[section][key] = strings.TrimSpace(text[at+1:])
	return key
}

// Merge lays options over those of a section.
func (s Sections) Merge(name string, o Options) { s[name] = s[name].With(o) }

// With returns the options with others laid over them.
func (o Options) With(over Options) Options {
	all := Options{}
	maps.Copy(all, o)
	maps.Copy(all, over)
	return all
}

// reference is one of configparser's to another option.
var reference = regexp.MustCompile(`%\(([^)]*)\)s`)

// Interpolate puts the options in that a value refers to. What another file has
// could be anything.
func (o Options) Interpolate(value string) string {
	const deepest = 5
	for range deepest {
		value = reference.ReplaceAllStringFunc(value, func(ref string) string {
			if known, ok := o[strings.ToLower(ref[2:len(ref)-2])]; ok && len(known) < maxLine {
				return known
			}
			return ".*"
		})
		if len(value) > maxLine {
			break
		}
	}
	return strings.ReplaceAll(value, "%%", "%")
}
