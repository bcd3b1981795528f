package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"odooban/internal/checkup"
	"odooban/internal/finding"
	"odooban/internal/ini"
)

// fail2banDir is where fail2ban is configured.
const fail2banDir = "/etc/fail2ban"

// failedLines are what Odoo 12 to 19 write of a failed login: as it stands in
// the log, and as fail2ban looks at it, without the time.
func failedLines() []string {
	const head, logger = " 28342 INFO openspp ", "odoo.addons.base.models.res_users: Login failed for "
	var lines []string
	for _, rest := range []string{"db:openspp login:admin from 203.0.113.50 ", "login:admin from 203.0.113.50 "} {
		line := head + logger + rest
		lines = append(lines, line, strings.TrimPrefix(line, " "), "2026-11-23 10:45:45,456"+line)
	}
	return lines
}

// jail is an enabled jail of fail2ban that is about Odoo.
type jail struct {
	name, file string
	// filter is the file of its filter, or empty, and failregex the patterns.
	filter    string
	failregex []string
}

// checkFail2ban looks whether a filter for Odoo matches what Odoo writes.
func checkFail2ban(x *facts, r *checkup.Report) {
	for _, j := range x.jails {
		if blind, err := j.blind(); err != nil || !blind {
			continue
		}
		cure := fmt.Sprintf("take [%s] out of %s", j.name, j.file)
		if j.filter != "" {
			cure += ", rm " + j.filter
		}
		r.Find(finding.Fail2banBlind, "jail "+j.name,
			fmt.Sprintf("none of the lines that Odoo 12 to 19 write of a failed login matches %q",
				strings.Join(j.failregex, "\n")),
			cure+", systemctl reload fail2ban: odooban does its work")
	}
}

// gatherJails lists the jails; the error is of those that cannot be tried.
func gatherJails(_ context.Context, x *facts, _ *checkup.Report) error {
	var failed []error
	x.jails = x.root().odooJails()
	for _, j := range x.jails {
		if _, err := j.blind(); err != nil {
			failed = append(failed, fmt.Errorf("jail %s: %w", j.name, err))
		}
	}
	return errors.Join(failed...)
}

// odooJails lists the enabled jails that are about Odoo.
func (x root) odooJails() []jail {
	all, files := ini.Sections{}, map[string]string{}
	for _, pattern := range []string{"jail.conf", "jail.d/*.conf", "jail.local", "jail.d/*.local"} {
		paths, _ := filepath.Glob(x.path(filepath.Join(fail2banDir, pattern)))
		for _, path := range paths {
			name := strings.TrimPrefix(path, strings.TrimSuffix(string(x), "/"))
			for section, o := range x.readINI(name) {
				all.Merge(section, o)
				files[section] = name
			}
		}
	}
	var jails []jail
	for _, name := range slices.Sorted(maps.Keys(all)) {
		o := all[name]
		enabled := setting{value: o["enabled"]}
		if _, ok := o["enabled"]; !ok {
			enabled.value = all["DEFAULT"]["enabled"]
		}
		if name == "DEFAULT" || !enabled.on() {
			continue
		}
		j := x.jail(name, files[name], o)
		if isOdoo(strings.Join(append(j.failregex, j.name, j.filter), " ")) && len(j.failregex) > 0 {
			jails = append(jails, j)
		}
	}
	return jails
}

// jail reads the filter of a jail.
func (x root) jail(name, file string, o ini.Options) jail {
	j := jail{name: name, file: file}
	filter, _, _ := strings.Cut(o["filter"], "[")
	if filter == "" || strings.Contains(filter, "%(__name__)s") {
		filter = name
	}
	own := ini.Sections{}
	for _, suffix := range []string{".conf", ".local"} {
		path := filepath.Join(fail2banDir, "filter.d", filepath.Base(filter)+suffix)
		for section, o := range x.readINI(path) {
			own.Merge(section, o)
			j.filter = path
		}
	}
	values := own["DEFAULT"].With(own["Definition"])
	if o["failregex"] != "" {
		values["failregex"] = o["failregex"]
	}
	for pattern := range strings.Lines(values["failregex"]) {
		if pattern = strings.TrimSpace(pattern); pattern != "" {
			j.failregex = append(j.failregex, values.Interpolate(pattern))
		}
	}
	return j
}

// readINI reads a configuration file; one that cannot be read has no sections.
func (x root) readINI(name string) ini.Sections {
	text, err := readSmall(x.path(name))
	if err != nil {
		return nil
	}
	return ini.Parse(text)
}

// isOdoo reports whether a text names Odoo.
func isOdoo(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "odoo") || strings.Contains(text, "openerp") || strings.Contains(text, "res_users")
}

var (
	// addressTag is fail2ban's for an address, otherTag any other.
	addressTag = regexp.MustCompile(`<(HOST|ADDR|IP4|IP6|SUBNET|CIDR|DNS|ip-host|F-IP4|F-IP6|F-DNS)>`)
	otherTag   = regexp.MustCompile(`</?F-[^>]*>|</?[A-Z][^>]*>`)
)

// blind reports whether the filter matches nothing of what Odoo writes. It is an
// error when a pattern is of a kind that only Python knows.
func (j jail) blind() (bool, error) {
	for _, pattern := range j.failregex {
		pattern = addressTag.ReplaceAllString(pattern, `[0-9A-Fa-f:.]+`)
		re, err := regexp.Compile(otherTag.ReplaceAllString(pattern, ""))
		if err != nil {
			return false, fmt.Errorf("cannot be tried here: fail2ban-regex LOG %s does it", j.filter)
		}
		if slices.ContainsFunc(failedLines(), re.MatchString) {
			return false, nil
		}
	}
	return true, nil
}
