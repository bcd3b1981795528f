package odoosim

import (
	"net/netip"
	"slices"
	"time"

	"odooban/internal/window"
)

// The bans that are measured: ten failures by a rule within a minute.
const (
	maxRetry = 10
	findTime = time.Minute
	// Bound is within how many guesses of their own an attacker must be banned.
	Bound = 15
)

// Verdict is a failure that a judge counted, and when it said so; Now is zero in a replay.
type Verdict struct {
	Failure
	Now time.Time
	// Wrong says that its address made no such failure.
	Wrong bool
}

// Guesses is how one attacker fared.
type Guesses struct {
	Actor  Actor
	Made   int // all of them
	Needed bool
	// Banned says whether, Until after how many guesses of theirs, and Delay how long after the one that was one too many.
	Banned bool
	Until  int
	Delay  time.Duration
	// Late is how long after the fifteenth guess the ban came; negative is before it.
	Late    time.Duration
	Counted int
}

// Outcome is how right a judge was.
type Outcome struct {
	Log      *Log
	Reader   Reader
	Verdicts []Verdict

	// Honest are the failures of those who forge nothing; Soft ones are not among them.
	Honest, Counted int
	Missed          []Attempt
	// Strangers are failures counted against somebody who made none: Wrong of them in all, of which Uninvolved against
	// addresses that never made a request, or no failure; BannedStrangers are such addresses that were banned.
	Wrong, Uninvolved int
	BannedStrangers   []netip.Addr
	// Accused are the addresses of people who forge nothing and are said to.
	Accused int
	Told    Told
	// Excess is how many failures are said to be nobody's beyond those of killed processes.
	Excess  int
	Guesses []Guesses
	// Lines is how many lines were judged.
	Lines int
}

// Run lets a judge follow a log and measures how right it is.
func Run(log *Log, r Reader, judge Judge) *Outcome {
	o := &Outcome{Log: log, Reader: r}
	c := &court{judge: judge, out: o}
	r.read(log, c)
	o.Told = judge.Told()
	o.match()
	o.ban()
	o.tell()
	return o
}

// court takes down what a judge says.
type court struct {
	judge    Judge
	out      *Outcome
	failures []Failure
	now      time.Time
}

func (c *court) line(l Line) {
	c.out.Lines++
	c.failures = c.judge.Feed(c.failures[:0], l)
	c.now = l.Seen
	c.note()
}

func (c *court) settle(now time.Time) {
	c.failures, c.now = c.judge.Settle(c.failures[:0], now), now
	c.note()
}

func (c *court) flush() {
	c.failures = c.judge.Flush(c.failures[:0])
	c.note()
}

func (c *court) open() bool { return c.judge.Open() }

func (c *court) note() {
	for _, f := range c.failures {
		c.out.Verdicts = append(c.out.Verdicts, Verdict{Failure: f, Now: c.now})
	}
}

// class is what a rule's failures are held against: Odoo logs a cooled down attempt as a failed one, too.
func class(rule string) string {
	if rule == CooldownRule {
		return LoginRule
	}
	return rule
}

// away is how far a verdict's time is from the attempt: from its record, or, where a failure may bear the time of its
// access line, from anything between both.
func (a *Attempt) away(t time.Time) time.Duration {
	if class(a.Rule) != LoginRule && t.After(a.At) {
		return max(0, t.Sub(a.Written))
	}
	return a.At.Sub(t).Abs()
}

// match holds verdicts against attempts: first those of the same moment, then those nearby.
func (o *Outcome) match() {
	type key struct {
		addr netip.Addr
		rule string
	}
	open := make(map[key][]int)
	for i := range o.Log.Attempts {
		a := &o.Log.Attempts[i]
		k := key{a.Addr, class(a.Rule)}
		open[k] = append(open[k], i)
	}
	found := make([]bool, len(o.Log.Attempts))
	take := func(v *Verdict, within time.Duration) bool {
		k := key{v.Addr, class(v.Rule)}
		best, least := -1, within+1
		for at, i := range open[k] {
			if away := o.Log.Attempts[i].away(v.Time); away < least {
				best, least = at, away
			}
		}
		if best < 0 {
			return false
		}
		found[open[k][best]] = true
		open[k] = slices.Delete(open[k], best, best+1)
		return true
	}
	var left []*Verdict
	for i := range o.Verdicts {
		if !take(&o.Verdicts[i], 2*ms) {
			left = append(left, &o.Verdicts[i])
		}
	}
	forgers := o.forgers()
	for _, v := range left {
		if !take(v, 200*ms) && !forgers[v.Addr] {
			v.Wrong = true
		}
	}
	for i, a := range o.Log.Attempts {
		if a.Forger || a.Soft {
			continue
		}
		o.Honest++
		if found[i] {
			o.Counted++
		} else {
			o.Missed = append(o.Missed, a)
		}
	}
}

// forgers are the addresses of those who forge.
func (o *Outcome) forgers() map[netip.Addr]bool {
	forgers := make(map[netip.Addr]bool)
	for i := range o.Log.Config.Actors {
		if a := &o.Log.Config.Actors[i]; a.Forges() {
			forgers[a.Addr] = true
		}
	}
	return forgers
}

// jails ban who fails too often, each by one rule.
type jails struct {
	windows map[string]*window.Window
	bans    map[netip.Addr]time.Time
}

func newJails() *jails {
	return &jails{make(map[string]*window.Window), make(map[netip.Addr]time.Time)}
}

// retries is how many failures by a rule ban.
func retries(rule string) int {
	switch rule {
	case CooldownRule:
		return 1
	case CSRFRule:
		return 60
	case NameRule:
		return 20
	}
	return maxRetry
}

// add counts a failure and reports whether it is the one that bans.
func (j *jails) add(addr netip.Addr, rule string, t, now time.Time) bool {
	key := addr
	if addr.Is6() {
		prefix, _ := addr.Prefix(64)
		key = prefix.Addr()
	}
	if _, banned := j.bans[addr]; banned {
		return false
	}
	if j.windows[rule] == nil {
		j.windows[rule] = window.New(retries(rule), findTime, 1<<20)
	}
	_, full := j.windows[rule].Add(key.As16(), t, func(time.Time) bool { return true })
	if full {
		j.bans[addr] = now
	}
	return full
}

// ban holds the bans against those that there should be.
func (o *Outcome) ban() {
	should, may, got := newJails(), newJails(), newJails()
	deciding := make(map[netip.Addr]int)
	made := make(map[netip.Addr][]*Attempt)
	for i := range o.Log.Attempts {
		a := &o.Log.Attempts[i]
		made[a.Addr] = append(made[a.Addr], a)
		may.add(a.Addr, a.Rule, a.At, a.Written)
		if !a.Soft && should.add(a.Addr, a.Rule, a.At, a.Written) {
			deciding[a.Addr] = len(made[a.Addr]) - 1
		}
	}
	for i := range o.Verdicts {
		v := &o.Verdicts[i]
		got.add(v.Addr, v.Rule, v.Time, v.Now)
		if v.Wrong {
			o.Wrong++
			if len(made[v.Addr]) == 0 {
				o.Uninvolved++
			}
		}
	}
	for addr := range got.bans {
		if _, right := may.bans[addr]; !right && !o.forgers()[addr] {
			o.BannedStrangers = append(o.BannedStrangers, addr)
		}
	}
	slices.SortFunc(o.BannedStrangers, netip.Addr.Compare)
	for i, a := range o.Log.Config.Actors {
		if rule := a.Way.fails(); rule != "" && rule != CSRFRule && rule != NameRule {
			_, needed := should.bans[a.Addr]
			o.Guesses = append(o.Guesses, o.fared(i, needed, deciding[a.Addr], made[a.Addr], got.bans))
		}
	}
}

// fared is how an actor did who tried passwords.
func (o *Outcome) fared(actor int, needed bool, deciding int, made []*Attempt, bans map[netip.Addr]time.Time) Guesses {
	g := Guesses{Actor: o.Log.Config.Actors[actor], Made: len(made), Needed: needed}
	for i := range o.Verdicts {
		if o.Verdicts[i].Addr == g.Actor.Addr {
			g.Counted++
		}
	}
	at, banned := bans[g.Actor.Addr]
	g.Banned = banned
	g.Until = len(made)
	if !banned || at.IsZero() {
		return g
	}
	g.Until = 0
	for _, a := range made {
		if !a.Written.After(at) {
			g.Until++
		}
	}
	if needed {
		g.Delay = at.Sub(made[deciding].Written)
	}
	if len(made) >= Bound {
		g.Late = at.Sub(made[Bound-1].Written)
	}
	return g
}

// OK reports whether an attacker was banned in time: within fifteen guesses and a second.
func (g *Guesses) OK(live bool) bool {
	if !g.Needed {
		return true
	}
	if !live || g.Made < Bound {
		return g.Banned
	}
	return g.Banned && g.Late <= time.Second
}

// tell holds what the judge says of people against what they are.
func (o *Outcome) tell() {
	forgers := o.forgers()
	for addr := range o.Told.Forged {
		if addr.IsValid() && !forgers[addr] {
			o.Accused++
		}
	}
	soft := 0
	for i := range o.Log.Attempts {
		if o.Log.Attempts[i].Soft {
			soft++
		}
	}
	o.Excess = max(0, int(o.Told.Unattributed)-soft)
}

// PerThousand is how many failures of a thousand forged requests were counted against somebody who made none such.
func (o *Outcome) PerThousand() float64 {
	if o.Log.Forged == 0 {
		return 0
	}
	return 1000 * float64(o.Wrong) / float64(o.Log.Forged)
}

// Share is how many of the honest failures were counted.
func (o *Outcome) Share() float64 {
	if o.Honest == 0 {
		return 1
	}
	return float64(o.Counted) / float64(o.Honest)
}
