// Package rotated knows what rotation calls the files that it makes of a log.
package rotated

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Rotation puts a number, a date or "old" behind the name, compression its
// own ending behind that: logrotate, Python's handlers, savelog.
const (
	date   = `((\d{8}|\d{4}-\d{2}-\d{2})([_T.-][\d_.:-]+)?|\d{9,10})`
	packed = `(\.(gz|bz2|xz|zst|lz4|Z))?$`
)

var (
	// rotatedEnd is what rotation puts behind a name, datedEnd what it puts
	// before the name's own ending.
	rotatedEnd = regexp.MustCompile(`^([.-](\d{1,3}|` + date + `|old|bak))?` + packed)
	datedEnd   = regexp.MustCompile(`^[._-]` + date + `$`)

	// anyEnd and datedLog are the same where the name is not known: a number
	// behind a hyphen may be part of it.
	anyEnd   = regexp.MustCompile(`(\.(\d{1,3}|old|bak)|[.-]` + date + `)?` + packed)
	datedLog = regexp.MustCompile(`[._-]` + date + `\.log$`)
)

// Stem returns what the file at path was called before rotation, as far as its
// name tells: /var/log/odoo.log for /var/log/odoo.log.2.gz, and for
// /var/log/odoo-20261123.log, too.
func Stem(path string) string {
	dir, name := filepath.Split(path)
	if looksRotated(name) {
		base, _, _ := strings.Cut(name, ".log")
		name = base + ".log"
	}
	return dir + datedLog.ReplaceAllString(anyEnd.ReplaceAllString(name, ""), ".log")
}

// Is reports whether path is what rotation has made of one of others, or
// of another file. A number, or a date, behind the whole name says so even where
// the file itself is not there.
func Is(path string, others []string) bool {
	dir, name := filepath.Split(path)
	return looksRotated(name) || slices.ContainsFunc(others, func(other string) bool {
		otherDir, base := filepath.Split(other)
		return dir == otherDir && IsSibling(base, name)
	})
}

// IsSibling reports whether a file called name is what rotation makes of one
// called base: odoo.log.1, odoo.log-20261123.gz, odoo-20261123.log.
func IsSibling(base, name string) bool {
	if rest, ok := strings.CutPrefix(name, base); ok && rest != "" {
		return rotatedEnd.MatchString(rest)
	}
	ext := filepath.Ext(base)
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(base, ext))
	if !ok || ext == "" {
		return false
	}
	rest, ok = strings.CutSuffix(rest, ext)
	return ok && datedEnd.MatchString(rest)
}

// looksRotated reports whether name ends like what rotation has made of a log
// file, whichever: odoo.log.1, odoo.log-20261123, odoo.log.gz.
func looksRotated(name string) bool {
	base, rest, ok := strings.Cut(name, ".log")
	return ok && base != "" && rest != "" && rotatedEnd.MatchString(rest)
}
