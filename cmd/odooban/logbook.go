package main

import (
	"cmp"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/control"
	"odooban/internal/engine"
	"odooban/internal/finding"
	"odooban/internal/printable"
	"odooban/internal/service"
	"odooban/internal/store"
	"odooban/rules"
)

// logbook writes what happens to the log. It implements engine.Observer.
type logbook struct {
	out io.Writer
	// to is changed by a reload while the server of the control socket goes on.
	to  atomic.Pointer[zerolog.Logger]
	ban string // what a ban is called; changes only while nobody is banned

	mu sync.Mutex
	// last has the latest alarm of each code that no engine knows, with those that
	// are over.
	last map[string]engine.Alarm
}

// newLogbook writes to out, as c says.
func newLogbook(c config.Log, out io.Writer) *logbook {
	l := &logbook{out: out, ban: "banned", last: make(map[string]engine.Alarm)}
	l.follow(c)
	return l
}

// follow lets the log be as c says from now on: for people on a terminal and in
// systemd's journal, else as JSON, unless c says which. The journal knows the time
// and gets the level as a priority.
func (l *logbook) follow(c config.Log) {
	w, journal := l.out, service.ToJournal(l.out)
	wanted := c.Format == "text" || c.Format == "auto" && (isTerminal(w) || journal)
	switch {
	case journal && wanted:
		w = service.NewPrefixed(w, func(out io.Writer) io.Writer {
			parts := []string{zerolog.TimestampFieldName, zerolog.LevelFieldName}
			return zerolog.ConsoleWriter{Out: out, NoColor: true, PartsExclude: parts}
		})
	case journal:
		w = service.NewPrefixed(w, nil)
	case wanted:
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.DateTime, NoColor: !isTerminal(w)}
	}
	level, err := zerolog.ParseLevel(c.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	l.to.Store(new(zerolog.New(w).Level(level).With().Timestamp().Logger()))
}

// dryRun lets bans be called what they are from now on.
func (l *logbook) dryRun(dry bool) {
	l.ban = "banned"
	if dry {
		l.ban = "would have banned"
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// say writes what odooban does.
func (l *logbook) say(text string) { l.to.Load().Info().Msg(text) }

// warn writes an error that is not the end.
func (l *logbook) warn(err error) {
	if err != nil {
		l.to.Load().Warn().Msg(err.Error())
	}
}

// Failed writes a failure at level debug: an attacker makes many.
func (l *logbook) Failed(source string, f rules.Failure) {
	l.to.Load().Debug().Stringer("addr", f.Addr).Str("rule", f.Rule).
		Str("user", printable.Text(f.User)).Str("db", printable.Text(f.DB)).
		Time("at", f.Time).Str("source", source).Msg("failed login")
}

// Banned writes a ban. One that had run out before its log was read is
// history.
func (l *logbook) Banned(source string, b banner.Ban) {
	level := zerolog.InfoLevel
	if b.Until.Before(time.Now()) {
		level = zerolog.DebugLevel
	}
	l.to.Load().WithLevel(level).Stringer("prefix", b.Prefix).Str("rule", b.Rule).Int("failures", b.Failures).
		Time("at", b.Time).Time("until", b.Until).Str("source", source).Msg(l.ban)
}

// mended writes what was wrong with the firewall, and whether it still is.
func (l *logbook) mended(m banner.Mended) {
	if len(m.Found) > 0 {
		what := "firewall was changed by others"
		if m.Righted {
			what += " and is repaired"
		}
		l.to.Load().Warn().Strs("found", m.Found).Int("restored", m.Restored).Uint64("count", m.Count).Msg(what)
	}
	if m.Err != nil {
		l.to.Load().Error().Uint64("count", m.Count).Msg("firewall does not protect as it should: " + m.Err.Error())
	}
}

// journal writes what happened to the journal. That an outage is over is no alarm.
func (l *logbook) journal(e store.Event) {
	if e.Code == store.OutageEnded {
		l.over(store.OutageBegan, e.Text)
		return
	}
	l.raise(engine.Alarm{Code: e.Code, Text: e.Text, Cure: e.Cure})
}

// raise tells an alarm that no engine knows; its cure is the catalogue's unless it
// has one.
func (l *logbook) raise(a engine.Alarm) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.Cure = cmp.Or(a.Cure, finding.Of(a.Code).Cure)
	a.Count, a.Last = l.last[a.Code].Count+1, time.Now()
	l.last[a.Code] = a
	l.Alarmed(a)
}

// over tells, if an alarm stands, that it is no longer so.
func (l *logbook) over(code, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a, ok := l.last[code]; ok && !a.Over {
		a.Over = true
		l.last[code] = a
		l.say(text)
	}
}

// happened returns the alarms that no engine knows, in the order of their codes.
func (l *logbook) happened() []engine.Alarm {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.last), func(a, b engine.Alarm) int { return cmp.Compare(a.Code, b.Code) })
}

// lasting is what happened and is not over.
func (l *logbook) lasting() []engine.Alarm {
	return slices.DeleteFunc(l.happened(), func(a engine.Alarm) bool { return a.Over })
}

// changed writes what somebody has asked to be changed, and who.
func (l *logbook) changed(c control.Change) {
	level, message := zerolog.InfoLevel, "asked to "+c.What
	if c.Err != nil {
		level, message = zerolog.WarnLevel, message+": "+c.Err.Error()
	}
	l.to.Load().WithLevel(level).Str("by", c.Peer.Name).Uint32("uid", c.Peer.UID).Int32("pid", c.Peer.PID).Msg(message)
}

// Alarmed writes an alarm with its cure. That one is over is no alarm.
func (l *logbook) Alarmed(a engine.Alarm) {
	if a.Over {
		l.to.Load().Info().Str("over", a.Code).Str("source", a.Source).Uint64("count", a.Count).Msg("no longer so: " + a.Text)
		return
	}
	event := l.to.Load().Warn().Str("alarm", a.Code)
	if a.Source != "" {
		event.Str("source", a.Source)
	}
	if a.Cure != "" {
		event.Str("cure", a.Cure)
	}
	event.Uint64("count", a.Count).Msg(a.Text)
}
