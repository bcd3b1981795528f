// Package doctor looks whether protection works on this host, and says what to
// do where it does not.
//
// It promises to change nothing, to end soon however large the logs are, and to
// say what it could not look at. First the facts that the checks need are
// gathered, then each check looks at them. What is found is of the catalogue in
// internal/finding; texts that come from logs are made safe for a terminal.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"odooban/internal/checkup"
	"odooban/internal/config"
	"odooban/internal/finding"
	"odooban/internal/ini"
	"odooban/internal/own"
	"odooban/rules"
)

// Environment is where the facts come from. A part that is nil cannot be looked at.
type Environment struct {
	// Root is put before the path of every file; it is empty on a real host.
	Root string
	Now  func() time.Time
	// Depth is how many bytes of the end of each log are read; 4 MiB if it is zero.
	Depth int64
	// Mistakes is what is wrong with the configuration, or nil; Config has the defaults
	// then.
	Mistakes error
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

// Check is one of the doctor's.
type Check = checkup.Check[*facts]

// facts are what the checks look at.
type facts struct {
	Environment
	now  time.Time
	logs []*source
	// hidden is set when there are logs that we may not read.
	hidden bool
	// containers are those whose logs are among them, and starts how Odoo is
	// started in them.
	containers []Container
	starts     []start
	confs      []conf
	// unit is odooban's service, or nil.
	unit ini.Options
	// state is the daemon's, once it was asked, and refused why there is none.
	state   *State
	refused error
	filter  filter
	jails   []jail
	// volatile is a folder that a restart loses, and what it is on; or empty.
	volatile [2]string
	ours     []own.Prefix
}

// The names of the facts.
const (
	theLogs     = "logs"
	theRights   = "rights of the service's user"
	theUnit     = "unit"
	theDaemon   = "daemon"
	theBans     = "bans"
	theFirewall = "firewall"
	theConfs    = "odoo.conf"
	theStarts   = "starts of containers"
	theJails    = "jails of fail2ban"
	theJournal  = "journal"
	theOwn      = "own addresses"
	theMistakes = "mistakes"
)

func gather() map[string]checkup.Gather[*facts] {
	return map[string]checkup.Gather[*facts]{
		theLogs: gatherLogs, theRights: gatherRights, theUnit: gatherUnit, theDaemon: gatherDaemon, theBans: gatherBans,
		theFirewall: gatherFirewall, theConfs: gatherConfs, theStarts: gatherStarts, theJails: gatherJails,
		theJournal: gatherJournal, theOwn: gatherOwn, theMistakes: gatherMistakes,
	}
}

// codes are those of findings, or names of facts.
type codes = []string

func check(name string, needs, finds codes, look func(*facts, *checkup.Report)) Check {
	return Check{Name: name, Needs: needs, Finds: finds, Look: look}
}

// Regular are the checks that the daemon makes every few minutes: of what it
// does not notice by itself, line by line.
func Regular() []Check {
	logs := codes{theLogs}
	return []Check{
		check("empty logs", logs, codes{finding.SourceEmpty}, checkEmpty),
		check("silent logs", logs, codes{finding.SourceSilent}, checkSilent),
		check("log levels", logs, codes{finding.LevelHides, finding.NoAccessLines}, checkLevels),
		check("logs of others", logs, codes{finding.NotOdoo}, checkStrange),
		check("proxy mode", codes{theLogs, theOwn}, codes{finding.ProxyMode}, checkProxy),
		check("banned addresses", codes{theLogs, theBans}, codes{finding.BanPasses}, checkBans),
	}
}

// Concludes are the codes of which a report of the regular checks has all there is:
// what is not found any more is over. Odoo's own word about a proxy has a life of its
// own.
func Concludes(r checkup.Report) (found []string) {
	for _, c := range Regular() {
		if slices.Contains(r.Checked, c.Name) {
			found = append(found, c.Finds...)
		}
	}
	return slices.DeleteFunc(found, func(code string) bool { return code == finding.ProxyMode })
}

// Checks are all checks.
func Checks() []Check {
	ofSettings := codes{finding.LevelHides, finding.Syslog, finding.DatabaseManager, finding.LogElsewhere}
	return append([]Check{
		check("sources", codes{theLogs, theUnit, theRights}, codes{finding.NoSource, finding.SourceTrouble}, checkSources),
		check("log formats", codes{theLogs}, codes{
			finding.FormatChanged, finding.Unattributed, finding.Doubtful, finding.MixedLog, finding.Syslog,
		}, checkFormats),
		check("clocks", codes{theLogs}, codes{finding.ClockDiffers, finding.TimeZone}, checkClocks),
		check("odoo.conf", codes{theLogs, theConfs}, ofSettings, checkConfs),
		check("containers", codes{theLogs, theStarts}, ofSettings, checkStarts),
		// Its alarms may have any code.
		check("the daemon", codes{theUnit, theDaemon}, codes{finding.DaemonDown, finding.DaemonUnhealthy}, checkDaemon),
		check("the firewall", codes{theFirewall}, codes{
			finding.DryRun, finding.NoClients, finding.TwoVariants, finding.FirewallMissing, finding.FirewallFailed,
			finding.IPv6Open,
		}, checkFirewall),
		check("the journal", codes{theJournal}, codes{finding.JournalVolatile}, checkJournal),
		check("fail2ban", codes{theJails}, codes{finding.Fail2banBlind}, checkFail2ban),
	}, Regular()...)
}

// unconfigured are the checks that need no configuration, for one with mistakes.
func unconfigured() []Check {
	return append([]Check{
		check("the configuration", codes{theMistakes}, codes{finding.Configuration}, checkMistakes),
	}, slices.DeleteFunc(Checks(), func(c Check) bool { return c.Name != "the daemon" && c.Name != "fail2ban" })...)
}

// checkMistakes tells what is wrong with the configuration.
func checkMistakes(x *facts, r *checkup.Report) {
	r.Find(finding.Configuration, "", x.Mistakes.Error(), "")
}

// gatherMistakes says that nothing else goes by a configuration with mistakes.
func gatherMistakes(_ context.Context, _ *facts, r *checkup.Report) error {
	r.Skip("logs, firewall and journal", errors.New("the configuration has mistakes; correct them first"))
	return nil
}

// Examine makes the checks. When ctx ends the report is not whole.
func Examine(ctx context.Context, env Environment, checks []Check) checkup.Report {
	if env.Mistakes != nil {
		checks = unconfigured()
	}
	return checkup.Examine(ctx, &facts{Environment: env, now: env.Now()}, gather(), checks)
}

// patience is how long whoever is asked may take to answer: an engine may take a
// connection and never answer.
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
