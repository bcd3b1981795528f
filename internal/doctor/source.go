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
	"odooban/internal/config"
	"odooban/internal/finding"
	"odooban/watcher/rotated"
)

// source is a log, or a place where there should be one.
type source struct {
	// name is its path, or "container odoo-1" or "journal:odoo.service".
	name string
	// file is set for a file, path is where it is read.
	file bool
	path string
	// written is when something was written to it last, or zero.
	written time.Time
	size    int64
	// err is why it could not be read, and cure what to do about it.
	err  error
	cure string
	// older is set when rotation has left something of a file, and denied is the
	// service's user where that may not read it.
	older  bool
	denied string
	survey
}

// Journal is systemd's journal.
type Journal interface {
	// Tail returns the last lines of a unit.
	Tail(ctx context.Context, unit string, lines int) ([]byte, error)
}

// gatherLogs reads the end of every log.
func gatherLogs(ctx context.Context, x *facts, r *checkup.Report) error {
	read := func(s *source, text []byte) {
		s.survey = surveyLines(lastLines(text), x.Rules, x.now)
		x.logs = append(x.logs, s)
	}
	for _, pattern := range x.Files {
		x.collectFiles(pattern, r, read)
	}
	for _, c := range x.Config.Sources {
		if c.Journald != nil {
			x.collectJournal(ctx, c.Journald.Unit, read)
		}
	}
	x.collectContainers(ctx, r, read)
	return nil
}

// collectFiles reads the files that match a pattern.
func (x *facts) collectFiles(pattern string, r *checkup.Report, read func(*source, []byte)) {
	paths := x.match(pattern)
	if len(paths) == 0 {
		s := x.nothing(pattern)
		if !x.skipHidden(s.name, s.err, r) {
			x.logs = append(x.logs, s)
		}
	}
	for _, path := range paths {
		if len(x.logs) >= maxLogs {
			r.Skip(path, fmt.Errorf("only %d logs are read", maxLogs))
			return
		}
		s := &source{name: strings.TrimPrefix(path, strings.TrimSuffix(x.Root, "/")), file: true, path: path}
		text, info, err := tail(path, x.depth())
		older, _ := filepath.Glob(path + `[.\-]*`)
		s.older = len(older) > 0
		if info != nil {
			s.written, s.size = info.ModTime(), info.Size()
		}
		if x.skipHidden(s.name, err, r) {
			continue
		}
		if err != nil {
			s.err, s.cure = err, x.readCure(s.name, err)
			x.logs = append(x.logs, s)
			continue
		}
		read(s, text)
	}
}

// skipHidden notes a log that we may not read where we are not root: that says
// nothing about the service.
func (x *facts) skipHidden(name string, err error, r *checkup.Report) bool {
	if !errors.Is(err, fs.ErrPermission) || os.Geteuid() == 0 {
		return false
	}
	r.Skip(name, errors.New("permission denied; run odooban doctor as root"))
	x.hidden = true
	return true
}

// match lists the files that match a pattern, but for what rotation has made.
func (x *facts) match(pattern string) []string {
	if pattern == "-" {
		return nil
	}
	found, _ := filepath.Glob(x.path(pattern))
	if len(found) == 1 {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(path string) bool {
		info, err := os.Stat(path)
		return rotated.Is(path, found) || err == nil && info.IsDir()
	})
}

// nothing is the source of a pattern that no file matches.
func (x *facts) nothing(pattern string) *source {
	s := &source{name: pattern, file: true, err: errors.New("no file matches")}
	s.cure = "correct the path under sources, or let Odoo write there: logfile = " + example(pattern) + " in odoo.conf"
	dir := filepath.Dir(pattern)
	if there := x.alike(pattern); there != "" {
		s.cure = "if you mean " + there + ", write that under sources, then systemctl reload odooban"
	}
	switch _, err := os.ReadDir(x.path(dir)); {
	case errors.Is(err, fs.ErrNotExist):
		s.err = fmt.Errorf("there is no directory %s", dir)
		if x.alike(pattern) == "" {
			s.cure = fmt.Sprintf("mkdir -p %s && chown odoo: %s, and %s", dir, dir, s.cure)
		}
	case errors.Is(err, fs.ErrPermission):
		s.err, s.cure = fmt.Errorf("directory %s: %w", dir, fs.ErrPermission), x.readCure(dir, err)
	}
	return s
}

// alike is a path that is there and that somebody may have meant by one that is not,
// or empty: the first part of it that is missing has at most two letters changed, or
// is the only log there.
func (x *facts) alike(pattern string) string {
	dir, missing := filepath.Dir(pattern), filepath.Base(pattern)
	rest := ""
	for dir != "/" {
		if info, err := os.Stat(x.path(dir)); err == nil && info.IsDir() {
			break
		}
		rest = filepath.Join(missing, rest)
		dir, missing = filepath.Dir(dir), filepath.Base(dir)
	}
	entries, _ := os.ReadDir(x.path(dir))
	var logs []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name(), rest)
		found, _ := filepath.Glob(x.path(path))
		if len(found) == 0 {
			continue
		}
		if config.Near(missing, entry.Name()) {
			return path
		}
		if rest == "" && strings.HasSuffix(entry.Name(), ".log") {
			logs = append(logs, path)
		}
	}
	if len(logs) == 1 {
		return logs[0]
	}
	return ""
}

// example is a path that the pattern matches.
func example(pattern string) string { return strings.ReplaceAll(pattern, "*", "odoo") }

// readCure says what lets a log be read.
func (x *facts) readCure(name string, err error) string {
	if !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	return "run odooban as root, or let its user read: setfacl -m u:odooban:rX " +
		filepath.Dir(name) + " " + name
}

func (x *facts) collectJournal(ctx context.Context, unit string, read func(*source, []byte)) {
	s := &source{name: "journal:" + unit}
	if x.Journal == nil {
		s.err, s.cure = errors.New("there is no journal here"), "read a file, or run odooban where journalctl is"
		x.logs = append(x.logs, s)
		return
	}
	var text []byte
	err := within(ctx, func(ctx context.Context) (err error) {
		text, err = x.Journal.Tail(ctx, unit, x.depthLines())
		return err
	})
	if err != nil {
		s.err, s.cure = err, "look at: journalctl -u "+unit
		x.logs = append(x.logs, s)
		return
	}
	read(s, text)
}

// checkSources looks whether there are logs, and whether they can be read.
func checkSources(x *facts, r *checkup.Report) {
	if len(x.logs) == 0 && !x.hidden {
		r.Find(finding.NoSource, "", "no sources are configured, there is no log in /var/log/odoo, "+
			"and no container of Odoo's runs here", "")
	}
	for _, s := range x.logs {
		if s.err != nil {
			r.Find(finding.SourceTrouble, s.name, s.err.Error(), s.cure)
		} else if s.denied != "" {
			r.Find(finding.SourceTrouble, s.name, fmt.Sprintf("odooban runs as user %s, who may not read it", s.denied),
				fmt.Sprintf("setfacl -m u:%[1]s:rx %[2]s && setfacl -m u:%[1]s:r %[3]s && setfacl -d -m u:%[1]s:r %[2]s, "+
					"or usermod -aG odoo %[1]s where Odoo's group may read it; then systemctl restart odooban",
					s.denied, filepath.Dir(s.name), s.name))
		}
	}
}

// checkEmpty looks whether there are logs without one line.
func checkEmpty(x *facts, r *checkup.Report) {
	const young = 10 * time.Minute // what has just been made may be empty
	for _, s := range x.logs {
		if s.err != nil || s.lines > 0 || s.size > 0 || x.now.Sub(s.written) < young || s.older {
			continue
		}
		r.Find(finding.SourceEmpty, s.name, "it is empty, and rotation has left nothing of it", "")
	}
}

// gatherRights looks whether the user whom the service runs as may read the files
// that we may: only root can find out.
func gatherRights(_ context.Context, x *facts, _ *checkup.Report) error {
	u, ok := x.serviceUser()
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	for _, s := range x.logs {
		if s.file && s.err == nil && errors.Is(u.open(s.path), fs.ErrPermission) {
			s.denied = u.name
		}
	}
	return nil
}
