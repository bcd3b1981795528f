package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"odooban/internal/checkup"
	"odooban/internal/finding"
	"odooban/internal/ini"
)

// confPaths are where Odoo's packages and images have their configuration.
func confPaths() []string {
	return []string{
		"/etc/odoo/odoo.conf", "/etc/odoo.conf", "/etc/odoo/odoo-server.conf", "/etc/odoo-server.conf",
		"/etc/odoo/openerp-server.conf",
	}
}

// conf is a configuration of Odoo.
type conf struct {
	name string
	settings
	changed time.Time
}

// gatherConfs reads the configurations of Odoo that there are.
func gatherConfs(_ context.Context, x *facts, _ *checkup.Report) error {
	var failed []error
	for _, name := range confPaths() {
		text, err := readSmall(x.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%w; run odooban doctor as root", err))
			continue
		}
		c := conf{name: name}
		c.read(ini.Parse(text)["options"], name)
		if info, err := os.Stat(x.path(name)); err == nil {
			c.changed = info.ModTime()
		}
		x.confs = append(x.confs, c)
	}
	return errors.Join(failed...)
}

// checkConfs looks into the configurations of Odoo.
func checkConfs(x *facts, r *checkup.Report) {
	for _, c := range x.confs {
		x.judge(r, &c.settings, c.name, "", c.changed)
		x.checkLogfile(r, &c.settings, c.name)
	}
}

// judge tells what is wrong with settings of about that were changed at a time.
// Failed logins that were logged later than that show that Odoo was started in
// another way.
func (x *facts) judge(r *checkup.Report, s *settings, about, cure string, changed time.Time) {
	if at := s.hide(); at != "" && !x.toldSince(about, changed) {
		r.Find(finding.LevelHides, about, at, cure)
	}
	if s.syslog.on() {
		r.Find(finding.Syslog, about, s.syslog.at, "")
	}
	if s.listDB.value == "" {
		s.listDB.at = "list_db is not set, and true by default"
	}
	if s.listDB.value == "" || s.listDB.on() {
		r.Find(finding.DatabaseManager, about, s.listDB.at, "")
	}
}

// toldSince reports whether Odoo has logged at INFO since then: in the log of that
// name, or else in any of a file or the journal.
func (x *facts) toldSince(name string, then time.Time) bool {
	told := func(s *source) bool { return s.told.After(then) && s.hidden() == "" }
	if i := slices.IndexFunc(x.logs, func(s *source) bool { return s.name == name }); i >= 0 {
		return told(x.logs[i])
	}
	return slices.ContainsFunc(x.logs, func(s *source) bool {
		return !strings.HasPrefix(s.name, "container ") && told(s)
	})
}

// checkLogfile looks whether the file that Odoo writes to is followed.
func (x *facts) checkLogfile(r *checkup.Report, s *settings, conf string) {
	path := s.logfile.value
	if !filepath.IsAbs(path) || strings.EqualFold(path, "/dev/stdout") || strings.EqualFold(path, "/dev/stderr") {
		return
	}
	for _, pattern := range x.Files {
		if ok, err := filepath.Match(pattern, path); ok || err != nil || pattern == path {
			return
		}
	}
	r.Find(finding.LogElsewhere, path, s.logfile.at,
		fmt.Sprintf("add under sources in /etc/odooban/odooban.yaml: - file: %s (Odoo's configuration is %s)", path, conf))
}
