package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"odooban/internal/printable"
)

// maxMistakes is how many mistakes are told; the others are counted.
const maxMistakes = 100

// mistakes collects what is wrong. A value is called by its path, like
// jails[0].findtime.
type mistakes struct {
	file   string
	places map[string]place
	list   []mistake
	more   int
	seen   map[mistake]bool
	// wrong holds the paths that have a mistake, and all paths above them.
	wrong map[string]bool
}

// place is where a value was written: a line of the file, or a variable that
// stands for the value at path.
type place struct {
	line           int
	variable, path string
}

type mistake struct {
	place
	at, text string
}

func newMistakes(file string) *mistakes {
	return &mistakes{
		file:   file,
		places: map[string]place{},
		seen:   map[mistake]bool{},
		wrong:  map[string]bool{},
	}
}

// bad notes a mistake in the value at path. Of several at one place the first
// counts: the others follow from it.
func (m *mistakes) bad(path, format string, args ...any) {
	at := m.place(path)
	if m.seen[mistake{place: at, at: path}] {
		return
	}
	m.seen[mistake{place: at, at: path}] = true
	if len(m.list) < maxMistakes {
		m.list = append(m.list, mistake{at, path, fmt.Sprintf(format, args...)})
	} else {
		m.more++
	}
	for ; path != ""; path = parent(path) {
		m.wrong[path] = true
	}
}

// place finds where the value at path was written, or what it would be part of.
func (m *mistakes) place(path string) place {
	for {
		if p, ok := m.places[path]; ok || path == "" {
			return p
		}
		path = parent(path)
	}
}

// parent is the path of what the value at path is part of.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// err joins all mistakes in the order of the file; those of the environment
// come last.
func (m *mistakes) err() error {
	slices.SortStableFunc(m.list, func(a, b mistake) int {
		return cmp.Or(cmp.Compare(a.variable, b.variable), cmp.Compare(a.line, b.line))
	})
	errs := make([]error, 0, len(m.list)+1)
	for _, one := range m.list {
		errs = append(errs, errors.New(m.where(one)+one.text))
	}
	if m.more > 0 {
		errs = append(errs, fmt.Errorf("and %s; correct these first", printable.Count(m.more, "more mistake")))
	}
	return errors.Join(errs...)
}

// where is the beginning of a mistake's message.
func (m *mistakes) where(one mistake) string {
	s := one.variable
	if s == "" {
		s = m.file
	}
	if one.line > 0 {
		s = fmt.Sprintf("%s:%d", s, one.line)
	}
	if one.at != "" && one.at != one.path {
		s += ": " + one.at
	}
	return s + ": "
}

// choices names what is known, and first what was meant, if that can be told.
func choices(given string, known []string) string {
	list := "known: " + strings.Join(known, ", ")
	for _, k := range known {
		if Near(strings.ToLower(given), strings.ToLower(k)) {
			return "did you mean " + k + "? " + list
		}
	}
	return list
}

// Near reports whether a becomes b with at most two letters put in, left out or
// replaced, and is not another short word altogether.
func Near(a, b string) bool {
	const most = 2
	if a == "" || max(len(a), len(b))-min(len(a), len(b)) > most {
		return false
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)] <= min(most, len(b)/2)
}

// quote shows a value in a message, shortened when it is long.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		return fmt.Sprintf("%q...", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
