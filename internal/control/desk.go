package control

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"odooban/banner"
	"odooban/internal/config"
	"odooban/internal/engine"
	"odooban/internal/printable"
	"odooban/internal/store"
	"odooban/rules"
)

// Desk answers from an engine and what belongs to it. It is safe for concurrent
// use.
type Desk struct {
	Engine   *engine.Engine
	Firewall *banner.Keeper
	// Ports are those that the firewall closes; none for all.
	Ports []uint16
	// Journal is nil in a dry run.
	Journal *store.Journal
	// Alarms tells of more than the engine knows; nil for none.
	Alarms func() []engine.Alarm
	// Blind says why the firewall keeps nobody away where it is; nil never does.
	Blind func() error
	// Reload asks for the configuration to be read again; nil where it cannot be.
	Reload  func() error
	Version string
	Since   time.Time
	DryRun  bool
}

// Ban bans an address, with its network in IPv6 as the configuration says, or a
// network.
func (d *Desk) Ban(ctx context.Context, o Order) (Banned, error) {
	t, err := parseTarget(o.Prefix)
	if err != nil {
		return Banned{}, &wrongError{err}
	}
	length, err := d.length(o.For)
	if err != nil {
		return Banned{}, &wrongError{err}
	}
	var notes []string
	if t.single {
		if key := d.Engine.Standing(t.prefix.Addr()).Prefix; key != t.prefix {
			notes = append(notes, fmt.Sprintf("%s is banned with its network, %s; write %s to ban it alone",
				t.prefix.Addr(), key, t.prefix))
			t.prefix = key
		}
	}
	b, err := d.Engine.Ban(ctx, t.prefix, length, time.Now())
	if err != nil {
		return Banned{}, err
	}
	stands := d.standing(ctx, b)
	if stands.Until.After(b.Until) {
		notes = append(notes, "a longer ban was in force, and stays")
	}
	if d.DryRun {
		notes = append(notes, "this is a dry run: nobody is kept away")
	}
	return Banned{Ban: stands, Note: strings.Join(notes, "; ")}, nil
}

// standing returns what is in force after a ban was put in force: a longer one of
// the same prefix stays.
func (d *Desk) standing(ctx context.Context, b banner.Ban) Ban {
	bans, _ := d.bans(ctx, b.Time) // it is in force, whether all can be listed or not
	if i := slices.IndexFunc(bans, func(other Ban) bool { return other.Prefix == b.Prefix }); i >= 0 {
		return bans[i]
	}
	stands := toBan(b)
	stands.InForce = true
	return stands
}

// length reads how long a ban is to be.
func (d *Desk) length(text string) (time.Duration, error) {
	if text != "" {
		return config.ParseDuration(text)
	}
	var longest time.Duration
	for _, j := range d.Engine.Status().Jails {
		longest = max(longest, j.BanTime)
	}
	return longest, nil
}

// Unban ends the bans of an address, and of its network in IPv6, or of exactly a
// network.
func (d *Desk) Unban(ctx context.Context, text string) (Unbanned, error) {
	t, err := parseTarget(text)
	if err != nil {
		return Unbanned{}, &wrongError{err}
	}
	prefixes := []netip.Prefix{t.prefix}
	if key := d.Engine.Standing(t.prefix.Addr()).Prefix; t.single && key != t.prefix {
		prefixes = append(prefixes, key)
	}
	bans, err := d.bans(ctx, time.Now())
	if err != nil {
		return Unbanned{}, err
	}
	done := Unbanned{Ended: []netip.Prefix{}, Still: []Ban{}}
	for _, b := range bans {
		switch {
		case slices.Contains(prefixes, b.Prefix):
			done.Ended = append(done.Ended, b.Prefix)
		case b.Prefix.Bits() < t.prefix.Bits() && b.Prefix.Overlaps(t.prefix):
			done.Still = append(done.Still, b)
		}
	}
	done.Ended = slices.Compact(done.Ended)
	return done, d.Engine.Lift(ctx, d.Firewall, prefixes, time.Now())
}

// Flush ends all bans, and forgets what was counted.
func (d *Desk) Flush(ctx context.Context) (Flushed, error) {
	held, err := d.Firewall.List(ctx)
	if err != nil {
		return Flushed{}, err
	}
	prefixes := make([]netip.Prefix, len(held))
	for i, b := range held {
		prefixes[i] = b.Prefix
	}
	n, err := d.Engine.Flush(ctx, d.Firewall, prefixes, time.Now())
	return Flushed{Bans: n}, err
}

// Bans returns the bans that are in force, or are to be.
func (d *Desk) Bans(ctx context.Context) (Bans, error) {
	bans, err := d.bans(ctx, time.Now())
	return Bans{Bans: bans, DryRun: d.DryRun}, err
}

func (d *Desk) bans(ctx context.Context, now time.Time) ([]Ban, error) {
	held, err := d.Firewall.Held(ctx)
	if err != nil {
		return nil, fmt.Errorf("list bans: %w", err)
	}
	recorded, err := d.recorded(ctx, now)
	if err != nil {
		return nil, err
	}
	return merge(recorded, held), nil
}

// recorded returns what is known of the bans: in a dry run, which has no
// journal, the firewall that writes them down knows all of it.
func (d *Desk) recorded(ctx context.Context, now time.Time) ([]banner.Ban, error) {
	if d.Journal == nil {
		return d.Firewall.List(ctx)
	}
	return d.Journal.Bans(now)
}

// merge gives each ban of the firewall what is recorded of it, and adds those
// that are recorded and not in force.
func merge(recorded []banner.Ban, held []banner.Held) []Ban {
	known := make(map[netip.Prefix]banner.Ban, len(recorded))
	for _, b := range recorded {
		if other, ok := known[b.Prefix]; !ok || other.Until.Before(b.Until) {
			known[b.Prefix] = b
		}
	}
	all := make([]Ban, 0, len(held))
	for _, h := range held {
		b := toBan(known[h.Prefix])
		delete(known, h.Prefix)
		b.Prefix, b.Until, b.InForce = h.Prefix, cmp.Or(b.Until, h.Until), true
		if h.Counted {
			b.Packets = &h.Packets
		}
		all = append(all, b)
	}
	for _, b := range known {
		all = append(all, toBan(b))
	}
	slices.SortFunc(all, func(a, b Ban) int { return a.Prefix.Compare(b.Prefix) })
	return all
}

func toBan(b banner.Ban) Ban {
	return Ban{Prefix: b.Prefix, Rule: b.Rule, Time: b.Time, Until: b.Until, Failures: b.Failures}
}

// Status tells how odooban is doing.
func (d *Desk) Status(ctx context.Context) (Status, error) {
	s := d.status()
	n, err := d.Firewall.Dropped(ctx)
	if err != nil {
		s.Firewall.Notes = append(s.Firewall.Notes, err.Error())
		return s, nil
	}
	s.Firewall.Dropped = &n
	return s, nil
}

// Healthy says whether odooban protects. It is cheap: nobody asks the kernel.
func (d *Desk) Healthy() bool { return d.status().Healthy }

// status is what is known without asking the kernel.
func (d *Desk) status() Status {
	e := d.Engine.Status()
	s := Status{
		Version: d.Version, PID: os.Getpid(), Since: d.Since, DryRun: d.DryRun, Reasons: []string{},
		Sources: toSources(e.Sources), Jails: toJails(e.Jails), Firewall: d.firewall(e.Refused), Alarms: []Alarm{},
	}
	alarms := e.Alarms
	if d.Alarms != nil {
		alarms = append(alarms, d.Alarms()...)
	}
	for _, a := range alarms {
		s.Alarms = append(s.Alarms, Alarm{
			Code: a.Code, Source: a.Source, Text: a.Text, Cure: a.Cure, Count: a.Count, Last: a.Last,
		})
	}
	s.Reasons = append(s.Reasons, s.Firewall.reasons()...)
	if d.Blind != nil {
		if why := d.Blind(); why != nil {
			s.Reasons = append(s.Reasons, why.Error())
		}
	}
	if why := sourcesReason(s.Sources); why != "" {
		s.Reasons = append(s.Reasons, why)
	}
	s.Healthy = len(s.Reasons) == 0
	return s
}

func (d *Desk) firewall(refused int) Firewall {
	k := d.Firewall.Status()
	f := Firewall{
		Backend: k.Backend, Ports: append([]uint16{}, d.Ports...), Bans: k.Bans,
		Mended: k.Mends, LastMended: k.Last.Found, Refused: refused,
	}
	for _, note := range k.Notes {
		f.Notes = append(f.Notes, note.Error())
	}
	if k.Err != nil {
		f.Error = k.Err.Error()
	}
	return f
}

// reasons says why the firewall is not in force.
func (f *Firewall) reasons() (reasons []string) {
	if f.Error != "" {
		reasons = append(reasons, "the firewall does not protect as it should: "+f.Error)
	}
	if f.Refused > 0 {
		reasons = append(reasons,
			fmt.Sprintf("the firewall has refused %s, to be tried again", printable.Count(f.Refused, "ban")))
	}
	return reasons
}

// sourcesReason says why no source is followed, if none is.
func sourcesReason(sources []Source) string {
	why := "no source is followed; name one under sources in the configuration"
	for _, s := range sources {
		if s.Trouble == "" {
			return ""
		}
		why = "no source can be followed: " + s.Trouble
	}
	return why
}

func toSources(all []engine.SourceStatus) []Source {
	sources := make([]Source, len(all))
	for i, s := range all {
		sources[i] = Source{
			Name: s.Name, Lines: s.Lines, Failures: s.Failures, Unattributed: s.Unattributed, Unknown: s.Unknown,
			Rejected: s.Rejected, LastLine: s.LastLine.UTC(), LastRecord: s.LastRecord, Trouble: s.Trouble,
		}
		if s.Rejected == nil {
			sources[i].Rejected = map[rules.Reason]uint64{}
		}
		if !s.LastRecord.IsZero() {
			sources[i].Lag = max(0, s.LastLine.Sub(s.LastRecord).Seconds())
		}
	}
	return sources
}

func toJails(all []engine.JailStatus) []Jail {
	jails := make([]Jail, len(all))
	for i, j := range all {
		jails[i] = Jail{
			Rule: j.Rule, MaxRetry: j.MaxRetry, FindTime: j.FindTime.Seconds(), BanTime: j.BanTime.Seconds(),
			Failures: j.Failures, Bans: j.Bans, Counting: j.Keys, Forgotten: j.Forgotten,
		}
	}
	return jails
}
