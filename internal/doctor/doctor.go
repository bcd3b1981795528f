// Package doctor looks whether protection works on this host, and says what to
// do where it does not.
//
// It promises to change nothing, to end soon however large the logs are, and to
// say what it could not look at. What it finds is of the catalogue in
// internal/finding; texts that come from logs are made safe for a terminal.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"odooban/internal/config"
	"odooban/internal/finding"
	"odooban/internal/own"
	"odooban/rules"
)

// Environment is where the checks look. A part that is nil cannot be looked at.
type Environment struct {
	// Root is put before the path of every file; it is empty on a real host.
	Root string
	Now  func() time.Time
	// Depth is how many bytes of the end of each log are read; 4 MiB if it is zero.
	Depth int64
	// Config is the configuration in force.
	Config *config.Config
	// Rules are those in force.
	Rules *rules.Set
	// Files are the paths and patterns of the logs: those that are configured,
	// named on the command line, or found.
	Files []string
	// Own lists the addresses of this host and of what it lives on.
	Own      func() ([]own.Prefix, error)
	Docker   Docker
	Journal  Journal
	Daemon   Daemon
	Firewall Firewall
	// Blind says why no client's packets to the ports can pass where the firewall
	// is, or nil.
	Blind func(ports []uint16) error
}

// Finding is one thing that is wrong.
type Finding struct {
	Code     string           `json:"code"`
	Severity finding.Severity `json:"severity"`
	// About is the source or the part that it is about, or empty.
	About string `json:"about,omitempty"`
	// Title says what is wrong, Evidence what was seen, Cure what to do or type,
	// and Docs where to read more.
	Title    string `json:"title"`
	Evidence string `json:"evidence"`
	Cure     string `json:"cure"`
	Docs     string `json:"docs"`
}

// Unchecked is what could not be looked at.
type Unchecked struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Report is what was found.
type Report struct {
	Findings []Finding `json:"findings"`
	// Checked are the names of the checks that were made.
	Checked   []string    `json:"checked"`
	Unchecked []Unchecked `json:"unchecked"`
}

// Failed says whether anything is wrong that keeps odooban from protecting.
func (r Report) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == finding.Error })
}

// Check looks for one kind of trouble. An error of look is why it could not.
type Check struct {
	// Name is what is looked at.
	Name string
	look func(context.Context, *examination) error
}

// Regular are the checks that the daemon makes every few minutes: of what it
// does not notice by itself, line by line.
func Regular() []Check {
	return []Check{
		{"empty logs", checkEmpty},
		{"silent logs", checkSilent},
		{"log levels", checkLevels},
		{"logs of others", checkStrange},
		{"proxy mode", checkProxy},
		{"banned addresses", checkBans},
	}
}

// Checks are all checks.
func Checks() []Check {
	return append([]Check{
		{"sources", checkSources},
		{"log formats", checkFormats},
		{"clocks", checkClocks},
		{"odoo.conf", checkOdooConf},
		{"containers", checkContainers},
		{"the daemon", checkDaemon},
		{"the firewall", checkFirewall},
		{"the journal", checkJournal},
		{"fail2ban", checkFail2ban},
	}, Regular()...)
}

// patience is how long whoever is asked may take to answer, and each check: an
// engine may take a connection and never answer.
const patience = 10 * time.Second

// within lets f ask, for no longer than patience.
func within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := f(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errSilent
	}
	return err
}

var errSilent = fmt.Errorf("there was no answer for %v", patience)

// Examine makes the checks. When ctx ends the report is not whole.
func Examine(ctx context.Context, env Environment, checks []Check) Report {
	x := &examination{
		Environment: env, now: env.Now(),
		report: Report{Findings: []Finding{}, Checked: []string{}, Unchecked: []Unchecked{}},
	}
	x.collect(ctx)
	for _, c := range checks {
		if ctx.Err() != nil {
			break
		}
		if err := within(ctx, func(ctx context.Context) error { return c.look(ctx, x) }); err != nil {
			x.skip(c.Name, err)
			continue
		}
		x.report.Checked = append(x.report.Checked, c.Name)
	}
	x.report.sort()
	return x.report
}

// sort puts errors first, and the rest in the order in which one looks.
func (r Report) sort() {
	rank := make(map[string]int)
	for i, k := range finding.Kinds() {
		rank[k.Code] = i
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(rank[a.Code], rank[b.Code]))
	})
}

// examination is one run of the checks.
type examination struct {
	Environment
	now  time.Time
	logs []*source
	// containers are those whose logs are among them.
	containers []Container
	// state is the daemon's, once it was asked, and refused why there is none.
	state   *State
	refused error
	report  Report
}

// find adds a finding of the catalogue; an empty cure is the catalogue's.
func (x *examination) find(code, about, evidence, cure string) {
	k := finding.Of(code)
	x.add(k, about, evidence, cure)
}

// add adds a finding, unless the same is there already.
func (x *examination) add(k finding.Kind, about, evidence, cure string) {
	if cure == "" {
		cure = k.Cure
	}
	known := func(f Finding) bool { return f.Code == k.Code && f.About == clean(about) }
	if slices.ContainsFunc(x.report.Findings, known) {
		return
	}
	x.report.Findings = append(x.report.Findings, Finding{
		Code: k.Code, Severity: k.Severity, About: clean(about),
		Title: k.Title, Evidence: clean(evidence), Cure: clean(cure), Docs: k.Anchor(),
	})
}

// warn adds a finding that is no more than a warning this time.
func (x *examination) warn(code, about, evidence, cure string) {
	k := finding.Of(code)
	k.Severity = finding.Warning
	x.add(k, about, evidence, cure)
}

// skip notes what could not be looked at.
func (x *examination) skip(what string, why error) {
	x.report.Unchecked = append(x.report.Unchecked, Unchecked{clean(what), clean(why.Error())})
}

// path is where the file of that path is to be found.
func (x *examination) path(name string) string { return filepath.Join(x.Root, name) }

// own says whether addr is one of this host's, of what it lives on or of a
// trusted proxy, and which.
func (x *examination) own(addr netip.Addr) (why string, ok bool) {
	for _, p := range x.Config.Proxies {
		if p.Contains(addr) {
			return "a trusted proxy", true
		}
	}
	var prefixes []own.Prefix
	if x.Own != nil {
		prefixes, _ = x.Own() // what cannot be seen cannot be told apart
	}
	for _, o := range prefixes {
		if o.Prefix.Contains(addr) {
			return o.Why, true
		}
	}
	return "loopback", addr.IsLoopback()
}
