package config

import (
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"odooban/internal/groupsocket"
)

func buildSources(m *mistakes, sources []Source) []Source {
	for i, s := range sources {
		at := entryPath("sources", i)
		switch s.places() {
		case 0:
			if !m.wrong[at] {
				m.bad(at, "names no place; write file: /var/log/odoo/*.log, docker: {} or journal: {unit: odoo.service}")
			}
		case 1:
			s.check(m, at)
		default:
			m.bad(at, `names more than one place; begin each with "- "`)
		}
	}
	return nilIfEmpty(sources)
}

// places counts what is set.
func (s Source) places() int {
	n := 0
	for _, set := range []bool{s.File != "", s.Docker != nil, s.Journald != nil} {
		if set {
			n++
		}
	}
	return n
}

// check reports what is wrong with the one place that s names.
func (s Source) check(m *mistakes, at string) {
	switch {
	case s.Docker != nil:
		s.Docker.check(m, at+".docker")
	case s.Journald != nil:
		s.Journald.check(m, at+".journal")
	default:
		checkFile(m, at+".file", s.File)
	}
}

func checkFile(m *mistakes, at, file string) {
	if !filepath.IsAbs(file) {
		m.bad(at, "%s is relative; write the whole path, like /var/log/odoo/odoo.log", quote(file))
	} else if _, err := filepath.Match(file, ""); err != nil {
		m.bad(at, `%s has a bracket that is not closed; close it, or write \[ for the sign itself`, quote(file))
	}
}

// containerName is what Docker lets a container or a service be called.
var containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

func (d *Docker) check(m *mistakes, at string) {
	if d.Name != "" && !containerName.MatchString(d.Name) {
		m.bad(at+".name", "%s is not a container's name; write it as docker ps shows it", quote(d.Name))
	}
	if strings.ContainsAny(d.Image, " \t\n") {
		m.bad(at+".image", "%s is not an image's name; write it as docker ps shows it, like odoo:18", quote(d.Image))
	}
	if strings.HasPrefix(d.Label, "=") {
		m.bad(at+".label", "%s has no key; write key=value, or a key alone", quote(d.Label))
	}
	if d.Service != "" && !containerName.MatchString(d.Service) {
		m.bad(at+".service", "%s is not a service's name; write it as the compose file has it", quote(d.Service))
	}
}

// unitName is a name with a type, as systemd.unit(5) has it. None begins with a
// hyphen, so none can pose as an option.
var unitName = regexp.MustCompile(`^[a-zA-Z0-9:_][a-zA-Z0-9:_.@\\-]*\.(service|scope|slice|socket|timer|target)$`)

func (j *Journald) check(m *mistakes, at string) {
	switch {
	case j.Unit == "":
		m.missing(at, "unit", "odoo.service")
	case !strings.Contains(j.Unit, "."):
		m.bad(at+".unit", "%s has no type; write %s.service", quote(j.Unit), j.Unit)
	case !unitName.MatchString(j.Unit):
		m.bad(at+".unit", "%s is not a unit's name; write one as systemctl shows it, like odoo.service", quote(j.Unit))
	}
}

func buildSocket(m *mistakes, at, path string) string {
	switch {
	case !filepath.IsAbs(path):
		m.bad(at, "%s is not a whole path; write one, like /run/odooban/odooban.sock", quote(path))
	case len(filepath.Dir(path)) > groupsocket.LongestFolder, len(filepath.Clean(path)) > groupsocket.LongestPath:
		m.bad(at, "%s is too long; a socket's folder has %d bytes at most, its whole path %d", quote(path),
			groupsocket.LongestFolder, groupsocket.LongestPath)
	}
	return path
}

func buildListen(m *mistakes, listen string) string {
	const at = "metrics.listen"
	if listen == "" {
		return ""
	}
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		buildSocket(m, at, path)
		return listen
	}
	host, port, err := net.SplitHostPort(listen)
	switch n, bad := strconv.ParseUint(port, 10, 16); {
	case err != nil || strings.ContainsAny(host, "/ "):
		m.bad(at, "%s is no address to listen on; write one like 127.0.0.1:9118, :9118 or unix:/run/odooban/metrics.sock",
			quote(listen))
	case bad != nil || n == 0:
		m.bad(at, "%s is no port; write a number from 1 to 65535", quote(port))
	}
	return listen
}
